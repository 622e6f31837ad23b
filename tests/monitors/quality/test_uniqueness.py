from __future__ import annotations

import pytest

from monitors.quality.uniqueness import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_distinct_keys_over_keys() -> None:
    once, twice = scene.pane(LAYOUT, 3_000), scene.pane(LAYOUT, 3_000)
    twice.add(scene.pane(LAYOUT, 3_000, seed=1))
    reference = scene.reference_of(LAYOUT, once)
    found = METRIC.estimate(scene.window_of(once), reference, "id")
    assert found.value == pytest.approx(1, abs=0.03)
    assert found.high == 1
    half = METRIC.estimate(scene.window_of(twice), reference, "id")
    assert half.value == pytest.approx(0.5, abs=0.02)
    assert half.low < 0.5 < half.high
    assert half.n == 6_000
