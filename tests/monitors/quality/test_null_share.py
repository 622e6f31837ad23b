from __future__ import annotations

from monitors.quality.null_share import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_share_of_nulls() -> None:
    pane = scene.pane(LAYOUT, 1_000, scene.Drift(nulls=0.25))
    nulls = int(pane.column("weight")[-1])
    estimate = METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "weight")
    assert (estimate.value, estimate.n) == (nulls / 1_000, 1_000)
    assert estimate.low < 0.25 < estimate.high


def test_surrogate_columns_have_nulls_too() -> None:
    assert "note" in METRIC.subjects(LAYOUT)
