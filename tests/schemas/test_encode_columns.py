"""Columns are made ready once, and what does not fit is named with the row it lies in, however deep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.avro_fields import Field
from schemas.codec import Codec
from schemas.encode_columns import ColumnEncoder
from schemas.encode_parts import Entries
from schemas.errors import InputError


def test_the_bytes_of_a_dictionary_are_made_once() -> None:
    column = pa.array(["a", "b", "a", "b"]).dictionary_encode()
    encoder = ColumnEncoder(Field("f", "f", "string"))
    first, second = encoder.part(column.slice(0, 2)), encoder.part(column.slice(2))
    other = encoder.part(pa.array(["c"]).dictionary_encode())
    assert isinstance(first, Entries)
    assert isinstance(second, Entries)
    assert isinstance(other, Entries)
    assert first.table is second.table
    assert other.table.data.tobytes() == b"\x02c"


def test_a_dictionary_of_numbers_is_written_as_numbers() -> None:
    column = pa.array([5, 7, 5]).dictionary_encode()
    sizes = np.zeros(3, np.int64)
    ColumnEncoder(Field("f", "f", "long")).part(column).measure(sizes)
    assert sizes.tolist() == [1, 1, 1]


ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "n", "type": "int"},
        {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["RED"]}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}


def nested(type_: Any) -> Codec:
    return Codec({"type": "record", "name": "r", "fields": [{"name": "a", "type": type_, "column": "the a"}]})


@pytest.mark.parametrize(
    ("type_", "cells", "message"),
    [
        ({"type": "array", "items": "long"}, [[1], [], [2, None]], "column 'the a.item', row 2: is null"),
        (["null", ORDER], [None, {"n": 2**31, "colour": "RED"}], "column 'the a.n', row 1: 2147483648 does not fit"),
        (["null", ORDER], [None, {"n": 0, "colour": "BLUE"}], "column 'the a.colour', row 1: 'BLUE' is no symbol"),
        (["null", ORDER], [None, {"n": 0}], "column 'the a.colour': is missing, and the Avro field 'colour' has no"),
        (
            {"type": "array", "items": ["null", ORDER]},
            [[], [None], [None, {"n": 0, "colour": "RED"}, {"n": 0, "colour": "BLUE"}]],
            "column 'the a.item.colour', row 2: 'BLUE' is no symbol",
        ),
        ({"type": "array", "items": "long"}, [{"x": 1}], "column 'the a': is struct<x: int64>, but .* is array"),
        ({"type": "map", "values": "long"}, [[1]], "column 'the a': is list<item: int64>, but .* is map"),
        ({"type": "fixed", "name": "f", "size": 2}, [b"abc"], "column 'the a': is binary, but .* is fixed"),
        (
            {"type": "fixed", "name": "f", "size": 16, "logicalType": "uuid"},
            ["00000000-0000-0000-0000-000000000000", "no uuid"],
            "column 'the a', row 1: 'no uuid' is no UUID",
        ),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3}, [1000], "does not fit in precision 3"),
        (
            ["null", {"type": "record", "name": "b", "fields": [{"name": "x", "type": "bytes"}]}],
            pa.array([None, {"x": b""}], pa.struct([("x", pa.binary_view())])),
            "column 'the a': .*binary_view.*; cast it to struct<x: binary not null>",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_row(type_: Any, cells: Any, message: str) -> None:
    column = cells if isinstance(cells, pa.Array) else pa.array([*cells[:1], *cells]).slice(1)
    with pytest.raises(InputError, match=message):
        nested(type_).encode(pa.record_batch({"the a": column}), 1)


def test_fields_of_a_record_go_by_name_and_may_have_defaults() -> None:
    codec = nested(ORDER)
    rows = pa.record_batch({"the a": pa.array([{"extra": 0.5, "colour": "RED", "n": 1}])})
    decoded = codec.decode(codec.encode(rows, 1).values())
    assert decoded.batch.to_pylist() == [{"the a": {"n": 1, "colour": "RED", "note": None}}]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)),
        pa.array([[1, 2], [3, 4]], pa.large_list(pa.int64())),
        pa.array([[1, 2], [3, 4]], pa.list_(pa.int8())),
        pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array([[1, 2], [3, 4]])),
    ],
)
def test_lists_of_any_make_are_arrays(column: Any) -> None:
    values = nested({"type": "array", "items": "long"}).encode(pa.record_batch({"the a": column}), None).values()
    assert values == [b"\4\2\4\0", b"\4\6\x08\0"]


@pytest.mark.parametrize("column", [[1.25, -0.05], pa.array(["1.25", "-0.05"]).cast(pa.decimal256(40, 4))])
def test_numbers_are_rounded_to_a_decimal_and_decimals_cast(column: Any) -> None:
    codec = nested({"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2})
    assert codec.encode(pa.record_batch({"the a": column}), None).values() == [b"\2\x7d", b"\2\xfb"]


def test_integers_are_decimals_too() -> None:
    codec = nested({"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2})
    assert codec.encode(pa.record_batch({"the a": pa.array([3], pa.uint8())}), None).values() == [b"\4\1\x2c"]


def test_uuids_of_any_make() -> None:
    codec = nested({"type": "fixed", "name": "f", "size": 16, "logicalType": "uuid"})
    text, data = "00112233-4455-6677-8899-AABBCCDDEEFF", bytes.fromhex("00112233445566778899aabbccddeeff")
    for column in (pa.array([text]), pa.array([data], pa.binary(16)), pa.array([data], pa.uuid())):
        assert codec.encode(pa.record_batch({"the a": column}), None).values() == [data]
    assert codec.decode([data], framed=False).batch.to_pylist() == [{"the a": text.lower()}]
