from __future__ import annotations

import monitors
from tests.monitors import scene

LAYOUT = scene.layout()


def test_subjects_are_the_columns_a_metric_is_meant_for() -> None:
    subjects = {name: monitors.load(name).subjects(LAYOUT) for name in monitors.names()}
    assert subjects["drift.ks"] == ("weight", "pieces", "sent")
    assert subjects["drift.chi_square"] == ("size", "fragile")
    assert subjects["drift.psi"] == subjects["drift.total_variation"] == ("weight", "pieces", "size", "fragile", "sent")
    assert subjects["quality.null_share"] == scene.SCHEMA.names
    assert subjects["flow.throughput"] == ("",)


def test_series_carry_prefix_end_and_unit() -> None:
    assert monitors.load("drift.ks").series("low") == "synthstream_drift_ks_low_ratio"
    assert monitors.load("drift.psi").series() == "synthstream_drift_psi"
