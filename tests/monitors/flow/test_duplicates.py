from __future__ import annotations

from math import isnan

import pytest

from monitors.flow.duplicates import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_share_of_records_that_came_before() -> None:
    pane = scene.pane(LAYOUT, 1_000)
    pane.counts[LAYOUT.sequences] = [900, 5, 2, 9]
    estimate = METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "")
    assert (estimate.value, estimate.n) == (0.01, 900)
    assert estimate.low == pytest.approx(0.0046, abs=1e-4)


def test_records_that_do_not_say_which_they_are_say_nothing() -> None:
    pane = scene.pane(LAYOUT, 1_000)
    assert isnan(METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "").value)
