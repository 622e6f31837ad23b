from __future__ import annotations

from math import isnan

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from monitors.drift.correlation import METRIC, fisher
from monitors.pane import Pane, PaneLayout
from monitors.reference import fidelity_reference
from schemas.profile import profile_table
from schemas.table import Column, Kind, TableSchema
from tests.monitors import scene

SCHEMA = TableSchema(
    "pairs",
    (
        Column("x", Kind.NUMBER, nullable=True, decimals=3),
        Column("y", Kind.NUMBER, decimals=3),
        Column("alone", Kind.NUMBER, decimals=3),
    ),
)


def rows(n: int, r: float, seed: int, nulls: float = 0.2) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    x, noise, alone = rng.normal(0, 1, (3, n)).round(3)
    y = (r * x + np.sqrt(1 - r * r) * noise).round(3)
    arrays = [pa.array(x, mask=rng.random(n) < nulls), pa.array(y), pa.array(alone)]
    return pa.record_batch(arrays, schema=SCHEMA.arrow_schema)


PROFILE = profile_table(pa.Table.from_batches([rows(20_000, 0.3, 0)]), SCHEMA)
LAYOUT = PaneLayout(SCHEMA, PROFILE)


def pane(n: int, r: float, seed: int, nulls: float = 0.2) -> Pane:
    return scene.pane_of(LAYOUT, rows(n, r, seed, nulls))


def test_correlations_are_those_of_ranks_where_both_are_present() -> None:
    batch = rows(5_000, 0.3, 1)
    correlations, n = scene.pane_of(LAYOUT, batch).moments.correlations
    both = batch.filter(batch.column("x").is_valid())
    assert n[0].tolist() == [both.num_rows] * 3
    expected = spearmanr(both.column("x"), both.column("y")).statistic
    assert correlations[0, 1] == pytest.approx(expected, abs=0.003)
    assert np.diag(correlations) == pytest.approx(1)


def test_the_largest_change_is_found_from_both_its_columns() -> None:
    reference = scene.reference_of(LAYOUT, pane(100_000, 0.3, 1))
    window = scene.window_of(pane(20_000, 0.6, 2))
    truth = 6 / np.pi * (np.arcsin(0.3) - np.arcsin(0.15))
    for column in ("x", "y"):
        estimate = METRIC.estimate(window, reference, column)
        assert estimate.value == pytest.approx(truth, abs=0.02)
        assert 0.2 < estimate.low <= truth <= estimate.high
    assert METRIC.estimate(window, reference, "alone").low == 0


def test_nulls_change_no_correlation() -> None:
    reference = scene.reference_of(LAYOUT, pane(100_000, 0.9, 1))
    estimate = METRIC.estimate(scene.window_of(pane(20_000, 0.9, 2, nulls=0.8)), reference, "x")
    assert estimate.low == 0
    assert estimate.value < 0.02


def test_the_interval_holds_the_truth_95_times_in_100() -> None:
    truth = 6 / np.pi * (np.arcsin(0.25) - np.arcsin(0.15))

    def held(seed: int) -> bool:
        reference = scene.reference_of(LAYOUT, pane(3_000, 0.3, 2 * seed))
        estimate = METRIC.estimate(scene.window_of(pane(800, 0.5, 2 * seed + 1)), reference, "y")
        return bool(estimate.low <= truth <= estimate.high)

    assert np.mean([held(seed) for seed in range(200)]) >= 0.94


def test_fishers_interval_is_known() -> None:
    found = fisher(0.5, 103, 0.05)  # reach 1.96 sqrt(1.06 / 100) about atanh(0.5)
    assert found.low == pytest.approx(0.3342, abs=1e-4)
    assert found.high == pytest.approx(0.6358, abs=1e-4)
    assert fisher(1.0, 9, 0.05).high == 1


def test_a_column_that_does_not_vary_and_a_reference_of_columns_say_nothing() -> None:
    still = rows(500, 0.3, 3).set_column(0, SCHEMA.arrow_schema.field(0), pa.array(np.zeros(500)))
    window = scene.window_of(scene.pane_of(LAYOUT, still))
    assert isnan(METRIC.estimate(window, scene.reference_of(LAYOUT, pane(500, 0.3, 1)), "x").value)
    assert isnan(METRIC.estimate(window, fidelity_reference(LAYOUT, PROFILE), "y").value)
