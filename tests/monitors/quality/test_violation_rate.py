from __future__ import annotations

from monitors.quality.violation_rate import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_share_of_records_that_break_the_rule() -> None:
    pane = scene.pane(LAYOUT, 1_000, scene.Drift(pieces=7))
    reference = scene.reference_of(LAYOUT, pane)
    assert METRIC.subjects(LAYOUT) == ("range:pieces", "range:weight")
    broken = METRIC.estimate(scene.window_of(pane), reference, "range:pieces")
    kept = METRIC.estimate(scene.window_of(pane), reference, "range:weight")
    assert (broken.value, broken.n) == (0.002, 1_000)
    assert (kept.value, kept.low, kept.n) == (0.0, 0.0, 1_000)
    assert kept.high < 0.004
