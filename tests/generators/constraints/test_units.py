"""Ordered columns in whole units."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.constraints.units import apart, array_of, like, rounded, units_of
from schemas.table import Column, Kind

CASES: list[tuple[Column, list[Any], list[float]]] = [
    (Column("n", Kind.INTEGER), [2**62 + 1, None, -3], [2**62 + 1, 0, -3]),
    (Column("d", Kind.DATE), [date(1970, 1, 3), None], [2, 0]),
    (Column("t", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"), [datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)], [2_000]),
    (Column("x", Kind.NUMBER, decimals=2), [0.07, -1.1, None], [7, -110, 0]),
    (Column("y", Kind.NUMBER), [0.07, None], [0.07, 0]),
]


@pytest.mark.parametrize(("column", "cells", "units"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_units_are_read_and_written_back(column: Column, cells: list[Any], units: list[float]) -> None:
    array = pa.array(cells, column.arrow_type)
    found, present = units_of(column, array)
    assert found.tolist() == units
    assert present.tolist() == [cell is not None for cell in cells]
    assert array_of(column, found, present).equals(array)


def test_other_columns_units_are_rounded_up() -> None:
    cents, whole, every = Column("c", Kind.NUMBER, decimals=2), Column("n", Kind.INTEGER), Column("x", Kind.NUMBER)
    assert like(cents, whole, np.array([3], np.int64)).tolist() == [300.0]
    assert like(whole, cents, np.array([300.0, 301.0, -1.0])).tolist() == [3, 4, 0]
    assert like(whole, every, np.array([0.2])).tolist() == [1]
    assert like(every, cents, np.array([25.0])).tolist() == [0.25]
    assert like(whole, whole, np.array([2**62 + 1])).tolist() == [2**62 + 1]


def test_doubles_are_rounded_to_the_last_digit() -> None:
    assert rounded(Column("c", Kind.NUMBER, decimals=2), np.array([0.1 + 0.2])).tolist() == [30.0]
    assert rounded(Column("t", Kind.TIMESTAMP, time_unit="us"), np.array([1.5])).tolist() == [1_500_000]
    assert rounded(Column("x", Kind.NUMBER), np.array([0.1])).tolist() == [0.1]
    assert rounded(Column("n", Kind.INTEGER), np.array([1e300])).tolist() == [2**62]


def test_the_ends_of_numbers_are_no_end() -> None:
    ends = np.array([2**63 - 1, -(2**63)])
    assert (ends + apart(ends[::-1], ends)).tolist() == ends[::-1].tolist()
    assert np.isfinite(apart(np.array([1.7e308]), np.array([-1.7e308]))).all()
    assert np.isfinite(like(Column("c", Kind.NUMBER, decimals=2), Column("x", Kind.NUMBER), np.array([1.7e308]))).all()
