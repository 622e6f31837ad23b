from __future__ import annotations

from math import hypot, inf, isnan

import numpy as np
import pytest
from scipy.stats import beta, binom, ncx2, poisson

from monitors.estimate import Estimate
from monitors.intervals import (
    EXACT_UP_TO,
    difference,
    largest,
    noncentrality,
    nothing,
    poisson_rate,
    proportion,
    quantile,
    sup_distance,
)


def test_nothing_is_not_a_number_on_no_record() -> None:
    assert isnan(nothing().value)
    assert nothing().n == 0


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 40), (3, 40), (40, 40), (5, 100_000)])
def test_proportion_inverts_the_binomial_tails(hits: int, n: int) -> None:
    estimate = proportion(hits, n)
    assert estimate.value == hits / n
    if hits > 0:
        assert binom.sf(hits - 1, n, estimate.low) == pytest.approx(0.025, rel=1e-6)
    if hits < n:
        assert binom.cdf(hits, n, estimate.high) == pytest.approx(0.025, rel=1e-6)
        assert estimate.high == pytest.approx(beta.ppf(0.975, hits + 1, n - hits))


def test_the_rule_of_three_over_a_hundred() -> None:
    assert proportion(0, 100).high == pytest.approx(0.0362, abs=1e-4)


@pytest.mark.parametrize("count", [0, 1, 7, 20_000])
def test_poisson_rate_inverts_the_poisson_tails(count: int) -> None:
    estimate = poisson_rate(count, 4.0)
    assert estimate.value == count / 4
    assert poisson.cdf(count, estimate.high * 4) == pytest.approx(0.025, rel=1e-6)
    assert count == 0 or poisson.sf(count - 1, estimate.low * 4) == pytest.approx(0.025, rel=1e-6)


def test_the_band_of_two_samples_is_the_sum_of_theirs() -> None:
    assert sup_distance(100, 10**12) == pytest.approx((np.log(80) / 200) ** 0.5, abs=1e-5)


@pytest.mark.parametrize(("df", "truth"), [(1, 0.0), (1, 9.0), (12, 0.0), (12, 5.0), (127, 40.0), (127, 4_000.0)])
def test_noncentrality_holds_the_truth_95_times_in_100(df: int, truth: float) -> None:
    drawn = ncx2(df, truth).rvs(4_000, random_state=7) if truth else np.random.default_rng(7).chisquare(df, 4_000)
    held = [low <= truth <= high for _, low, high in (noncentrality(x, df) for x in drawn)]
    assert np.mean(held) >= 0.94


@pytest.mark.parametrize(("df", "statistic"), [(1, 4.0), (12, 30.0), (127, 400.0)])
def test_noncentrality_inverts_the_law(df: int, statistic: float) -> None:
    _, low, high = noncentrality(statistic, df)
    assert ncx2.cdf(statistic, df, high) == pytest.approx(0.025, rel=1e-6)
    assert low == 0 or ncx2.cdf(statistic, df, low) == pytest.approx(0.975, rel=1e-6)


@pytest.mark.parametrize("df", [1, 12, 127, 999])
def test_the_approximation_takes_over_without_a_step(df: int) -> None:
    before, after = noncentrality(EXACT_UP_TO, df), noncentrality(EXACT_UP_TO + 1e-6, df)
    assert after == pytest.approx(before, rel=1e-4)


@pytest.mark.parametrize("statistic", [0.0, 1.0, 63.0, 127.0, 500.0])
def test_noncentrality_lies_in_its_interval(statistic: float) -> None:
    for df in (1, 2, 127):
        value, low, high = noncentrality(statistic, df)
        assert 0 <= low <= value
        assert high >= 0


EDGES = np.array([0.0, 1.0, 2.0, 4.0])


def test_a_quantile_lies_in_the_cell_that_holds_its_rank() -> None:
    estimate = quantile(np.array([50, 48, 2, 0]), EDGES, 0.5)
    assert (estimate.value, estimate.n) == (0.5, 100)
    assert (estimate.low, estimate.high) == (0.0, 2.0)


def test_a_quantile_of_few_values_is_open_above() -> None:
    estimate = quantile(np.array([3, 0, 0, 0]), EDGES, 0.99)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.0, inf)


def test_a_quantile_in_the_last_cell_is_at_least_its_edge() -> None:
    estimate = quantile(np.array([0, 0, 0, 1_000]), EDGES, 0.5)
    assert (estimate.value, estimate.low, estimate.high) == (4.0, 4.0, inf)


def test_a_quantile_of_nothing_is_nothing() -> None:
    assert quantile(np.zeros(4, np.int64), EDGES, 0.5).n == 0


@pytest.mark.parametrize(("n", "q"), [(60, 0.5), (2_000, 0.99)])
def test_quantile_intervals_hold_the_truth_95_times_in_100(n: int, q: float) -> None:
    edges = np.append(0.0, np.logspace(-4, 2, 400))
    truth = -np.log(1 - q)
    rng = np.random.default_rng(2)

    def held() -> bool:
        cells = np.searchsorted(edges, rng.exponential(size=n), side="right") - 1
        estimate = quantile(np.bincount(cells, minlength=len(edges)), edges, q)
        return bool(estimate.low <= truth <= estimate.high)

    assert np.mean([held() for _ in range(1_000)]) >= 0.94


def test_differences_have_the_square_and_add_limits_folded_at_0() -> None:
    one, other = Estimate(0.5, 0.4, 0.7, 100), Estimate(0.2, 0.16, 0.23, 100)
    value, low, high = difference(one, other)
    assert value == pytest.approx(0.3)
    assert low == pytest.approx(0.3 - hypot(0.1, 0.03))
    assert high == pytest.approx(0.3 + hypot(0.2, 0.04))
    assert difference(other, one) == (value, low, high)
    assert difference(one, Estimate(0.45, 0.4, 0.5, 9))[1] == 0


def test_the_largest_difference_has_the_largest_ends() -> None:
    found = largest([(0.1, 0.0, 0.6), (0.3, 0.2, 0.4)], 9)
    assert (found.value, found.low, found.high, found.n) == (0.3, 0.2, 0.6, 9)


def test_a_smaller_miss_widens_the_noncentrality() -> None:
    for statistic in (50.0, 90_000.0):
        _, low, high = noncentrality(statistic, 4, 0.001)
        _, inner_low, inner_high = noncentrality(statistic, 4)
        assert low < inner_low < inner_high < high
