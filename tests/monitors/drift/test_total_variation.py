from __future__ import annotations

import numpy as np
import pytest

from monitors.drift.total_variation import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_a_tenth_of_the_records_changed_size() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 400_000, seed=1))
    window = scene.window_of(scene.pane(LAYOUT, 40_000, scene.Drift(swapped=0.1)))
    estimate = METRIC.estimate(window, reference, "size")
    assert estimate.value == pytest.approx(0.098, abs=0.01)
    assert 0.08 < estimate.low < 0.098 < estimate.high < 0.12


def test_lost_values_count() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 100_000, seed=1))
    window = scene.window_of(scene.pane(LAYOUT, 20_000, scene.Drift(nulls=0.6)))
    assert METRIC.estimate(window, reference, "weight").low > 0.4


@pytest.mark.parametrize("column", ["weight", "fragile"])
def test_the_interval_holds_the_truth_95_times_in_100(column: str) -> None:
    rng = np.random.default_rng(9)
    shares = {name: bins.expected for name, bins in LAYOUT.bins.items()}
    moved = 0.7 * shares[column] + 0.3 * shares[column][::-1]
    for other in (shares[column], moved):
        truth = float(np.abs(other - shares[column]).sum() / 2)
        drifted = {**shares, column: other}

        def held(truth: float = truth, drifted: dict[str, np.ndarray] = drifted) -> bool:
            reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, shares, 10_000))
            estimate = METRIC.estimate(scene.window_of(scene.drawn(rng, LAYOUT, drifted, 1_000)), reference, column)
            return bool(estimate.low <= truth <= estimate.high)

        assert np.mean([held() for _ in range(150)]) >= 0.95
