"""Avro types of any depth as a tree of fields, and the Arrow types that hold them."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest

from schemas.avro_fields import fields
from schemas.errors import InputError


def record(*types: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "r",
        "fields": [{"name": f"f{i}", "type": t} for i, t in enumerate(types)],
        **more,
    }


def fixed(size: int, **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": f"of{size}", "size": size, **more}


def test_unions_enums_and_references() -> None:
    colour = {"type": "enum", "name": "Colour", "namespace": "shop", "symbols": ["RED", "BLUE"]}
    read = fields(record(["long", "null"], colour, ["null", "shop.Colour"], {"type": "string"}))
    assert [f.null_index for f in read] == [1, None, 0, None]
    assert [f.type for f in read] == ["long", "enum", "enum", "string"]
    assert read[2].symbols == ("RED", "BLUE")
    assert not read[0].has_default


def test_names_are_looked_up_from_where_they_stand() -> None:
    inner = {"type": "record", "name": "Inner", "namespace": "a.b", "fields": [{"name": "x", "type": fixed(2)}]}
    wanted = pa.struct([pa.field("x", pa.binary(2), False)])
    assert [f.arrow_type for f in fields(record(inner, "a.b.Inner", "a.b.of2"))] == [wanted, wanted, pa.binary(2)]
    assert fields(record(inner, "Inner", namespace="a.b"))[1].arrow_type == wanted
    with pytest.raises(InputError, match="field 'f1': type \"Inner\" is not supported"):
        fields(record(inner, "Inner", namespace="a"))


def test_columns_are_paths_below_the_column_a_field_names() -> None:
    inner = {"type": "record", "name": "i", "fields": [{"name": "x", "type": "long", "column": "not at the top"}]}
    form = {"name": "a", "type": {"type": "array", "items": inner}, "column": "the a"}
    (field,) = fields({"type": "record", "name": "r", "fields": [form]})
    assert (field.name, field.column) == ("a", "the a")
    assert field.inner[0].inner[0].column == "the a.item.x"


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("bytes", pa.binary()),
        ({"type": "long"}, pa.int64()),
        ({"type": "array", "items": ["null", "int"]}, pa.list_(pa.int64())),
        ({"type": "array", "items": "int"}, pa.list_(pa.field("item", pa.int64(), False))),
        ({"type": "map", "values": ["int", "null"]}, pa.map_(pa.string(), pa.int64())),
        (fixed(3), pa.binary(3)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 1}, pa.decimal128(5, 1)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 39}, pa.decimal256(39, 0)),
        (fixed(4, logicalType="decimal", precision=9), pa.decimal128(9, 0)),
        (fixed(16, logicalType="uuid"), pa.string()),
        ({"type": "int", "logicalType": "date"}, pa.date32()),
        ({"type": "int", "logicalType": "time-millis"}, pa.time32("ms")),
        ({"type": "long", "logicalType": "time-micros"}, pa.time64("us")),
        ({"type": "long", "logicalType": "timestamp-millis"}, pa.timestamp("ms", "UTC")),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, pa.timestamp("us")),
        ({"type": "long", "logicalType": "timestamp-nanos"}, pa.timestamp("ns", "UTC")),
        ({"type": "enum", "name": "e", "symbols": ["a"]}, pa.string()),
    ],
)
def test_types(form: Any, kind: pa.DataType) -> None:
    plain, nullable = fields(record(form))[0], fields(record(["null", form]))[0]
    assert plain.arrow_type == nullable.arrow_type == kind
    assert (plain.null_index, nullable.null_index) == (None, 0)


@pytest.mark.parametrize(
    "form",
    [
        {"type": "long", "logicalType": "date"},
        {"type": "string", "logicalType": "uuid"},
        {"type": "long", "logicalType": None},
        {"type": "bytes", "logicalType": "decimal"},
        {"type": "bytes", "logicalType": "decimal", "precision": 77},
        {"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3},
        fixed(4, logicalType="decimal", precision=10),
        fixed(12, logicalType="duration"),
        fixed(15, logicalType="uuid"),
    ],
)
def test_logical_types_that_do_not_fit_are_ignored(form: Any) -> None:
    assert fields(record(form))[0].logical is None


def test_every_field_that_arrow_can_not_hold_is_named() -> None:
    empty = {"type": "record", "name": "empty", "fields": []}
    wrong = [
        "null",
        ["null", "long", "string"],
        ["long"],
        fixed(0),
        empty,
        "nowhere",
        "r",
        {"type": "array", "items": "r"},
        {"type": "enum", "name": "none", "symbols": []},
    ]
    with pytest.raises(InputError) as error:
        fields(record("long", *wrong))
    names = [re.findall("^field '(f[0-9])': type .* is not supported", fault) for fault in error.value.faults]
    assert names == [[f"f{i}"] for i in range(1, 10)]


@pytest.mark.parametrize(
    ("avro", "message"),
    [({"type": "enum", "name": "e", "symbols": ["A"]}, "expected 'record'"), (record(), "no fields")],
)
def test_the_top_must_be_a_record_with_fields(avro: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fields(avro)
