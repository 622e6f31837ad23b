from __future__ import annotations

import numpy as np
import pytest

from monitors.drift.chi_square import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_w_of_a_known_swap() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 400_000, seed=1))
    window = scene.window_of(scene.pane(LAYOUT, 40_000, scene.Drift(swapped=0.1)))
    estimate = METRIC.estimate(window, reference, "size")
    assert estimate.value == pytest.approx((0.1**2 / 0.1 + 0.1**2 / 0.4) ** 0.5, rel=0.08)
    assert estimate.low > 0.25


@pytest.mark.parametrize("swapped", [0.0, 0.02])
def test_the_interval_holds_the_truth_95_times_in_100(swapped: float) -> None:
    rng = np.random.default_rng(8)
    shares = {name: bins.expected for name, bins in LAYOUT.bins.items()}
    sizes = shares["size"].copy()
    sizes[[0, 1]] += np.array([-swapped, swapped])
    present = LAYOUT.present["size"]
    p, q = (x[present] / x[present].sum() for x in (sizes, shares["size"]))
    truth = np.sqrt(((p - q) ** 2 / q).sum())

    def held() -> bool:
        reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, shares, 100_000))
        window = scene.window_of(scene.drawn(rng, LAYOUT, {**shares, "size": sizes}, 2_000))
        estimate = METRIC.estimate(window, reference, "size")
        return bool(estimate.low <= truth + 1e-12 and truth <= estimate.high + 1e-12)

    assert np.mean([held() for _ in range(600)]) >= 0.93


def test_a_column_of_one_value_has_not_drifted() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 1_000))
    pane = scene.pane(LAYOUT, 1_000)
    for counts in (pane.column("fragile"), reference.counts["fragile"]):
        counts[:] = 0
        counts[0] = 1_000
    assert METRIC.estimate(scene.window_of(pane), reference, "fragile").value == 0
