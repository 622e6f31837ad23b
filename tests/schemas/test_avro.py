"""Avro schemas derived and read."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro import avro_names, avro_schema, schema_file
from schemas.avro_fields import fields
from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema

EVERY_KIND = TableSchema(
    "every kind",
    (
        *(Column(kind.value, kind) for kind in Kind),
        *(Column(f"{kind.value} or not", kind, nullable=True) for kind in Kind),
        Column("utc", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"),
    ),
)


def record(*types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": f"f{i}", "type": t} for i, t in enumerate(types)]}


def test_derived_schema_is_valid_and_reads_back_to_the_columns() -> None:
    avro = avro_schema(EVERY_KIND)
    fastavro.parse_schema(avro)
    read = fields(avro)
    assert [f.column for f in read] == list(EVERY_KIND.names)
    for field, column in zip(read, EVERY_KIND, strict=True):
        wanted = pa.string() if column.kind is Kind.CATEGORY else column.arrow_type
        assert field.arrow_type == wanted, column.name
        assert field.null_index == (0 if column.nullable else None)
        assert field.has_default
        assert (field.default is None) == column.nullable


def test_derived_logical_types() -> None:
    by_column = {f.column: f.logical for f in fields(avro_schema(EVERY_KIND))}
    assert by_column["date"] == "date"
    assert by_column["timestamp"] == "local-timestamp-micros"
    assert by_column["utc"] == "timestamp-millis"


def test_any_two_versions_of_a_table_can_read_each_other() -> None:
    old = avro_schema(TableSchema("t", (Column("a", Kind.INTEGER), Column("b", Kind.TEXT))))
    new = avro_schema(TableSchema("t", (Column("a", Kind.INTEGER), Column("c", Kind.DATE, nullable=True))))
    for writer, reader, row in ((old, new, {"a": 1, "b": "x"}), (new, old, {"a": 1, "c": None})):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(writer), row)
        out.seek(0)
        read = fastavro.schemaless_reader(out, fastavro.parse_schema(writer), fastavro.parse_schema(reader))
        assert isinstance(read, dict)
        assert read["a"] == 1


def test_a_wire_schema_is_published_as_it_is() -> None:
    wire = record("long")
    assert avro_schema(TableSchema("t", (Column("f0", Kind.INTEGER),), json.dumps(wire))) == wire


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_names_are_legal_distinct_and_keep_legal_ones(names: list[str]) -> None:
    given_names = avro_names(names)
    assert len(set(given_names)) == len(names)
    for name, legal in zip(names, given_names, strict=True):
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", legal)
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            assert legal == name


def test_schema_file(tmp_path: Path) -> None:
    path = tmp_path / "s.avsc"
    path.write_text(json.dumps(record("long")))
    assert schema_file(path) == record("long")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('"string"', "expected one Avro record"),
        ('{"type": "record", "name": "r", "fields": [{"name": "a", "type": "lung"}]}', "type 'lung' is unknown"),
        ('{"type": "record", "name": "r"}', "not an Avro schema"),
        ('{"type": "record", "name": "r", "fields": []}', "has no fields"),
        ('{"type": "record", "name": "1r", "fields": [{"name": "a", "type": "long"}]}', "name '1r' is not allowed"),
        ('{"type": "record", "name": "r", "fields": [{"name": "a b", "type": "long"}]}', "name 'a b' is not allowed"),
    ],
)
def test_files_that_hold_no_record_schema_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "s.avsc"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        schema_file(path)
    with pytest.raises(InputError, match="No such file"):
        schema_file(tmp_path / "none.avsc")
