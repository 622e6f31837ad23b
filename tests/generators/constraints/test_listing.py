"""Columns that go together, as one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.constraints.listing import Combined, Listing, agree
from schemas.errors import InputError
from schemas.table import Column, Kind

COLUMNS = (
    Column("c", Kind.CATEGORY, nullable=True),
    Column("n", Kind.INTEGER, nullable=True),
    Column("d", Kind.DATE),
    Column("b", Kind.BOOLEAN),
    Column("t", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"),
    Column("x", Kind.NUMBER),
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["a", 'q"', "grün"]),
        st.none() | st.integers(-(2**62), 2**62),
        st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        st.booleans(),
        st.integers(0, 10**12).map(lambda ms: datetime.fromtimestamp(ms // 1_000, UTC)),
        st.floats(-1e9, 1e9),
    ),
    min_size=1,
    max_size=12,
)


def arrays_of(rows: list[tuple[Any, ...]]) -> list[pa.Array[Any]]:
    cells = zip(*rows, strict=True)
    types = [pa.string() if c.kind is Kind.CATEGORY else c.arrow_type for c in COLUMNS]
    arrays = [pa.array(list(values), kind) for values, kind in zip(cells, types, strict=True)]
    return [arrays[0].dictionary_encode().cast(COLUMNS[0].arrow_type), *arrays[1:]]


@given(ROWS)
def test_rows_come_back_from_one_column(rows: list[tuple[Any, ...]]) -> None:
    listing = Listing(COLUMNS, "all")
    arrays = arrays_of(rows)
    one = listing.texts(arrays)
    assert len(one.dictionary) == len(set(rows))
    combined = Combined(listing, tuple(one.dictionary.to_pylist()), np.ones(len(one.dictionary)))
    found = combined.back(one)
    for column, array in zip(COLUMNS, arrays, strict=True):
        assert found[column.name].type == column.arrow_type
        assert found[column.name].to_pylist() == array.to_pylist()


PLACES = Listing((Column("city", Kind.CATEGORY), Column("state", Kind.CATEGORY)), "city + state")
SEEN = Combined(PLACES, ('["A", "X"]', '["B", "X"]', '["C", "Y"]'), np.array([0.1, 0.3, 0.6]))


def category(values: list[str]) -> pa.Array[Any]:
    return pa.array(values).dictionary_encode().cast(COLUMNS[0].arrow_type)


def test_a_part_that_is_held_leaves_the_rest_its_shares() -> None:
    n = 20_000
    states = category(["X"] * n + ["Y"] * 10)
    codes = SEEN.held({"state": states}, np.linspace(0, 1, n + 10, endpoint=False))
    assert set(codes[n:]) == {2}
    assert (codes[:n] == 0).mean() == pytest.approx(0.25, abs=0.001)
    assert set(codes[:n]) == {0, 1}
    assert SEEN.held({"state": category(["X"]), "city": category(["B"])}, np.zeros(1)).tolist() == [1]


def test_what_goes_together_nowhere_is_refused() -> None:
    with pytest.raises(InputError, match="given city=A, state=Y: never drawn, since city and state go together"):
        SEEN.held({"city": category(["A"]), "state": category(["Y"])}, np.zeros(1))


def test_values_agree_and_so_do_missing_ones() -> None:
    assert agree(pa.array([1, None, 2, None]), pa.array([1, None, 3, 4])).tolist() == [True, True, False, False]
