from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom, ncx2

from monitors.distances import Counts, Numbers
from monitors.drift.chi_square import METRIC as CHI_SQUARE
from monitors.drift.ks import METRIC as KS
from monitors.quality.null_share import METRIC as NULL_SHARE
from monitors.questions import Order, Question, Rate, Shares, asked_of, log_more, log_ncx2_sf

MISS = 1e-4
ROWS = 100_000
SHARES = {
    "even": np.full(40, 1 / 40),
    "steep": 0.5 ** np.arange(1, 13) / (1 - 0.5**12),
    "nearly one": np.array([0.9998, 0.0002]),
    "rare": np.append(np.full(9, 1e-6), 1 - 9e-6),
    "flag": np.array([0.3, 0.7]),
}


def question(kind: type[Order] | type[Shares], *references: Counts, inflation: float = 1.0) -> Question:
    firsts = np.cumsum([1, *(len(r) for r in references)])
    parts = [
        (f"c{i}", int(first), np.arange(len(r)), r)
        for i, (r, first) in enumerate(zip(references, firsts, strict=False))
    ]
    metric = KS if kind is Order else CHI_SQUARE
    return kind(asked_of(metric, parts, np.full(len(parts), inflation), MISS))


def panes(rng: np.random.Generator, rows: int, draws: int, *shares: Numbers) -> Counts:
    drawn = [rng.multinomial(rows, share, size=draws) for share in shares]
    return np.hstack([np.full((draws, 1), rows), *drawn])


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("kind", [Order, Shares])
@pytest.mark.parametrize("rows", [600, 20_000, 1_000_000])
def test_p_values_keep_their_promise_for_each_reference_whatever_its_error(
    name: str, kind: type[Order] | type[Shares], rows: int
) -> None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        asked = question(kind, rng.multinomial(ROWS, SHARES[name]))
        p = np.exp(asked.answer(panes(rng, rows, 4_000, SHARES[name])).log_p)
        for level in (0.05, 0.01, 1e-3):
            assert (p <= level).sum() <= 4_000 * level + 4 * (4_000 * level) ** 0.5


@pytest.mark.parametrize("kind", [Order, Shares])
def test_without_change_the_sure_size_is_none_and_with_one_it_is_below_the_truth(
    kind: type[Order] | type[Shares],
) -> None:
    rng = np.random.default_rng(1)
    asked = question(kind, rng.multinomial(ROWS, SHARES["even"]))
    moved = SHARES["even"].copy()
    moved[:4] += 0.03
    moved[-4:] -= 0.02
    moved /= moved.sum()
    truth = np.abs(np.cumsum(moved - SHARES["even"])).max() if kind is Order else np.abs(moved - 1 / 40).sum() / 2
    assert (asked.answer(panes(rng, 50_000, 500, SHARES["even"])).least <= 0.01).all()
    answer = asked.answer(panes(rng, 50_000, 500, moved))
    assert (answer.least < truth).mean() >= 0.95
    assert answer.least.min() > truth - 0.04
    assert (answer.log_p < -50).all()


@pytest.mark.parametrize("rows", [2_000, 100_000])
def test_a_value_the_reference_hardly_has_is_missed_by_no_question(rows: int) -> None:
    rng = np.random.default_rng(2)
    asked = question(Shares, np.array([60_000, 39_999, 1]), np.array([100_000, 0, 0]))
    burst = np.array([0.59, 0.40, 0.01])
    log_p = asked.answer(panes(rng, rows, 50, burst, burst)).log_p
    assert (log_p < np.log(1e-6)).all()


def test_one_record_of_a_rare_value_is_no_news() -> None:
    asked = question(Shares, np.array([60_000, 39_999, 1]))
    p = np.exp(asked.answer(np.array([[2_000, 1_200, 799, 1]])).log_p)
    assert p[0, 0] > 0.1


def test_windows_and_columns_are_answered_as_each_alone() -> None:
    rng = np.random.default_rng(4)
    references = [rng.multinomial(ROWS, SHARES[name]) for name in ("even", "flag")]
    for kind in (Order, Shares):
        together = question(kind, *references)
        drawn = panes(rng, 3_000, 3, SHARES["even"], SHARES["flag"])
        answer = together.answer(drawn)
        for i, cells in enumerate((slice(1, 41), slice(41, 43))):
            alone = question(kind, references[i])
            for window in range(3):
                one = alone.answer(np.hstack([[[3_000]], drawn[window : window + 1, cells]]))
                for what in ("log_p", "least", "n"):
                    assert getattr(one, what)[0, 0] == pytest.approx(getattr(answer, what)[window, i])


