"""Distances, their parts and their intervals, against what is computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from monitors.intervals import Z
from stream_app.assessment.areas import area, with_error
from stream_app.assessment.cells import neighbours
from stream_app.assessment.covered import covered
from stream_app.assessment.evenness import even_bins
from stream_app.assessment.witness import Gaps, chance_of_cells, largest_gap, similarity
from tests.stream_app.assessment.planted import evenly, rng_of


def test_the_largest_gap_is_scipys() -> None:
    one, other = np.sort(rng_of(1).normal(size=300)), np.sort(np.round(rng_of(2).normal(0.3, 1, 200), 1))
    at = largest_gap(one, other)
    gap = abs(np.mean(one <= at) - np.mean(other <= at))
    assert gap == pytest.approx(ks_2samp(one, other).statistic)


def test_an_interval_allows_for_chance_at_its_upper_end_alone() -> None:
    found = similarity(0.2, 0.05, 0.01, 100)
    assert (found.value, found.low, found.high) == pytest.approx((0.8, 0.8 - Z * 0.01, 0.85 + Z * 0.01))


def test_the_error_of_the_mean_knows_that_columns_are_the_same() -> None:
    rng = rng_of(1)
    inside = rng.random(1_000) < 0.5, rng.random(1_000) < 0.4
    there = np.ones(1_000, bool), np.ones(1_000, bool)
    once, twice = Gaps((1_000, 1_000)), Gaps((1_000, 1_000))
    once.add("a", inside, there, 0.0)
    for name in ("a", "b"):
        twice.add(name, inside, there, 0.0)
    assert twice.estimates()[()] == once.estimates()[()]
    apart = Gaps((1_000, 1_000))
    apart.add("a", inside, there, 0.0)
    apart.add("b", (np.roll(inside[0], 1), np.roll(inside[1], 1)), there, 0.0)
    wide, narrow = once.estimates()[()], apart.estimates()[()]
    assert (narrow.high - narrow.low) < 0.8 * (wide.high - wide.low)


def test_columns_without_values_are_left_out() -> None:
    gaps = Gaps((2, 2))
    nothing = np.zeros(2, bool)
    gaps.add("a", (nothing, nothing), (nothing, nothing), 0.0)
    assert gaps.estimates() == {}


def test_chance_of_cells_is_about_what_two_draws_of_one_law_differ_by() -> None:
    rng = rng_of(3)
    seen = []
    for _ in range(200):
        one, other = rng.multinomial(1_000, [0.1] * 10), rng.multinomial(500, [0.1] * 10)
        seen.append(0.5 * np.abs(one / 1_000 - other / 500).sum())
    assert chance_of_cells(one, other) == pytest.approx(np.mean(seen), rel=0.05)


def test_neighbouring_cells_are_joined_and_heavy_ones_stay_alone() -> None:
    assert neighbours(np.full(8, 0.125), 4).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert neighbours(np.array([0.05, 0.9, 0.05]), 4).tolist() == [0, 1, 2]


def test_an_area_is_that_of_pairs_in_order() -> None:
    value, influence = area(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    assert value == 0.875
    assert influence.mean() == pytest.approx(0)
    assert with_error(1.0, np.zeros(50)).low == pytest.approx(1 - Z / 50)


def test_cells_are_covered_surely_perhaps_or_not() -> None:
    cells = covered(np.array([500, 300, 200, 3]), np.array([600, 400, 0, 0]))
    assert cells.told.tolist() == [True, True, True, False]
    assert cells.seen.tolist()[:3] == [True, True, False]
    share = cells.share(cells.mass)
    assert share is not None
    assert (share.value, share.low, share.high) == pytest.approx((800 / 1_000,) * 3)
    assert cells.share(np.zeros(4)) is None


@pytest.mark.parametrize("bins", [3, 5, 8])
def test_values_that_lie_evenly_inside_wide_bins_are_found_out(bins: int) -> None:
    real, other = np.exp(rng_of(1).normal(size=5_000)), np.exp(rng_of(2).normal(size=5_000))
    assert even_bins(np.sort(real), np.sort(evenly(other, bins))) in (bins - 1, bins)
    assert even_bins(np.sort(real), np.sort(other)) is None


def test_values_that_lie_evenly_in_truth_are_nothing_to_name() -> None:
    real, other = rng_of(1).random(5_000), rng_of(2).random(5_000)
    assert even_bins(np.sort(real), np.sort(other)) is None
    assert even_bins(np.sort(real), np.zeros(5_000)) is None
