"""Missing values, by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.scores.missing import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_shares_may_agree_where_patterns_do_not() -> None:
    real = pa.table({"x": pa.array([1.5, None] * 50), "y": pa.array([2.5, None] * 50)})
    other = pa.table({"x": pa.array([1.5, None] * 50), "y": pa.array([None, 2.5] * 50)})
    tables = tables_of(real, other)
    found = SCORE.of(tables, tables.synthetic)
    assert found[("x",)].value == found[("y",)].value == 1.0
    assert found[()].value == pytest.approx(0.0)


def test_a_table_without_missing_values_has_no_score() -> None:
    real = pa.table({"x": pa.array([1.5, 2.5] * 50)})
    tables = tables_of(real, real)
    assert SCORE.of(tables, tables.synthetic) == {}
