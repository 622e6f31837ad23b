from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import iqr, wasserstein_distance

from monitors.drift.wasserstein import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()
ROWS = 20_000


def weights(drift: scene.Drift, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    column = scene.batch(np.random.default_rng(seed), ROWS, drift).column("weight")
    return np.asarray(column.drop_null(), np.float64)


@pytest.mark.parametrize("shift", [0.1, 0.5])
def test_it_is_scipys_over_the_interquartile_range(shift: float) -> None:
    drift, calm = scene.Drift(shift), scene.Drift()
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, ROWS, calm, seed=1))
    estimate = METRIC.estimate(scene.window_of(scene.pane(LAYOUT, ROWS, drift, seed=2)), reference, "weight")
    exact = wasserstein_distance(weights(drift, 2), weights(calm, 1)) / iqr(weights(calm, 1))
    assert estimate.value == pytest.approx(exact, abs=0.01)
    assert estimate.low <= shift / 1.349 <= estimate.high


def test_a_step_of_one_is_one() -> None:
    one = scene.pane_with(LAYOUT, "pieces", {"1": 500, "3": 500})
    other = scene.pane_with(LAYOUT, "pieces", {"2": 500, "4": 500})
    estimate = METRIC.estimate(scene.window_of(one), scene.reference_of(LAYOUT, other), "pieces")
    # of the reference, a quarter lies at the middle of 2 and a quarter at that of 4: its interquartile range is 2
    assert estimate.value == pytest.approx(0.5)


def test_a_column_of_one_value_is_divided_by_its_whole_reach() -> None:
    pane = scene.pane_with(LAYOUT, "pieces", {"0": 1_000})
    estimate = METRIC.estimate(scene.window_of(scene.pane(LAYOUT, 1_000)), scene.reference_of(LAYOUT, pane), "pieces")
    assert np.isfinite(estimate.high)
    assert estimate.low > 0


@pytest.mark.parametrize("shift", [0, 1])
def test_the_interval_holds_the_truth_95_times_in_100(shift: int) -> None:
    rng = np.random.default_rng(4)
    shares = {n: b.expected for n, b in LAYOUT.bins.items()}
    moved = {**shares, "pieces": np.roll(shares["pieces"], shift)}
    many = [scene.drawn(rng, LAYOUT, each, 10**12) for each in (moved, shares)]
    truth = METRIC.estimate(scene.window_of(many[0]), scene.reference_of(LAYOUT, many[1]), "pieces").value

    def held() -> bool:
        reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, shares, 3_000))
        estimate = METRIC.estimate(scene.window_of(scene.drawn(rng, LAYOUT, moved, 800)), reference, "pieces")
        return bool(estimate.low <= truth + 1e-6 and truth <= estimate.high)

    assert np.mean([held() for _ in range(300)]) >= 0.93
