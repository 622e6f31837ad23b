"""Taking over a schema people already have."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from schemas.adoption import adopt, misfits, table_schema, text_columns
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.errors import InputError
from schemas.inference import Choices, conform, infer
from schemas.table import Column, Kind, Role, Spelling, TableSchema

COLOUR = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}


def record(**types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": t} for name, t in types.items()]}


def schema(*columns: Column) -> TableSchema:
    return TableSchema("t", columns)


def test_table_schema_of_every_type() -> None:
    avro = record(
        a="int",
        b=["null", "float"],
        c="boolean",
        d=COLOUR,
        e={"type": "int", "logicalType": "date"},
        f={"type": "long", "logicalType": "timestamp-millis"},
        g={"type": "long", "logicalType": "local-timestamp-micros"},
    )
    read = table_schema(avro, name="mine")
    assert [c.kind.value for c in read] == [
        "integer",
        "number",
        "boolean",
        "category",
        "date",
        "timestamp",
        "timestamp",
    ]
    assert [c.nullable for c in read] == [False, True, False, False, False, False, False]
    assert (read["f"].time_unit, read["f"].timezone) == ("ms", "UTC")
    assert (read["g"].time_unit, read["g"].timezone) == ("us", None)
    assert read.name == "mine"
    assert avro_schema(read) == avro


def test_columns_take_order_types_and_nulls_of_the_fields() -> None:
    inferred = schema(
        Column("dropped", Kind.TEXT),
        Column("n", Kind.INTEGER, spelling=Spelling(null="NA")),
        Column("day", Kind.DATE, role=Role.TARGET),
        Column("s", Kind.TEXT, role=Role.KEY),
    )
    avro = record(s="string", day={"type": "long", "logicalType": "timestamp-millis"}, n=["double", "null"])
    adopted = adopt(inferred, avro)
    assert adopted.names == ("s", "day", "n")
    assert adopted["n"] == Column("n", Kind.NUMBER, nullable=True, decimals=0, spelling=Spelling(null="NA"))
    assert (adopted["day"].kind, adopted["day"].role) == (Kind.TIMESTAMP, Role.TARGET)
    assert (adopted["s"].kind, adopted["s"].role) == (Kind.TEXT, Role.KEY)
    assert avro_schema(adopted) == avro


def test_every_fault_is_listed() -> None:
    avro = record(age="long", nome="string", d={"type": "int", "logicalType": "date"}, spare="long", whole="long")
    avro["fields"][3]["default"] = 0
    inferred = schema(
        Column("age", Kind.INTEGER, nullable=True),
        Column("name", Kind.TEXT),
        Column("d", Kind.TEXT),
        Column("whole", Kind.NUMBER),
    )
    with pytest.raises(InputError) as error:
        adopt(inferred, avro)
    assert len(error.value.faults) == 4
    assert "'age': has missing values" in error.value.faults[0]
    assert "did you mean its column 'name'?" in error.value.faults[1]
    assert "'d': holds text, but field 'd' is date" in error.value.faults[2]
    assert "'whole': holds number" in error.value.faults[3]


def test_a_schema_with_no_column_of_the_table_is_refused() -> None:
    avro = record(a="long")
    avro["fields"][0]["default"] = 0
    with pytest.raises(InputError, match="none of its fields"):
        adopt(schema(Column("b", Kind.INTEGER)), avro)


def test_enums_stay_categories_so_that_no_fresh_string_breaks_them() -> None:
    adopted = adopt(schema(Column("c", Kind.TEXT, role=Role.IDENTIFIER)), record(c=COLOUR))
    assert (adopted["c"].kind, adopted["c"].role) == (Kind.CATEGORY, Role.ATTRIBUTE)


def test_strings_that_look_like_numbers_stay_strings() -> None:
    avro = record(zip="string", n="long")
    table = pa.table({"zip": ["12345"] * 10, "n": ["1"] * 10})
    assert text_columns(avro) == {"zip"}
    adopted = adopt(infer(table, "t", choices=Choices(text=text_columns(avro))), avro)
    assert adopted["zip"].kind is Kind.CATEGORY
    assert conform(table, adopted)["zip"].to_pylist() == ["12345"] * 10


def test_a_conformed_table_goes_out_under_the_wire_schema() -> None:
    avro = record(
        **{"colour": COLOUR, "day": {"type": "long", "logicalType": "timestamp-millis"}, "n": ["null", "int"]}
    )
    avro["fields"].append({"name": "extra", "type": "string", "default": "none"})
    table = pa.table({"n": ["1", "NA"] * 5, "day": ["2020-01-01", "2020-01-02"] * 5, "colour": ["RED", "BLUE"] * 5})
    adopted = adopt(infer(table, "t", choices=Choices(text=frozenset({"colour"}))), avro)
    codec = Codec(avro)
    batch = conform(table, adopted).to_batches()[0]
    back = codec.decode(codec.encode(batch, 1).values()).batch
    assert back["colour"].to_pylist() == ["RED", "BLUE"] * 5
    assert back["n"].to_pylist() == [1, None] * 5
    assert back["extra"].to_pylist() == ["none"] * 10
    assert back["day"].cast(pa.date32()).cast(pa.string()).to_pylist()[:2] == ["2020-01-01", "2020-01-02"]


def test_misfits_name_what_the_wire_can_not_carry() -> None:
    avro = record(c=COLOUR, n="int", absent="int")
    table = pa.table({"c": ["RED", "GREEN", None], "n": [1, 2**31, None]})
    faults = misfits(table, avro)
    assert len(faults) == 2
    assert "'GREEN'" in faults[0]
    assert str(2**31) in faults[1]
    assert misfits(pa.table({"c": ["RED"], "n": [-(2**31)]}), avro) == []
    wired = TableSchema("t", (Column("n", Kind.INTEGER),), json.dumps(record(n="int")))
    with pytest.raises(InputError, match="int of 32 bits"):
        conform(pa.table({"n": [2**40]}), wired)


PRICE = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
UUID = {"type": "fixed", "name": "Uuid", "size": 16, "logicalType": "uuid"}
IDS = ["123e4567-e89b-12d3-a456-426614174000", "00112233-4455-6677-8899-aabbccddeeff"]


def test_decimals_bytes_and_uuids_are_filled_from_columns_and_come_back() -> None:
    avro = record(
        price=PRICE, whole=["null", PRICE], id=UUID, raw="bytes", at={"type": "long", "logicalType": "timestamp-nanos"}
    )
    table = pa.table(
        {
            "price": ["1.25", "999.99"] * 5,
            "whole": ["3", ""] * 5,
            "id": IDS * 5,
            "raw": ["12", "é"] * 5,
            "at": ["2024-01-01T00:00:00.000001Z"] * 10,
        }
    )
    adopted = adopt(infer(table, "t", choices=Choices(text=text_columns(avro))), avro)
    assert [column.kind for column in adopted][:4] == [Kind.NUMBER, Kind.NUMBER, Kind.TEXT, Kind.CATEGORY]
    conformed = conform(table, adopted)
    assert misfits(conformed, avro) == []
    codec = Codec(avro)
    decoded = codec.decode(codec.encode(conformed.combine_chunks().to_batches()[0], 1).values()).batch
    for name in conformed.column_names:
        back = decoded.column(decoded.schema.get_field_index(name)).cast(conformed.schema.field(name).type, safe=False)
        assert back.to_pylist() == conformed[name].to_pylist()


def test_what_no_column_can_fill_is_published_as_its_default() -> None:
    avro = record(
        n="long", tags={"type": "array", "items": "string"}, at=["null", {"type": "int", "logicalType": "time-millis"}]
    )
    avro["fields"][1]["default"] = ["a"]
    avro["fields"][2]["default"] = None
    assert table_schema(avro).names == ("n",)
    assert adopt(schema(Column("n", Kind.INTEGER)), avro).names == ("n",)
    with pytest.raises(InputError, match="column 'tags': no column of a table can be the field 'tags', which is array"):
        adopt(schema(Column("n", Kind.INTEGER), Column("tags", Kind.TEXT)), avro)
    del avro["fields"][1]["default"]
    with pytest.raises(InputError, match="field 'tags': table 't' has no such column, and the field has no default"):
        adopt(schema(Column("n", Kind.INTEGER)), avro)


@pytest.mark.parametrize(("decimals", "fits"), [(0, True), (2, True), (3, False), (None, False)])
def test_numbers_of_more_decimals_than_the_field_are_refused(decimals: int | None, fits: bool) -> None:
    inferred = schema(Column("price", Kind.NUMBER, decimals=decimals))
    if fits:
        assert adopt(inferred, record(price=PRICE))["price"].decimals == decimals
    else:
        with pytest.raises(InputError, match="column 'price': holds numbers of more than 2 decimals"):
            adopt(inferred, record(price=PRICE))


@pytest.mark.parametrize(
    ("type_", "cells", "says"),
    [
        (PRICE, [1.0, -1000.0], "holds -1000.0; field 'c' has 3 digits before the point"),
        (UUID, [IDS[0], "no"], "holds strings that are no UUIDs in one spelling"),
        (UUID, [IDS[0], IDS[1].upper()], "holds strings that are no UUIDs in one spelling"),
    ],
)
def test_values_beyond_decimals_and_uuids_are_misfits(type_: Any, cells: list[Any], says: str) -> None:
    (fault,) = misfits(pa.table({"c": cells}), record(c=type_))
    assert says in fault
    assert misfits(pa.table({"c": cells[:1]}), record(c=type_)) == []
