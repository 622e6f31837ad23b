from __future__ import annotations

import pytest

from monitors.flow.throughput_to_intent import METRIC
from monitors.pane import Pane, PaneLayout
from tests.monitors import scene

LAYOUT = scene.layout()


def test_it_is_the_rate_over_what_was_asked_for() -> None:
    pane = scene.pane(LAYOUT, 3_000)
    assert LAYOUT.intended_per_s == 1_000
    estimate = METRIC.estimate(scene.window_of(pane, 4.0), scene.reference_of(LAYOUT, pane), "")
    assert (estimate.value, estimate.n) == (0.75, 3_000)
    assert estimate.low == pytest.approx(0.7234, abs=1e-3)
    assert estimate.high == pytest.approx(0.7773, abs=1e-3)


def test_silence_is_none_of_it() -> None:
    pane = Pane.empty(LAYOUT)
    estimate = METRIC.estimate(scene.window_of(pane, 10.0), scene.reference_of(LAYOUT, pane), "")
    assert (estimate.value, estimate.n) == (0, 0)
    assert estimate.high == pytest.approx(0.00037, abs=1e-5)


def test_without_a_number_to_compare_with_it_is_not_measured() -> None:
    assert METRIC.subjects(PaneLayout(scene.SCHEMA, scene.profile())) == ()