def test_dependence_takes_as_much_as_fewer_records_would() -> None:
    reference = np.full(40, 10**9)
    drawn = panes(np.random.default_rng(5), 40_000, 1, np.linspace(0.9, 1.1, 40) / 40)
    fewer = np.hstack([[[10_000]], drawn[:, 1:] // 4])
    for kind in (Order, Shares):
        inflated = question(kind, reference, inflation=4.0).answer(drawn)
        expected = question(kind, reference).answer(fewer)
        assert inflated.log_p == pytest.approx(expected.log_p, rel=0.05)
        assert inflated.least == pytest.approx(expected.least, abs=1e-3)  # what is surely large is so of as many


@pytest.mark.parametrize("both_ways", [True, False])
def test_a_rate_is_held_against_what_the_reference_allows(both_ways: bool) -> None:
    part = ("c", 1, np.array([0]), np.array([100]))
    asked = Rate(asked_of(NULL_SHARE, [part], np.ones(1), MISS), ROWS, both_ways=both_ways, any_size=False)
    high = beta.ppf(1 - MISS, 101, ROWS - 100)  # Clopper and Pearson's upper bound on a count of 100
    answer = asked.answer(np.array([[10_000, 40], [10_000, 0], [10_000, 10], [0, 0]]))
    times = 2 if both_ways else 1
    assert np.exp(answer.log_p[0, 0]) == pytest.approx(times * binom.sf(39, 10_000, high), rel=1e-6)
    assert (np.exp(answer.log_p[1, 0]) < 0.01) == both_ways
    assert (np.exp(answer.log_p[2:, 0]) > 0.9).all()
    assert answer.least[0, 0] < 0.003


def test_rates_keep_their_promise_for_each_reference() -> None:
    rng = np.random.default_rng(6)
    for rate in (0.0, 1e-5, 0.02, 0.5, 1.0):
        part = ("c", 1, np.array([0]), np.array([rng.binomial(ROWS, rate)]))
        asked = Rate(asked_of(NULL_SHARE, [part], np.ones(1), MISS), ROWS, both_ways=True, any_size=True)
        hits = rng.binomial(50_000, rate, size=20_000)
        answer = asked.answer(np.column_stack([np.full(20_000, 50_000), hits]))
        assert (np.exp(answer.log_p) <= 0.01).mean() <= 0.01 + 0.003
        assert (answer.least == np.inf).all()


def test_tails_go_on_where_numbers_end() -> None:
    hits = np.array([0.0, 5.0, 60.0, 2_000.0, 90_000.0, 100_000.0])
    n, rate = np.full(6, 100_000.0), np.full(6, 1e-5)
    log_p = log_more(hits, n, rate)
    assert log_p[:3] == pytest.approx(binom.logsf(hits[:3] - 1, n[:3], rate[:3]), rel=1e-6)
    assert np.isfinite(log_p).all()
    assert (np.diff(log_p) < 0).all()
    x = np.array([0.0, 3.0, 30.0, 100.0, 300.0, 1e3, 1e4, 1e6])
    found = log_ncx2_sf(x, np.full(8, 9.0), np.full(8, 4.0))
    assert found[:4] == pytest.approx(np.log(ncx2.sf(x[:4], 9, 4)), rel=1e-6, abs=1e-9)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    assert found[4] >= ncx2.logsf(300.0, 9, 4)


@pytest.mark.parametrize("kind", [Order, Shares])
def test_an_empty_window_and_an_empty_reference_say_nothing(kind: type[Order] | type[Shares]) -> None:
    asked = question(kind, np.array([50, 50]), np.zeros(3, np.int64))
    answer = asked.answer(np.array([[0, 0, 0, 0, 0, 0], [10, 5, 5, 4, 3, 3]]))
    assert answer.log_p[0].tolist() == [0, 0]
    assert (answer.least[0] <= 0).all()
    assert np.isfinite(answer.log_p).all()
