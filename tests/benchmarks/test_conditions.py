"""Drawing under conditions: which are asked, and how far from the training rows what is drawn is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.contest.conditions import EACH, LEAST_ROWS, conditions, excess, measured, variation
from benchmarks.side_by_side import trained
from schemas.inference import conform, infer


def codes(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(values, np.int32)


def made(**columns: Any) -> pa.Table:
    return pa.table(columns)


def test_total_variation_by_hand() -> None:
    assert variation(codes(0, 1), codes(0, 1, 1, 0), 3) == 0
    assert variation(codes(0, 0), codes(1, 2), 3) == 1
    assert variation(codes(0, 0, 0, 1), codes(0, 1), 2) == pytest.approx(0.25)


def test_rows_like_the_training_rows_exceed_nothing_and_others_all() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, 20_000).astype(np.int32)
    assert excess(rows, rows, 5, rng) < 0
    assert excess(np.full(9, 4, np.int32), rows, 5, rng) == pytest.approx(1, abs=0.02)


def test_conditions_are_met_by_rows_enough_and_hold_what_they_say() -> None:
    rng = np.random.default_rng(0)
    kinds = np.array(["a", "b", "rare"])[rng.choice(3, 3_000, p=[0.6, 0.39, 0.01])]
    numbers = pa.array(rng.integers(0, 2, 3_000), mask=rng.random(3_000) < 0.3)
    table = made(kind=kinds, n=numbers, one=np.ones(3_000))
    found = conditions(table, rng)
    single = [c.given for c in found if len(c.given) == 1]
    assert {str(given) for given in single} == {"{'kind': 'a'}", "{'kind': 'b'}", "{'n': 0}", "{'n': 1}", "{'n': None}"}
    for condition in found:
        rows = table.to_pylist()
        met = [all(row[name] == value for name, value in condition.given.items()) for row in rows]
        assert condition.met.tolist() == met
        assert sum(met) >= LEAST_ROWS


def test_there_are_not_too_many_conditions() -> None:
    rng = np.random.default_rng(0)
    table = made(**{f"c{i}": rng.integers(0, 2, 4_000) for i in range(30)})
    found = conditions(table, rng)
    assert [len(condition.given) for condition in found] == [1] * EACH + [2] * EACH


def test_a_generator_is_measured_where_conditions_have_rows_enough() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 2_000)
    raw = made(a=np.where(a, "x", "y"), b=np.where((a + rng.integers(0, 2, 2_000)) > 1, "u", "v"))
    rows = conform(raw, infer(raw, "people"))
    found = measured(trained(raw, "tabular.mixture"), rows, 0)
    assert found["conditions"] >= 4
    assert found["tv_excess_mean"] <= found["tv_excess_worst_condition"] <= found["tv_excess_worst"] < 0.05
    assert found["conditional_speed"] > 0
    assert measured(trained(raw, "tabular.mixture"), rows.slice(0, 100), 0) == {"conditions": 0}
