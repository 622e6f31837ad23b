from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from monitors.drift.class_share import METRIC, wilson
from monitors.pane import Pane
from tests.monitors import scene

LAYOUT = scene.layout()


def pane(rows: int, true: int, null: int = 0) -> Pane:
    return scene.pane_with(LAYOUT, "fragile", {"true": true, "false": rows - true - null, "null": null})


def test_it_is_the_change_of_a_share_of_records_with_a_class() -> None:
    estimate = METRIC.estimate(
        scene.window_of(pane(1_000, 400, null=200)), scene.reference_of(LAYOUT, pane(10_000, 3_000)), "fragile"
    )
    assert estimate.value == pytest.approx(0.2)
    assert estimate.n == 800
    assert 0.14 < estimate.low < 0.2 < estimate.high < 0.26


def test_wilsons_interval_is_scipys() -> None:
    known = binomtest(7, 50).proportion_ci(0.9, method="wilson")
    found = wilson(7, 50, 0.1)
    assert found.low == pytest.approx(known.low)
    assert found.high == pytest.approx(known.high)


@pytest.mark.parametrize("now", [0.3, 0.35])
def test_the_interval_holds_the_truth_95_times_in_100(now: float) -> None:
    rng = np.random.default_rng(0)

    def held() -> bool:
        reference = scene.reference_of(LAYOUT, pane(3_000, int(rng.binomial(3_000, 0.3))))
        estimate = METRIC.estimate(scene.window_of(pane(800, int(rng.binomial(800, now)))), reference, "fragile")
        return bool(estimate.low <= now - 0.3 + 1e-9 and now - 0.3 - 1e-9 <= estimate.high)

    assert np.mean([held() for _ in range(400)]) >= 0.95


def test_only_the_target_has_classes() -> None:
    assert METRIC.subjects(LAYOUT) == ("fragile",)
