from __future__ import annotations

from math import isnan

from monitors.quality.unseen_share import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_share_of_unknown_values_among_those_present() -> None:
    pane = scene.pane(LAYOUT, 1_000, scene.Drift(new_size="XXL"))
    present = 1_000 - int(pane.column("size")[-1])
    estimate = METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "size")
    assert estimate.n == present
    assert estimate.value == pane.column("size")[-2] / present
    assert 0.03 < estimate.low < 0.05 < estimate.high


def test_columns_without_a_closed_set_have_none() -> None:
    assert METRIC.subjects(LAYOUT) == ("size", "fragile")
    pane = scene.pane(LAYOUT, 10)
    assert isnan(METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "weight").value)
