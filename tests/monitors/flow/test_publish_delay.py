from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from monitors.flow.publish_delay import METRIC
from monitors.pane import Deltas
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_99th_percentile_of_what_the_publisher_reports() -> None:
    late_s = np.arange(1, 10_001) / 10_000
    pane = Deltas(LAYOUT).delays(np.zeros(10_000, np.int64), late_s)[0]
    estimate = METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "")
    assert estimate.value == pytest.approx(0.99, rel=0.09)
    assert estimate.low <= 0.99 <= estimate.high
    assert estimate.n == 10_000


def test_a_reader_alone_can_not_tell() -> None:
    pane = scene.pane(LAYOUT, 100)
    assert isnan(METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "").value)
