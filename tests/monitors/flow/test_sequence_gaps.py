from __future__ import annotations

from monitors.estimate import Estimate
from monitors.flow.sequence_gaps import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()


def measured(*sequences: int) -> Estimate:
    pane = scene.pane(LAYOUT, 1_000)
    pane.counts[LAYOUT.sequences] = sequences
    return METRIC.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), "")


def test_it_is_the_share_of_numbers_that_did_not_come() -> None:
    estimate = measured(1_000, 7, 2, 5)
    assert (estimate.value, estimate.n) == (5 / 1_000, 995)
    assert 0 < estimate.low < 0.005 < estimate.high < 0.012


def test_what_comes_after_all_is_not_missing() -> None:
    assert measured(1_000, 3, 3, 0).value == 0
    assert measured(1_000, 0, 4, 0).value == 0
