from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from monitors.drift.classifier import METRIC
from monitors.estimate import Estimate
from monitors.pane import Pane
from tests.monitors import scene

LAYOUT = scene.layout()
REFERENCE = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 1_000))


def estimate(right: int, wrong: int, tied: int) -> Estimate:
    pane = Pane.empty(LAYOUT)
    pane.counts[LAYOUT.told] = right, wrong, tied
    return METRIC.estimate(scene.window_of(pane), REFERENCE, "")


def test_it_is_the_area_under_the_roc_curve() -> None:
    found = estimate(700, 100, 200)
    assert (found.value, found.n) == (0.8, 1_000)
    assert found.low == pytest.approx(0.774, abs=1e-3)
    assert found.high == pytest.approx(0.824, abs=1e-3)


def test_the_interval_holds_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    made = [estimate(*rng.multinomial(400, [0.35, 0.25, 0.4]).tolist()) for _ in range(400)]
    assert np.mean([each.low <= 0.55 <= each.high for each in made]) >= 0.94


@pytest.mark.parametrize(("told", "ends"), [((5, 0, 0), 1.0), ((0, 5, 0), 0.0)])
def test_its_ends_are_those_of_a_share(told: tuple[int, int, int], ends: float) -> None:
    assert ends in (estimate(*told).low, estimate(*told).high)


def test_nothing_is_said_where_nobody_looked() -> None:
    assert isnan(estimate(0, 0, 0).value)
