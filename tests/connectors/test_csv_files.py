"""CSV: raw cells in, spelled cells out."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv_files import csv_header, csv_rows, read_csv
from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8)


@given(st.lists(st.tuples(CELL, CELL)), st.sampled_from(",\t"))
def test_any_cells_come_back_and_python_reads_them_too(rows: list[tuple[str, str]], delimiter: str) -> None:
    schema = TableSchema("t", (Column('a "b",', Kind.TEXT), Column("c\td", Kind.TEXT)))
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(2)]
    batch = pa.record_batch(columns, names=list(schema.names))
    data = csv_header(schema, delimiter) + (csv_rows(batch, schema, delimiter) if rows else b"")
    table = read_csv(data, "t.csv", delimiter)
    assert table.column_names == list(schema.names)
    assert [tuple(row.values()) for row in table.to_pylist()] == rows
    assert [tuple(row) for row in csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter)][1:] == rows


@pytest.mark.parametrize(
    "data", [b"a,b\n1,2", b"a,b\r\n1,2\r\n", b"\xef\xbb\xbfa,b\n1,2\n", b"a,b\n\n1,2\n\n", b'"a","b"\n"1","2"\n']
)
def test_ends_of_lines_marks_and_quotes(data: bytes) -> None:
    assert read_csv(data, "t.csv", ",").to_pydict() == {"a": ["1"], "b": ["2"]}


def test_no_rows() -> None:
    assert read_csv(b"a,b", "t.csv", ",").num_rows == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a,a,b,b\n1,2,3,4\n", "column 'a' is there 2 times; rename or drop the others\nt.csv: column 'b'"),
        (b",a\n1,2\n", "t.csv: column 1 has no name"),
        (b"a,b\n1,2\n3\n4,5,6\n", "t.csv: expected 2 cells in every row, but row 2 has 1, row 3 has 3;"),
        (b"a,b\n" + b"1\n" * 9, "row 3 has 1 (6 more rows like it)"),
        (b'a,b\n1,2\n3,"x\n4,5\n', "t.csv: the quote opened in row 2 is never closed"),
        (b"a,b\n1,caf\xe9\n", "t.csv: not UTF-8 at byte 9 (line 2, 0xe9)"),
        (b" \n", "t.csv: is empty"),
    ],
)
def test_faulty_files_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(InputError) as error:
        read_csv(data, "t.csv", ",")
    assert says in str(error.value)
