from __future__ import annotations

import pytest

from monitors.flow.record_age import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_time_read_less_the_event_time() -> None:
    pane = scene.pane(LAYOUT, 1_000)
    estimate = METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "")
    assert scene.SEEN_S == 0.02
    assert estimate.value == pytest.approx(0.02, rel=0.09)
    assert estimate.low <= 0.02 <= estimate.high
