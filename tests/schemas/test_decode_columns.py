"""What is read has the type its field promises, nulls and broken records included."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from schemas.avro_fields import Field
from schemas.decode_columns import ColumnDecoder, Records, decoded_type, steps
from schemas.decode_kernels import BLOCKS, BROKEN, NEXT, SPAN, VALUE, VARINT

TEXT, LONG = Field("t", "t", "string"), Field("n", "n", "long")
ENTRY = Field("entry", "", "record", inner=(Field("key", "", "string"), Field("value", "", "string")))
FIELDS = [
    (Field("f", "f", "long", null_index=0), b"\x03", -2),
    (Field("f", "f", "int", "date", null_index=0), b"\x00", 0),
    (Field("f", "f", "float", null_index=0), b"\x00\x00\x00\xc0", -2.0),
    (Field("f", "f", "double", null_index=0), b"\x00\x00\x00\x00\x00\x00\x00\xc0", -2.0),
    (Field("f", "f", "boolean", null_index=0), b"\x01", True),
    (Field("f", "f", "string", null_index=0), b"\x04ab", "ab"),
    (Field("f", "f", "enum", null_index=0, symbols=("x", "y")), b"\x02", "y"),
    (Field("f", "f", "bytes", null_index=0), b"\x04ab", b"ab"),
    (Field("f", "f", "fixed", null_index=0, size=2), b"ab", b"ab"),
    (Field("f", "f", "fixed", "uuid", null_index=0, size=16), bytes(range(16)), str(UUID(bytes=bytes(range(16))))),
    (Field("f", "f", "bytes", "decimal", null_index=0, digits=(3, 1)), b"\x04\xff\x80", Decimal("-12.8")),
    (Field("f", "f", "int", "time-millis", null_index=0), b"\x02", time(microsecond=1_000)),
    (Field("f", "f", "array", null_index=0, inner=(TEXT,)), b"\x04\x02a\x02b\x00", ["a", "b"]),
    (Field("f", "f", "map", null_index=0, inner=(ENTRY,)), b"\x02\x02a\x02b\x00", [("a", "b")]),
    (Field("f", "f", "record", null_index=0, inner=(TEXT, LONG)), b"\x02a\x05", {"t": "a", "n": -3}),
]


@pytest.mark.parametrize(("field", "form", "value"), FIELDS)
def test_values_nulls_and_broken_records(field: Field, form: bytes, value: object) -> None:
    forms = [b"\x02" + form, b"\x00", b"\x02" + form[:-1], b"\x04" + form]
    ends = np.cumsum([len(f) for f in forms]).astype(np.int64)
    cursor = ends - np.array([len(f) for f in forms])
    column = ColumnDecoder(field).read(Records(np.frombuffer(b"".join(forms), np.uint8), cursor, ends))
    assert column.type == decoded_type(field)
    assert (cursor == ends).tolist() == [True, True, False, False]
    plain = column.cast(pa.int32()) if field.logical == "date" else column
    assert plain.slice(0, 2).to_pylist() == [value, None]


def test_steps_of_a_value_lead_behind_it() -> None:
    inner = Field("r", "", "record", null_index=1, inner=(TEXT, Field("l", "", "array", inner=(LONG,)), LONG))
    assert steps(Field("m", "", "map", inner=(inner,))) == [
        (BLOCKS, 0, -1, 8),
        (VALUE, 0, 1, 7),
        (SPAN, -1, -1, 3),
        (BLOCKS, 0, -1, 6),
        (VARINT, 0, -1, 5),
        (NEXT, 3, -1, 6),
        (VARINT, 0, -1, 7),
        (NEXT, 0, -1, 8),
    ]


@pytest.mark.parametrize(
    ("field", "form"),
    [
        (Field("f", "f", "array", inner=(TEXT,)), b"\x04\x02a\x02\xff\x00"),
        (Field("f", "f", "array", inner=(Field("f", "f", "int", "time-millis"),)), b"\x02\x01\x00"),
        (Field("f", "f", "map", inner=(ENTRY,)), b"\x02\x02\xff\x02b\x00"),
        (Field("f", "f", "record", null_index=0, inner=(TEXT, LONG)), b"\x02\x02\xff\x04"),
    ],
)
def test_a_value_that_is_broken_breaks_what_it_lies_in(field: Field, form: bytes) -> None:
    cursor, ends = np.zeros(1, np.int64), np.array([len(form)])
    ColumnDecoder(field).read(Records(np.frombuffer(form, np.uint8), cursor, ends))
    assert cursor.tolist() == [BROKEN]
