"""The path by rows: shapes that are not flat, bytes that are not records, and fastavro's own words for it all."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro import frame
from schemas.errors import InputError
from schemas.rowwise import Rowwise

ADDRESS = {"type": "record", "name": "Address", "namespace": "a.b", "fields": [{"name": "city", "type": "string"}]}
AVRO: dict[str, Any] = {
    "type": "record",
    "name": "Person",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "home", "type": ADDRESS},
        {"name": "work", "type": ["null", "a.b.Address"], "default": None},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "counts", "type": {"type": "map", "values": "int"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "mark", "type": {"type": "fixed", "name": "Two", "size": 2}},
        {"name": "guid", "type": {"type": "string", "logicalType": "uuid"}, "column": "the id"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    ],
}
ROW: dict[str, Any] = {
    "id": 1,
    "home": {"city": "Wien"},
    "work": None,
    "tags": ["a", None],
    "counts": {"x": 2},
    "price": Decimal("-12.50"),
    "mark": b"ab",
    "the id": "not one",
    "day": None,
}


def batch() -> pa.RecordBatch:
    codec = Rowwise(AVRO)
    other = {**ROW, "work": {"city": "Graz"}, "tags": [], "counts": {}}
    return pa.RecordBatch.from_pylist([{**row, "day": 3} for row in (ROW, other)], codec.schema)


def test_nested_records_come_back() -> None:
    codec = Rowwise(AVRO)
    messages = codec.encode(batch(), 9)
    decoded = codec.decode(messages.values())
    assert decoded.batch == batch()
    assert decoded.bad.tolist() == []


def test_what_is_written_is_what_fastavro_writes() -> None:
    out = BytesIO()
    avro = {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "array", "items": "long"}}]}
    fastavro.schemaless_writer(out, avro, {"a": [1, -1]})
    values = Rowwise(avro).encode(pa.record_batch({"a": [[0], [1, -1]]}).slice(1), 9).values()
    assert values == [frame(9) + out.getvalue()] == [b"\0\0\0\0\x09\x04\x02\x01\x00"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_garbage_is_listed(garbage: bytes) -> None:
    codec = Rowwise(AVRO)
    decoded = codec.decode([garbage, frame(1) + garbage, codec.encode(batch(), 1).values()[1]])
    decoded.batch.validate(full=True)
    assert 0 in decoded.bad.tolist() or garbage[:1] == b"\0"
    assert 2 not in decoded.bad.tolist()
    assert decoded.batch.num_rows == 3 - len(decoded.bad)


def test_messages_cut_short_or_too_long_are_listed() -> None:
    codec = Rowwise(AVRO)
    whole = codec.encode(batch(), 1).values()[0]
    values = [whole[:stop] for stop in range(len(whole))] + [whole + b"\0", whole]
    assert codec.decode(values).bad.tolist() == list(range(len(whole) + 1))


def test_a_value_beyond_its_arrow_type_is_listed_alone() -> None:
    avro = {
        "type": "record",
        "name": "r",
        "fields": [{"name": "a", "type": {"type": "bytes", "logicalType": "decimal", "precision": 2}}],
    }
    codec = Rowwise(avro)
    good = codec.encode(pa.RecordBatch.from_pylist([{"a": Decimal(42)}], codec.schema), 1).values()[0]
    decoded = codec.decode([good, frame(1) + b"\x08\x7f\xff\xff\xff", good])
    assert decoded.bad.tolist() == [1]
    assert decoded.batch.column(0).to_pylist() == [Decimal(42)] * 2


def test_a_value_that_does_not_fit_is_refused_with_its_row() -> None:
    avro = {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "map", "values": "int"}}]}
    good, bad = {"a": {"k": 1}}, {"a": {"k": 2**40}}
    rows = pa.RecordBatch.from_pylist([good, bad], pa.schema({"a": pa.map_(pa.string(), pa.int64())}))
    with pytest.raises(InputError, match=r"row 1: does not fit the Avro schema: .*1099511627776"):
        Rowwise(avro).encode(rows, 1)


def test_no_rows_and_no_known_columns() -> None:
    codec = Rowwise({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long", "default": 4}]})
    assert codec.encode(pa.record_batch({"b": [1, 2]}), 1).values() == [b"\0\0\0\0\1\x08"] * 2
    assert codec.decode([]).batch.num_rows == 0


def test_an_invalid_schema_is_refused() -> None:
    twice = {"type": "record", "name": "r", "fields": [{"name": "a", "type": ADDRESS}, {"name": "b", "type": ADDRESS}]}
    with pytest.raises(InputError, match="schema 'r': redefined named type"):
        Rowwise(twice)
