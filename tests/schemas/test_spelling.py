"""Cells as text."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cells import parse
from schemas.spelling import spell, spell_json
from schemas.table import Column, Kind, Spelling


@pytest.mark.parametrize(
    ("column", "values", "wanted"),
    [
        (Column("c", Kind.INTEGER, spelling=Spelling(null="NA")), [7, None], ["7", "NA"]),
        (Column("c", Kind.CATEGORY, spelling=Spelling(null="?", blanks=" ")), ["a", None], [" a", " ?"]),
        (Column("c", Kind.TEXT), ["é ", None], ["é ", ""]),
        (Column("c", Kind.BOOLEAN, spelling=Spelling(true="T", false="F")), [True, False, None], ["T", "F", ""]),
        (Column("c", Kind.NUMBER), [1.0, 0.1, 1e16, -0.5, 1e-7], ["1", "0.1", "1e+16", "-0.5", "1e-07"]),
        (Column("c", Kind.NUMBER, spelling=Spelling(point=True)), [1.0, 0.1], ["1.0", "0.1"]),
        (Column("c", Kind.NUMBER, decimals=2), [1.005, 0.1 + 0.2, 2.0], ["1", "0.3", "2"]),
        (Column("c", Kind.NUMBER, decimals=2, spelling=Spelling(fixed_decimals=True)), [1.5, 2.0], ["1.50", "2.00"]),
        (Column("c", Kind.DATE), [date(2020, 2, 29), None], ["2020-02-29", ""]),
        (Column("c", Kind.DATE, spelling=Spelling(time_format="%-d.%-m.%Y")), [date(2020, 2, 9)], ["9.2.2020"]),
        (Column("c", Kind.TIMESTAMP), [datetime(2020, 1, 2, 3, 4, 5, 6)], ["2020-01-02T03:04:05.000006"]),
        (
            Column("c", Kind.TIMESTAMP, time_unit="ms", timezone="UTC"),
            [datetime(2020, 1, 2)],
            ["2020-01-02T00:00:00.000Z"],
        ),
    ],
)
def test_cells(column: Column, values: list[Any], wanted: list[str]) -> None:
    plain: Any = pa.array(values, pa.string()) if column.kind is Kind.CATEGORY else pa.array(values)
    array = plain.dictionary_encode() if column.kind is Kind.CATEGORY else plain.cast(column.arrow_type)
    assert spell(array, column).to_pylist() == wanted
    assert spell(array[:0], column).to_pylist() == []
    assert spell(array[1:], column).to_pylist() == wanted[1:]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)), st.booleans())
def test_numbers_read_back_exactly(numbers: list[float], point: bool) -> None:
    column = Column("x", Kind.NUMBER, spelling=Spelling(point=point))
    texts = spell(pa.array(numbers, pa.float64()), column)
    np.testing.assert_array_equal(np.asarray(parse(texts, column)), numbers)


@given(st.lists(st.integers(-(10**9), 10**9)), st.integers(1, 6), st.booleans())
def test_decimals_read_back_exactly(units: list[int], decimals: int, fixed: bool) -> None:
    numbers = [unit / 10**decimals for unit in units]
    column = Column("x", Kind.NUMBER, decimals=decimals, spelling=Spelling(fixed_decimals=fixed))
    texts = spell(pa.array(numbers, pa.float64()), column)
    np.testing.assert_array_equal(np.asarray(parse(texts, column)), numbers)


@pytest.mark.parametrize(
    ("column", "values", "wanted"),
    [
        (Column("c", Kind.INTEGER, spelling=Spelling(null="NA")), [7, None], [7, None]),
        (Column("c", Kind.NUMBER, decimals=1), [0.25, 1e300, float("nan"), None], [0.2, 1e300, None, None]),
        (Column("c", Kind.TEXT, spelling=Spelling(blanks=" ")), ['a"b\n', "é", None], ['a"b\n', "é", None]),
        (Column("c", Kind.BOOLEAN), [True, False, None], [True, False, None]),
        (Column("c", Kind.DATE, spelling=Spelling(time_format="%d.%m.%Y")), [date(2020, 2, 29)], ["2020-02-29"]),
        (
            Column("c", Kind.TIMESTAMP, time_unit="ms", timezone="UTC"),
            [datetime(2020, 1, 2)],
            ["2020-01-02T00:00:00.000Z"],
        ),
    ],
)
def test_json_reads_back(column: Column, values: list[Any], wanted: list[Any]) -> None:
    array = pa.array(values).cast(column.arrow_type)
    assert [json.loads(str(text)) for text in spell_json(array, column).to_pylist()] == wanted
