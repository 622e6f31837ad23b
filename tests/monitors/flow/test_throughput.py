from __future__ import annotations

import pytest

from monitors.flow.throughput import METRIC
from monitors.pane import Pane
from tests.monitors import scene

LAYOUT = scene.layout()


def test_records_a_second_of_event_time() -> None:
    pane = scene.pane(LAYOUT, 500)
    estimate = METRIC.estimate(scene.window_of(pane, 4.0), scene.reference_of(LAYOUT, pane), "")
    assert (estimate.value, estimate.n) == (125.0, 500)
    assert estimate.low == pytest.approx(114.3, abs=0.2)
    assert estimate.high == pytest.approx(136.4, abs=0.2)


def test_silence_is_an_answer() -> None:
    pane = Pane.empty(LAYOUT)
    estimate = METRIC.estimate(scene.window_of(pane, 10.0), scene.reference_of(LAYOUT, pane), "")
    assert (estimate.value, estimate.low, estimate.n) == (0.0, 0.0, 0)
    assert estimate.high == pytest.approx(0.3689, abs=1e-4)
