"""Columns are matched by name and by what can be read, and records of any schema come as the matched columns."""

from __future__ import annotations

import logging
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
import pytest

from connectors.kafka import Heads
from connectors.registry import Registry
from schemas.blobs import Blobs
from schemas.codec import Codec
from schemas.conforming import cast_if_possible
from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema
from stream_app.watching.matching import READABLE, MatchingDecoders, match
from tests.stream_app.shop import Book

SCHEMA = TableSchema("orders", tuple(Column(kind.value, kind) for kind in Kind))


def avro(**types: Any) -> dict[str, Any]:
    """A schema with fields of these names and types."""
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": kind} for name, kind in types.items()]}


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


ENUM = {"type": "enum", "name": "e", "symbols": ["a", "b"]}
SAME: dict[str, Any] = {
    "integer": "int",
    "number": logical("bytes", "decimal", precision=9, scale=2),
    "category": ENUM,
    "text": ["null", "string"],
    "boolean": "boolean",
    "date": logical("int", "date"),
    "timestamp": logical("long", "local-timestamp-micros"),
}


def decoders(schema: TableSchema, *schemas: dict[str, Any]) -> MatchingDecoders:
    return MatchingDecoders(cast(Registry, Book(dict(enumerate(schemas)))), schema)


def message(schema: dict[str, Any], number: int = 0, **values: Any) -> bytes:
    batch = pa.record_batch({name: pa.array([value]) for name, value in values.items()})
    return Codec(schema).encode(batch, number).values()[0]


def test_every_kind_is_matched_with_its_like_and_may_be_missing() -> None:
    found = match(SCHEMA, avro(**SAME), "orders")
    assert found.schema.names == SCHEMA.names
    assert all(column.nullable for column in found.schema)
    assert found.left_out == {}


@pytest.mark.parametrize(
    ("kind", "field", "fits"),
    [
        (Kind.INTEGER, "double", True),
        (Kind.INTEGER, "string", True),
        (Kind.INTEGER, "boolean", False),
        (Kind.NUMBER, "long", True),
        (Kind.NUMBER, SAME["date"], False),
        (Kind.BOOLEAN, "string", True),
        (Kind.BOOLEAN, "int", False),
        (Kind.DATE, SAME["timestamp"], True),
        (Kind.TIMESTAMP, SAME["date"], True),
        (Kind.TIMESTAMP, "long", False),
        (Kind.CATEGORY, "int", True),
        (Kind.CATEGORY, {"type": "array", "items": "int"}, False),
    ],
)
def test_what_can_be_read_as_a_kind(kind: Kind, field: Any, fits: bool) -> None:
    schema = TableSchema("t", (Column("x", kind), Column("y", Kind.BOOLEAN)))
    found = match(schema, avro(x=field, y="boolean"), "orders")
    assert ("x" in found.schema.names, "x" in found.left_out) == (fits, not fits)
    assert READABLE.keys() == set(Kind)


def test_what_is_left_out_has_a_reason() -> None:
    schema = TableSchema("t", tuple(Column(name, Kind.BOOLEAN) for name in ("a", "b", "c", "d")))
    found = match(
        schema, avro(a="boolean", b="long", d="boolean", tags={"type": "map", "values": "int"}), "orders", ["d"]
    )
    assert found.schema.names == ("a",)
    assert found.left_out == {
        "d": "left out as asked",
        "b": "long in orders, boolean in the synthetic topic",
        "c": "not in orders",
        "tags": "only in orders",
    }


def test_nothing_in_common_is_refused_in_one_line() -> None:
    for theirs in (avro(else_="int"), {"type": "string"}):
        with pytest.raises(InputError, match="real=orders: has no column in common") as refused:
            match(SCHEMA, theirs, "orders")
        assert len(refused.value.faults) == 1


def test_values_are_read_as_the_column_they_are_matched_with() -> None:
    kinds = {"n": Kind.INTEGER, "p": Kind.NUMBER, "c": Kind.CATEGORY, "t": Kind.TIMESTAMP}
    found = match(
        TableSchema("t", tuple(Column(name, kind) for name, kind in kinds.items())),
        avro(n="string", p=SAME["number"], c="int", t=SAME["date"], more="string"),
        "orders",
    )
    theirs = avro(n="string", p=SAME["number"], c="int", t=SAME["date"], more="string")
    values: dict[str, Any] = {"p": Decimal("1.50"), "c": 7, "t": date(2024, 1, 2), "more": "x"}
    sent = [message(theirs, n="12", **values), message(theirs, n="twelve", **values), b"hello", None]
    read = decoders(found.schema, theirs).decode(Blobs.of(sent), Heads.of([None] * 4))
    (batch,) = read.batches
    assert batch.schema == found.schema.arrow_schema
    assert batch.column(0).to_pylist() == [12, None]
    assert batch.column(1).to_pylist() == [1.5, 1.5]
    assert batch.column(2).to_pylist() == ["7", "7"]
    assert [str(value) for value in batch.column(3).to_pylist()] == ["2024-01-02 00:00:00"] * 2
    assert (read.foreign.tolist(), read.rows[0].tolist()) == ([2], [0, 1])


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Kind.INTEGER, pa.array([1e300, -1e300, 7.0])),
        (Kind.INTEGER, pa.array([Decimal(10**25), Decimal(-(10**25)), Decimal(7)], pa.decimal128(30, 0))),
        (Kind.TIMESTAMP, pa.array([2**62, -(2**62), 7], pa.timestamp("ms"))),
        (Kind.NUMBER, pa.array([float("inf"), float("nan"), 7.0])),
    ],
)
def test_a_value_that_does_not_fit_is_missing_and_no_other_value(kind: Kind, given: pa.Array[Any]) -> None:
    read = cast_if_possible(Column("x", kind, True), given)
    assert read.is_null().to_pylist() == [True, True, False]


def test_schemas_that_change_are_followed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    schema = TableSchema("t", (Column("a", Kind.INTEGER, True), Column("b", Kind.CATEGORY, True)))
    whole, less, other = avro(a="int", b="string"), avro(a="int"), avro(z="int")
    changed = avro(a={"type": "array", "items": "int"}, b="string")
    values = [
        message(whole, 0, a=1, b="x"),
        message(less, 1, a=2),
        message(other, 2, z=3),
        message(less, 1, a=4),
        message(changed, 3, a=[5], b="y"),
    ]
    read = decoders(schema, whole, less, other, changed).decode(Blobs.of(values), Heads.of([None] * len(values)))
    rows = {
        int(row): record
        for batch, members in zip(read.batches, read.rows, strict=True)
        for row, record in zip(members, batch.to_pylist(), strict=True)
    }
    assert rows == {
        0: {"a": 1, "b": "x"},
        1: {"a": 2, "b": None},
        3: {"a": 4, "b": None},
        4: {"a": None, "b": "y"},
    }
    assert read.foreign.tolist() == [2]
    assert caplog.text.count("lacks columns") == 1
