"""What a column of typed values is."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.kinds import Wish
from schemas.table import Column, Kind
from schemas.typed_kinds import column_of_values


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (pa.array([1, None], pa.int8()), Column("c", Kind.INTEGER, nullable=True)),
        (pa.array([1.5, 0.25]), Column("c", Kind.NUMBER, decimals=2)),
        (pa.array([1.0, float("nan")]), Column("c", Kind.NUMBER, nullable=True, decimals=0)),
        (pa.array([1 / 3, 1e300]), Column("c", Kind.NUMBER)),
        (pa.array([Decimal("1.50"), Decimal("2.25")]), Column("c", Kind.NUMBER, decimals=2)),
        (pa.array([True, False]), Column("c", Kind.BOOLEAN)),
        (pa.array([date(2020, 1, 1)] * 2, pa.date64()), Column("c", Kind.DATE)),
        (pa.array([datetime(2020, 1, 1)] * 2, pa.timestamp("s")), Column("c", Kind.TIMESTAMP, time_unit="ms")),
        (pa.array([1, 2], pa.timestamp("ns", "Europe/Paris")), Column("c", Kind.TIMESTAMP, timezone="UTC")),
    ],
)
def test_kinds(array: Any, wanted: Column) -> None:
    assert column_of_values("c", pa.chunked_array([array]), Wish()).column == wanted


def test_unique() -> None:
    def unique(*values: int | None) -> bool:
        return column_of_values("c", pa.chunked_array([pa.array(values, pa.int64())]), Wish()).unique

    assert unique(1, 2)
    assert not unique(1, 1)
    assert not unique(1, None)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (pa.array([[1], [2]]), "holds list"),
        (pa.array([{"a": 1}]), "holds struct"),
        (pa.array([b"x"]), "holds binary"),
        (pa.array([None, None], pa.int64()), "every cell is missing"),
        (pa.array([float("nan")]), "every cell is missing"),
        (pa.array([1.0, float("-inf")]), "row 2: is infinite"),
    ],
)
def test_what_is_no_column_of_a_table_is_refused(array: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        column_of_values("c", pa.chunked_array([array]), Wish())
