"""Columns cast to what their schema says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from schemas.conforming import cast_cells, cast_if_possible, cast_values, missing
from schemas.errors import InputError
from schemas.table import Column, Kind, Spelling


def chunked(*values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray[Any]:
    return pa.chunked_array([pa.array(values, kind)])


def test_cells_of_every_kind() -> None:
    na = Spelling(null="NA")
    assert cast_cells(Column("c", Kind.INTEGER, True, spelling=na), chunked("1", "NA", "", None)).to_pylist() == [
        1,
        None,
        None,
        None,
    ]
    category = cast_cells(Column("c", Kind.CATEGORY, True, spelling=na), chunked("b", "NA", "a", "?"))
    assert category.to_pylist() == ["b", None, "a", "?"]
    assert category.type == pa.dictionary(pa.int32(), pa.string())


def test_strings_on_purpose_keep_what_looks_missing() -> None:
    column = Column("c", Kind.TEXT, spelling=Spelling(null="NA", blanks=" "))
    on_purpose = pa.chunked_array([pa.array([" NA", "NA", ""]).dictionary_encode()])
    assert cast_cells(column, on_purpose).to_pylist() == [" NA", "NA", ""]


def test_a_dictionary_loses_values_that_no_row_holds() -> None:
    array = pa.array(["a", "b", "c"]).dictionary_encode().take(pa.array([2, 2]))
    cast: Any = cast_cells(Column("c", Kind.CATEGORY), pa.chunked_array([array]))
    assert cast.dictionary.to_pylist() == ["c"]


def test_missing_cells_where_none_may_be() -> None:
    with pytest.raises(InputError, match="column 'c', row 2: is missing"):
        cast_cells(Column("c", Kind.INTEGER), chunked("1", ""))
    with pytest.raises(InputError, match="column 'c', row 2: is missing"):
        cast_values(Column("c", Kind.NUMBER), chunked(1.0, float("nan")))


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        (Column("c", Kind.BOOLEAN), "yes", r"'yes' is no boolean \(true or false\)"),
        (Column("c", Kind.DATE), "31.1.2020", "is no date like %Y-%m-%d"),
        (Column("c", Kind.NUMBER), "1,5", "'1,5' is no number"),
    ],
)
def test_cells_that_are_something_else(column: Column, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        cast_cells(column, chunked(text))


@pytest.mark.parametrize(
    ("column", "values", "wanted"),
    [
        (Column("c", Kind.INTEGER), chunked(1, 2, kind=pa.uint8()), [1, 2]),
        (Column("c", Kind.INTEGER, True), chunked(1.0, float("nan")), [1, None]),
        (Column("c", Kind.NUMBER), chunked(1, 2), [1.0, 2.0]),
        (Column("c", Kind.CATEGORY), chunked(2, 1), ["2", "1"]),
        (Column("c", Kind.TEXT), chunked(1.5), ["1.5"]),
        (Column("c", Kind.TIMESTAMP), chunked(1_999, kind=pa.timestamp("ns")), [datetime(1970, 1, 1, 0, 0, 0, 1)]),
        (
            Column("c", Kind.TIMESTAMP, time_unit="ms"),
            chunked(5, kind=pa.timestamp("s", "UTC")),
            [datetime(1970, 1, 1, 0, 0, 5)],
        ),
        (Column("c", Kind.TIMESTAMP), chunked(datetime(2020, 1, 1).date()), [datetime(2020, 1, 1)]),
        (Column("c", Kind.INTEGER), pa.chunked_array([pa.array([7, 7]).dictionary_encode()]), [7, 7]),
    ],
)
def test_typed_values(column: Column, values: pa.ChunkedArray[Any], wanted: list[Any]) -> None:
    cast = cast_values(column, values)
    assert cast.type == column.arrow_type
    assert cast.to_pylist() == wanted


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        (Column("c", Kind.INTEGER), chunked(1.5), "holds double, expected integer"),
        (Column("c", Kind.INTEGER), chunked(2**63, kind=pa.uint64()), "holds uint64, expected integer"),
        (Column("c", Kind.BOOLEAN), chunked([1]), "expected boolean"),
        (Column("c", Kind.NUMBER), chunked(1.0, float("inf")), "row 2: is infinite"),
    ],
)
def test_values_that_would_change_are_refused(column: Column, values: pa.ChunkedArray[Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        cast_values(column, values)


def test_no_rows() -> None:
    for kind in Kind:
        column = Column("c", kind)
        assert len(cast_cells(column, pa.chunked_array([], pa.string()))) == 0
        empty: Any = pa.array([], column.arrow_type)
        assert len(cast_values(column, pa.chunked_array([empty]))) == 0


def test_a_feed_that_is_not_ours_is_read_as_far_as_it_goes() -> None:
    def read(column: Column, *values: Any, kind: pa.DataType | None = None) -> list[Any]:
        array = cast_if_possible(column, pa.array(values, kind))
        assert array.type == column.arrow_type
        return list(array.to_pylist())

    assert read(Column("n", Kind.INTEGER), "1", "x", None, " 7") == [1, None, None, 7]
    assert read(Column("n", Kind.INTEGER), 1.5, float("nan"), float("inf"), None) == [1, None, None, None]
    assert read(Column("n", Kind.NUMBER), "1e3", "inf") == [1_000, None]
    assert read(Column("n", Kind.NUMBER), 1, None) == [1, None]
    assert read(Column("c", Kind.CATEGORY), 1, None, 2) == ["1", None, "2"]
    assert read(Column("c", Kind.CATEGORY), b"a", b"\xff") == [None, None]
    assert read(Column("b", Kind.BOOLEAN), "true", "yes") == [True, None]
    assert read(Column("n", Kind.NUMBER), [1], [2]) == [None, None]
    on_purpose = pa.array(["NA", ""]).dictionary_encode()
    assert cast_if_possible(Column("c", Kind.CATEGORY, spelling=Spelling(null="NA")), on_purpose).to_pylist() == [
        "NA",
        "",
    ]
    moments = [datetime(2024, 1, 2, 3)]
    assert read(Column("t", Kind.DATE), *moments) == [moments[0].date()]
    assert read(Column("t", Kind.TIMESTAMP, time_unit="ms"), *moments) == moments


@pytest.mark.parametrize("kind", Kind)
def test_missing_cells_are_of_the_columns_type(kind: Kind) -> None:
    column = Column("c", kind, True)
    cells = missing(column, 2)
    assert (cells.type, cells.to_pylist()) == (column.arrow_type, [None, None])
