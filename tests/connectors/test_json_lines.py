"""JSON lines."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from connectors.json_lines import json_rows, read_json_lines
from schemas.errors import InputError
from schemas.inference import infer
from schemas.table import Column, Kind, TableSchema


def test_types_come_from_json_and_times_from_their_text() -> None:
    rows = [
        {"i": 1, "x": 2.5, "s": "12", "b": True, "at": "2020-01-01T10:00:00Z", "day": "2020-01-01"},
        {"i": 2, "s": None},
    ]
    table = read_json_lines("\n\n".join(json.dumps(row) for row in rows * 5).encode(), "t.jsonl")
    kinds = {c.name: c.kind.value for c in infer(table, "t")}
    assert kinds == {"i": "integer", "x": "number", "s": "category", "b": "boolean", "at": "timestamp", "day": "date"}
    assert table["at"].to_pylist()[:2] == ["2020-01-01T10:00:00Z", None]


def test_rows_are_objects_a_line() -> None:
    schema = TableSchema("t", (Column('a "b"', Kind.TEXT, nullable=True), Column("n", Kind.NUMBER, decimals=1)))
    batch = pa.record_batch([pa.array(["x\ny", None]), pa.array([1.25, 2.0])], schema=schema.arrow_schema)
    lines = json_rows(batch, schema).decode().splitlines()
    assert [json.loads(line) for line in lines] == [{'a "b"': "x\ny", "n": 1.2}, {'a "b"': None, "n": 2.0}]
    assert read_json_lines(json_rows(batch, schema), "t.jsonl").to_pylist() == [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a": 1}\n{"a": "x"}\n', "t.jsonl: column 'a': mixed types: numbers in line 1, strings in line 2"),
        (b'{"a": true}\n\n{"a": 1, "b": 1}\n{"b": [1]}', "column 'b': mixed types: numbers in line 3, lists in line 4"),
        (b'{"a": 1}\n{"a":', "line 2 is not JSON"),
        (b"[\n1]\n", "a list over several lines is not JSON lines"),
        (b'{"a": 1}\n[1]\n', "line 2 holds lists; expected an object a line"),
        (b'{"a": 1}\n3\n', "line 2 holds numbers; expected an object a line"),
        (b'{"a": 1, "a": 2}\n', "can not be read as JSON lines"),
        (b'{"a": "\xe9"}\n', "not UTF-8 at byte 7"),
        (b"", "is empty"),
    ],
)
def test_faulty_files_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(InputError) as error:
        read_json_lines(data, "t.jsonl")
    assert says in str(error.value)
