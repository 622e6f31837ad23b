from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from scipy.stats.contingency import association as cramers_v

from monitors.drift.association import METRIC, association
from monitors.pane import Pane
from monitors.reference import fidelity_reference
from tests.monitors import scene

LAYOUT = scene.layout()
PAIR = ("size", "fragile")
SHAPE = LAYOUT.rows.shapes[PAIR]


def shares(tied: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Four sizes and two flags: a share of records whose flag follows from the size, the others independent."""
    grid = np.zeros(SHAPE)
    grid[:4, :2] = (1 - tied) / 8
    grid[[0, 1, 2, 3], [0, 0, 1, 1]] += tied / 4
    return grid.ravel()


def pane(rng: np.random.Generator, rows: int, tied: float) -> Pane:
    made = Pane.empty(LAYOUT)
    made.counts[0] = rows
    made.counts[LAYOUT.rows.pairs[PAIR]] = rng.multinomial(rows, shares(tied))
    for name in LAYOUT.bins:
        made.column(name)[0] = rows
    return made


def test_it_is_cramers_v_where_there_are_many_records() -> None:
    counts = np.random.default_rng(0).multinomial(10**6, shares(0.3)).reshape(SHAPE)[:4, :2]
    assert association(counts).value == pytest.approx(cramers_v(counts, method="cramer"), abs=1e-4)


def test_a_tie_that_loosens_is_seen_from_both_its_columns() -> None:
    rng = np.random.default_rng(1)
    window, reference = scene.window_of(pane(rng, 20_000, 0.2)), scene.reference_of(LAYOUT, pane(rng, 100_000, 0.5))
    for column in PAIR:
        estimate = METRIC.estimate(window, reference, column)
        assert estimate.low <= 0.3 <= estimate.high
        assert estimate.value == pytest.approx(0.3, abs=0.02)
        assert estimate.n == 20_000


@pytest.mark.parametrize(("before", "now"), [(0.0, 0.0), (0.3, 0.3), (0.2, 0.4)])
def test_the_interval_holds_the_truth_95_times_in_100(before: float, now: float) -> None:
    rng = np.random.default_rng(2)

    def held() -> bool:
        reference = scene.reference_of(LAYOUT, pane(rng, 3_000, before))
        estimate = METRIC.estimate(scene.window_of(pane(rng, 800, now)), reference, "size")
        return bool(estimate.low <= now - before + 1e-9 and now - before <= estimate.high)

    assert np.mean([held() for _ in range(200)]) >= 0.93


@pytest.mark.parametrize("counts", [[[5, 5]], [[0, 0], [0, 7]], [[0, 0], [0, 0]]])
def test_what_does_not_vary_goes_with_nothing(counts: list[list[int]]) -> None:
    found = association(np.array(counts))
    assert (found.value, found.low) == (0, 0)


def test_only_counted_pairs_are_measured() -> None:
    assert set(METRIC.subjects(LAYOUT)) == {"size", "fragile", "weight", "pieces"}
    window = scene.window_of(scene.pane(LAYOUT, 500))
    assert isnan(METRIC.estimate(window, fidelity_reference(LAYOUT, scene.profile()), "size").value)
