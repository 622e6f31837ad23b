"""Avro types of any depth under Arrow, and the ones that Arrow can not hold."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.nested_types import arrow_schema, understood


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "r", "namespace": "n", "fields": list(fields)}


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("bytes", pa.binary()),
        ({"type": "long"}, pa.int64()),
        ({"type": "array", "items": ["null", "int"]}, pa.list_(pa.int64())),
        ({"type": "fixed", "name": "f", "size": 3}, pa.binary(3)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 1}, pa.decimal256(5, 1)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 5}, pa.decimal256(5, 0)),
        ({"type": "int", "logicalType": "date"}, pa.date32()),
        ({"type": "long", "logicalType": "timestamp-millis"}, pa.timestamp("ms", "UTC")),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, pa.timestamp("us")),
        ({"type": "int", "logicalType": "time-millis"}, pa.int64()),
        ({"type": "enum", "name": "e", "symbols": ["a"]}, pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_types(form: Any, kind: pa.DataType) -> None:
    assert arrow_schema(record({"name": "a", "type": ["null", form]})).field("a").type == kind


def test_names_are_known_once_met_and_columns_keep_theirs() -> None:
    inner = {"type": "record", "name": "i", "namespace": "m", "fields": [{"name": "x", "type": "long"}]}
    schema = arrow_schema(record({"name": "a", "type": inner}, {"name": "b", "type": "m.i", "column": "the b"}))
    assert schema.names == ["a", "the b"]
    assert schema.field("a").type == schema.field("the b").type


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (["long", "string"], "a union of 2 types"),
        ("null", "null alone"),
        ("n.r", "holds itself"),
        ({"type": "array", "items": "r"}, "holds itself"),
        ("nowhere", "'nowhere' is unknown"),
        ({"type": "record", "name": "empty", "fields": []}, "record 'empty': has no fields"),
    ],
)
def test_what_arrow_can_not_hold_is_refused(form: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        arrow_schema(record({"name": "a", "type": form}))


@pytest.mark.parametrize("avro", [{"type": "long"}, {"type": "record", "name": "r", "fields": []}])
def test_the_top_must_be_a_record_with_fields(avro: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected a 'record' with fields"):
        arrow_schema(avro)


def test_logical_types_that_are_not_understood_are_put_aside() -> None:
    avro = record(
        {"name": "a", "type": {"type": "string", "logicalType": "uuid"}, "default": {"logicalType": "kept"}},
        {"name": "b", "type": ["null", {"type": "int", "logicalType": "date"}]},
    )
    assert understood(avro)["fields"] == [
        {"name": "a", "type": {"type": "string"}, "default": {"logicalType": "kept"}},
        avro["fields"][1],
    ]
