from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from monitors.drift.ks import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_half_a_standard_deviation_is_a_fifth() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 200_000, seed=1))
    estimate = METRIC.estimate(scene.window_of(scene.pane(LAYOUT, 20_000, scene.Drift(0.5))), reference, "weight")
    truth = 2 * norm.cdf(0.25) - 1
    assert estimate.value == pytest.approx(truth, abs=0.01)
    assert estimate.low <= truth <= estimate.high
    assert estimate.n == pytest.approx(18_000, abs=300)


def test_nulls_are_not_part_of_it() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 50_000, seed=1))
    estimate = METRIC.estimate(scene.window_of(scene.pane(LAYOUT, 50_000, scene.Drift(nulls=0.6))), reference, "weight")
    assert estimate.low == 0
    assert estimate.n < 21_000


def test_the_band_holds_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(4)
    shares = {n: b.expected for n, b in LAYOUT.bins.items()}
    tilted = {**shares, "pieces": np.roll(shares["pieces"], 1)}
    cells = LAYOUT.present["pieces"]
    truth = np.abs(np.cumsum((tilted["pieces"] - shares["pieces"])[cells])).max()

    def held() -> bool:
        reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, shares, 3_000))
        window = scene.window_of(scene.drawn(rng, LAYOUT, tilted, 800))
        estimate = METRIC.estimate(window, reference, "pieces")
        return bool(estimate.low <= truth <= estimate.high)

    assert np.mean([held() for _ in range(300)]) >= 0.95
