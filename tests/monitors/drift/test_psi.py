from __future__ import annotations

import numpy as np
import pytest

from monitors.drift.psi import METRIC
from monitors.pane import PaneLayout
from tests.monitors import scene

LAYOUT = scene.layout()


def psi(p: np.ndarray, q: np.ndarray) -> float:
    held = q > 0
    return float(((p - q)[held] * np.log(p[held] / q[held])).sum())


@pytest.mark.parametrize("roll", [0.0, 0.05, 0.4, 0.97])
def test_the_interval_holds_the_truth_95_times_in_100(roll: float) -> None:
    rng = np.random.default_rng(6)
    layout = PaneLayout(scene.SCHEMA, scene.profile(), cells=8)
    shares = {name: bins.expected for name, bins in layout.bins.items()}
    q = shares["weight"]
    order = np.arange(len(q))
    order[1:-2] = order[1:-2][::-1]
    tilt = np.where(order < len(q) / 2, 1 - roll, 1 + roll)
    p = q * tilt / (q * tilt).sum()
    truth = psi(p, q)
    drifted = {**shares, "weight": p}

    def estimate() -> tuple[float, bool]:
        reference = scene.reference_of(layout, scene.drawn(rng, layout, shares, 200_000))
        made = METRIC.estimate(scene.window_of(scene.drawn(rng, layout, drifted, 3_000)), reference, "weight")
        return made.value, made.low <= truth + 1e-12 and truth <= made.high

    values, held = zip(*(estimate() for _ in range(400)), strict=True)
    assert np.mean(held) >= 0.94
    assert np.mean(values) == pytest.approx(truth, abs=0.002 + 0.05 * truth)


def test_its_size_does_not_depend_on_how_many_records_there_are() -> None:
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 200_000, seed=1))
    values = [
        METRIC.estimate(scene.window_of(scene.pane(LAYOUT, rows, scene.Drift(0.5))), reference, "weight").value
        for rows in (2_000, 20_000, 100_000)
    ]
    assert values == pytest.approx([values[-1]] * 3, rel=0.15)
    assert 0.15 < values[-1] < 0.3
