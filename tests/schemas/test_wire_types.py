"""Columns that can not mean what their field means are refused; those that can are cast without a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from schemas import wire_types
from schemas.avro_fields import Field
from schemas.errors import InputError

MILLIS = "timestamp-millis"


@pytest.mark.parametrize(
    ("type_", "logical", "column"),
    [
        ("long", None, [1.5]),
        ("long", None, ["1"]),
        ("long", None, [True]),
        ("long", None, pa.array([1], pa.timestamp("us"))),
        ("double", None, [True]),
        ("boolean", None, [1]),
        ("string", None, [1]),
        ("enum", None, [b"x"]),
        ("int", "date", [1]),
        ("long", MILLIS, pa.array([1], pa.timestamp("ms"))),
        ("long", MILLIS, [1]),
        ("long", "local-timestamp-millis", pa.array([1], pa.timestamp("ms", "UTC"))),
    ],
)
def test_types_that_mean_something_else_are_refused(type_: str, logical: str | None, column: Any) -> None:
    array = pa.array(column)
    with pytest.raises(InputError, match=f"column 'c': is .*, but the Avro field 'f' is {logical or type_}; cast"):
        wire_types.cast(Field("f", "c", type_, logical), array)


@pytest.mark.parametrize(
    ("type_", "logical", "column"),
    [
        ("long", None, pa.array([2**63], pa.uint64())),
        ("double", None, [2**53 + 1]),
        ("long", MILLIS, pa.array([1_001], pa.timestamp("us", "UTC"))),
    ],
)
def test_values_that_a_cast_would_change_are_refused(type_: str, logical: str | None, column: Any) -> None:
    with pytest.raises(InputError, match="column 'c': "):
        wire_types.cast(Field("f", "c", type_, logical), pa.array(column))


@pytest.mark.parametrize(
    ("type_", "logical", "column"),
    [
        ("double", None, [1, None]),
        ("long", MILLIS, pa.array([1_000], pa.timestamp("us", "Europe/Vienna"))),
        ("int", "date", pa.array([86_400_000], pa.date64())),
        ("string", None, pa.array(["a"], pa.string_view())),
    ],
)
def test_other_makes_of_the_same_thing_are_cast(type_: str, logical: str | None, column: Any) -> None:
    field, array = Field("f", "c", type_, logical), pa.array(column)
    assert wire_types.cast(field, array) == array.cast(field.arrow_type)


def test_the_first_null_and_the_first_integer_out_of_range_are_named() -> None:
    field = Field("f", "c", "int")
    with pytest.raises(InputError, match="column 'c', row 1: is null"):
        wire_types.check_nulls(field, pa.array([0, 1, None, None]).slice(1))
    with pytest.raises(InputError, match="column 'c', row 2: -2147483649 does not fit"):
        wire_types.check_int(field, pa.array([2**31, None, 3, -(2**31) - 1]).slice(1))
    wire_types.check_int(field, pa.nulls(2, pa.int64()))
    wire_types.check_int(field, pa.array([2**31 - 1, -(2**31)]))


def test_a_number_too_large_for_a_float_is_named_unless_it_is_infinite_or_under_a_null() -> None:
    field = Field("f", "c", "float", null_index=0)
    fine = pa.array([float("inf"), 3.4e38, None])
    assert wire_types.float_bits(field, fine)[0] == 0x7F800000
    under_null = pa.Array.from_buffers(pa.float64(), 1, [pa.py_buffer(b"\0"), pa.array([1e300]).buffers()[1]])
    assert len(wire_types.float_bits(field, under_null)) == 1
    with pytest.raises(InputError, match=r"column 'c', row 1: 3.5e\+38 does not fit the Avro float 'f'"):
        wire_types.float_bits(field, pa.array([1.0, 3.5e38]))


def test_defaults() -> None:
    day = Field("f", "c", "int", "date", default=3, has_default=True)
    assert wire_types.default_array(day, 2) == pa.array([3, 3], pa.int32()).cast(pa.date32())
    nothing = Field("f", "c", "string", null_index=0, default=None, has_default=True)
    assert wire_types.default_array(nothing, 1) == pa.nulls(1, pa.string())
    with pytest.raises(InputError, match="column 'c': is missing, and the Avro field 'f' has no default"):
        wire_types.default_array(Field("f", "c", "long"), 1)


LONGS = Field("item", "", "array", inner=(Field("item", "", "long"),))
DEFAULTS: list[tuple[Field, Any, Any]] = [
    (Field("f", "c", "bytes"), "\xff\0", b"\xff\0"),
    (Field("f", "c", "bytes", "decimal", digits=(4, 2)), "\xff\x80", Decimal("-1.28")),
    (Field("f", "c", "fixed", "uuid", size=16), "\0" * 16, "00000000-0000-0000-0000-000000000000"),
    (Field("f", "c", "int", "time-millis"), 1, time(microsecond=1_000)),
    (LONGS, [], []),
    (LONGS, [1, 2], [1, 2]),
    (Field("f", "c", "map", inner=(Field("e", "", "record", inner=(LONGS, LONGS)),)), {"k": [1]}, [("k", [1])]),
    (Field("f", "c", "record", inner=(Field("x", "", "long"),)), {"x": 3}, {"x": 3}),
    (Field("f", "c", "record", inner=(Field("x", "", "long", default=4, has_default=True),)), {}, {"x": 4}),
    (Field("f", "c", "record", inner=(LONGS,), null_index=1), {"item": [5]}, {"item": [5]}),
]


@pytest.mark.parametrize(("field", "form", "value"), DEFAULTS)
def test_defaults_of_every_type(field: Field, form: Any, value: Any) -> None:
    array = wire_types.default_array(replace(field, default=form, has_default=True), 2)
    assert array.type == field.arrow_type
    assert array.to_pylist() == [value, value]


@pytest.mark.parametrize(
    ("field", "form"),
    [
        (Field("f", "c", "long"), "x"),
        (Field("f", "c", "bytes"), "\u1234"),
        (Field("f", "c", "record", inner=(LONGS,)), {}),
    ],
)
def test_a_default_that_is_no_value_of_its_field_is_refused(field: Field, form: Any) -> None:
    with pytest.raises(InputError, match=r"column 'c': is missing, and the default .* of the Avro field 'f' is no"):
        wire_types.default_array(replace(field, default=form, has_default=True), 1)
