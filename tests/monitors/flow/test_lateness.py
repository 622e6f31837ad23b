from __future__ import annotations

import numpy as np
import pytest

from monitors.arrivals import Arrived
from monitors.flow.lateness import METRIC
from monitors.pane import Deltas
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_how_far_records_lie_behind_their_partition() -> None:
    n = 10_000
    rows, zeros = scene.batch(np.random.default_rng(0), n), np.zeros(n, np.int64)
    arrived = Arrived(np.arange(1, n + 1), np.zeros(n, np.bool_), np.zeros((n, 3), np.int64), np.full(n, -1))
    pane = Deltas(LAYOUT).count(rows, zeros, zeros.astype(np.int32), np.arange(n), 20.0, arrived)[0]
    estimate = METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "")
    assert estimate.value == pytest.approx(9.9, rel=0.09)
    assert estimate.low <= 9.9 <= estimate.high
    assert estimate.n == n
