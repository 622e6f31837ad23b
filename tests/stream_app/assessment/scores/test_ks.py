"""The largest gap of cumulative shares, by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.scores.ks import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_the_gap_is_the_largest_one_and_missing_values_are_left_out() -> None:
    real = pa.table({"x": pa.array([1.5, 2.5, 3.5, 4.5, None] * 20)})
    other = pa.table({"x": pa.array([1.5, 1.5, 1.5, 4.5] * 20)})
    tables = tables_of(real, other)
    found = SCORE.of(tables, tables.synthetic)
    assert found[("x",)].value == pytest.approx(0.5)
    assert found[()].value == found[("x",)].value
    assert found[("x",)].n == 80


def test_a_column_without_values_is_left_out() -> None:
    real = pa.table({"x": pa.array([1.5, 2.5] * 20)})
    empty = pa.table({"x": pa.array([None] * 40, pa.float64())})
    tables = tables_of(real, empty)
    assert SCORE.of(tables, tables.synthetic) == {}
