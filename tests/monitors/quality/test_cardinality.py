from __future__ import annotations

import numpy as np
import pytest

from monitors.estimate import Estimate
from monitors.pane import Deltas
from monitors.quality.cardinality import METRIC
from monitors.window import Windows
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_number_of_distinct_keys_of_the_panes_in_the_window() -> None:
    windows, deltas, n = Windows(LAYOUT, 1, 2, 0), Deltas(LAYOUT), 3_000
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 10))
    rows = scene.batch(np.random.default_rng(0), n)  # keys 0, 1, 2, ...: a thousand a second, and then again
    for start, second in ((0, 0), (1_000, 1), (2_000, 2), (2_000, 3)):
        part = rows.slice(start, 1_000)
        times, where = np.full(1_000, second * 1_000), np.zeros(1_000, np.int64)
        for slot, pane in deltas.count(part, times, where.astype(np.int32), where, 9_000.0).items():
            windows.add(slot, pane)
    found: list[Estimate] = [METRIC.estimate(window, reference, "id") for window in windows.flush()]
    assert [f.value for f in found] == pytest.approx([1_000, 2_000, 2_000, 1_000], rel=0.03)
    assert [f.n for f in found] == [1_000, 2_000, 2_000, 2_000]


def test_only_keys_and_identifiers_are_counted() -> None:
    assert METRIC.subjects(LAYOUT) == ("id",)
