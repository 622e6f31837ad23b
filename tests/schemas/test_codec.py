"""The codec, held to fastavro record by record over every shape an Arrow batch comes in."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import decode_kernels, encode_kernels, span_kernels
from schemas.codec import Codec, warm
from schemas.errors import InputError
from tests.schemas.oracle import Oracle

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
SYMBOLS = ["red", "green", "blue"]
YEARS_MS = (-62_135_596_800_000, 253_402_300_799_999)  # the years 1 to 9999, as Python's datetime has them


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def moments(scale: int) -> st.SearchStrategy[int]:
    return st.integers(YEARS_MS[0] * scale, YEARS_MS[1] * scale)


def entries(values: Any, index: Any) -> Any:
    return pa.dictionary(index, values)


def digits(precision: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    return st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-2, Context(prec=precision)))


def decimal(precision: int, **over: Any) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": 2, **over}


@dataclass
class Shape:
    """An Avro type with the Arrow types that write it and the values to try."""

    avro: Any
    kinds: list[Any]
    values: st.SearchStrategy[Any]


UUIDS = st.uuids().map(str)
FLAT: list[Shape] = [
    Shape("long", [pa.int64()], whole(64)),
    Shape("long", [pa.int8(), pa.int16(), pa.int32()], whole(8)),
    Shape("long", [pa.uint8(), pa.uint32(), pa.uint64()], st.integers(0, 255)),
    Shape("int", [pa.int64(), pa.int32()], whole(32)),
    Shape("double", [pa.float64()], st.floats()),
    Shape("double", [pa.float32()], st.floats(width=32)),
    Shape("float", [pa.float64(), pa.float32()], st.floats(width=32)),
    Shape("float", [pa.float64()], st.floats(-1e38, 1e38)),
    Shape("boolean", [pa.bool_()], st.booleans()),
    Shape(
        "string",
        [pa.string(), pa.large_string(), entries(pa.string(), pa.int32()), entries(pa.string(), pa.int8())],
        TEXT,
    ),
    Shape(
        "string", [entries(pa.large_string(), pa.int64()), entries(pa.string(), pa.uint16())], st.sampled_from(SYMBOLS)
    ),
    Shape("enum", [pa.string(), entries(pa.string(), pa.int32())], st.sampled_from(SYMBOLS)),
    Shape("bytes", [pa.binary(), pa.large_binary()], st.binary(max_size=40)),
    Shape({"type": "fixed", "size": 3}, [pa.binary(3)], st.binary(min_size=3, max_size=3)),
    Shape({"type": "fixed", "size": 20}, [pa.binary(20)], st.binary(min_size=20, max_size=20)),
    Shape(decimal(9), [pa.decimal128(9, 2), pa.decimal256(50, 2)], digits(9)),
    Shape(decimal(38), [pa.decimal128(38, 2)], digits(38)),
    Shape(decimal(76), [pa.decimal256(76, 2)], digits(76)),
    Shape(decimal(4, type="fixed", size=2), [pa.decimal128(4, 2)], digits(4)),
    Shape(decimal(40, type="fixed", size=40), [pa.decimal256(40, 2)], digits(40)),
    Shape({"type": "fixed", "size": 16, "logicalType": "uuid"}, [pa.string(), entries(pa.string(), pa.int32())], UUIDS),
    Shape({"type": "string", "logicalType": "uuid"}, [pa.string()], UUIDS),
    Shape({"type": "int", "logicalType": "date"}, [pa.date32()], st.integers(-719_162, 2_932_896)),
    Shape({"type": "int", "logicalType": "time-millis"}, [pa.time32("ms")], st.integers(0, 86_399_999)),
    Shape({"type": "long", "logicalType": "time-micros"}, [pa.time64("us")], st.integers(0, 86_399_999_999)),
    Shape({"type": "long", "logicalType": "timestamp-millis"}, [pa.timestamp("ms", "UTC")], moments(1)),
    Shape({"type": "long", "logicalType": "timestamp-micros"}, [pa.timestamp("us", "UTC")], moments(1_000)),
    Shape({"type": "long", "logicalType": "local-timestamp-millis"}, [pa.timestamp("ms")], moments(1)),
    Shape({"type": "long", "logicalType": "local-timestamp-micros"}, [pa.timestamp("us")], moments(1_000)),
    Shape({"type": "string", "logicalType": "unheard-of"}, [pa.string()], TEXT),
]
TOP = [
    Shape("bytes", [pa.binary_view()], st.binary(max_size=40)),
    Shape("string", [pa.string_view()], TEXT),
    Shape({"type": "long", "logicalType": "timestamp-nanos"}, [pa.timestamp("ns", "UTC")], whole(64)),
    Shape({"type": "long", "logicalType": "local-timestamp-nanos"}, [pa.timestamp("ns")], whole(64)),
]
"""At the top only: Arrow can not take rows out of views, fastavro does not know nanoseconds, and Python has none."""


@st.composite
def shapes(draw: st.DrawFn, depth: int, top: bool = False) -> Shape:
    """A type of some depth, named types anew each time."""
    made = draw(st.integers(0, 5)) if depth else 0
    if made <= 2:
        shape = draw(st.sampled_from(FLAT + TOP if top else FLAT))
        name = f"t{draw(st.uuids()).hex}"
        if shape.avro == "enum":
            return Shape({"type": "enum", "name": name, "symbols": SYMBOLS}, shape.kinds, shape.values)
        named = isinstance(shape.avro, dict) and shape.avro["type"] == "fixed"
        return Shape({**shape.avro, "name": name}, shape.kinds, shape.values) if named else shape
    item, cells = draw(shapes(depth - 1).flatmap(unions))
    kind = pa.field("item", item.kinds[0])
    if made == 3:
        return Shape(
            {"type": "array", "items": item.avro},
            [pa.list_(kind), pa.large_list(kind)],
            st.lists(cells, max_size=4) | st.lists(cells, min_size=64, max_size=66),
        )
    if made == 4:
        maps = st.dictionaries(TEXT, cells, max_size=3).map(lambda m: list(m.items()))
        return Shape({"type": "map", "values": item.avro}, [pa.map_(pa.string(), item.kinds[0])], maps)
    other, others = draw(shapes(depth - 1).flatmap(unions))
    forms = [{"name": "a", "type": item.avro}, {"name": "b", "type": other.avro}]
    return Shape(
        {"type": "record", "name": f"t{draw(st.uuids()).hex}", "fields": forms},
        [pa.struct({"a": item.kinds[0], "b": other.kinds[0]})],
        st.fixed_dictionaries({"a": cells, "b": others}),
    )


def unions(shape: Shape) -> st.SearchStrategy[tuple[Shape, st.SearchStrategy[Any]]]:
    """The type itself or a union of it and null, with the cells to try."""
    nullable = [Shape(union, shape.kinds, shape.values) for union in (["null", shape.avro], [shape.avro, "null"])]
    kinds = st.sampled_from(shape.kinds)
    wholes = st.just((shape, shape.values)) | st.sampled_from([(form, st.none() | form.values) for form in nullable])
    return st.builds(lambda pair, kind: (Shape(pair[0].avro, [kind], pair[0].values), pair[1]), wholes, kinds)


@dataclass
class Case:
    avro: dict[str, Any]
    batch: pa.RecordBatch


@st.composite
def cases(draw: st.DrawFn, depth: int) -> Case:
    rows = draw(st.integers(0, 8 if depth else 20))
    forms, arrays = [], []
    for i, (shape, cells) in enumerate(draw(st.lists(shapes(depth, top=True).flatmap(unions), min_size=1, max_size=4))):
        forms.append({"name": f"f{i}", "type": shape.avro})
        arrays.append(pa.array(draw(st.lists(cells, min_size=rows, max_size=rows)), shape.kinds[0]))
    batch = pa.RecordBatch.from_arrays(arrays, [form["name"] for form in forms])
    start = draw(st.integers(0, rows))
    return Case({"type": "record", "name": "r", "fields": forms}, batch.slice(start, draw(st.integers(0, rows))))


def check(case: Case) -> None:
    """The codec writes what fastavro writes, both read it alike, and it is what there was."""
    codec, oracle = Codec(case.avro), Oracle(case.avro)
    messages = codec.encode(case.batch, 77)
    assert messages.values() == oracle.encode(case.batch, 77)
    assert len(messages) == case.batch.num_rows
    bare = codec.encode(case.batch, None).values()
    assert bare == [value[5:] for value in messages.values()]
    for decoded in (
        codec.decode(messages.values()),
        codec.decode(bare, framed=False),
        oracle.decode(messages.values()),
    ):
        decoded.batch.validate(full=True)
        assert decoded.bad.tolist() == []
        assert decoded.batch.schema == codec.schema
        assert codec.encode(decoded.batch, 77).values() == messages.values()


@settings(max_examples=100, deadline=None)
@given(cases(depth=0))
def test_flat_columns_are_written_and_read_as_fastavro_does(case: Case) -> None:
    check(case)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(depth=2))
def test_nested_columns_are_written_and_read_as_fastavro_does(case: Case) -> None:
    check(case)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(depth=2), st.data())
def test_changed_bytes_of_any_schema_break_no_more_than_their_message(case: Case, data: st.DataObject) -> None:
    codec = Codec(case.avro)
    whole = codec.encode(case.batch, None).values()
    changed = [bytearray(value) for value in whole]
    for value in filter(None, changed):
        for place in data.draw(st.lists(st.integers(0, len(value) - 1), max_size=3)):
            value[place] = data.draw(st.integers(0, 255))
    alone = codec.decode(list(map(bytes, changed)), framed=False)
    alone.batch.validate(full=True)
    assert alone.batch.num_rows + len(alone.bad) == len(changed)
    beside = codec.decode([*map(bytes, changed), *whole], framed=False)
    beside.batch.validate(full=True)
    assert beside.bad.tolist() == alone.bad.tolist()
    assert codec.encode(beside.batch.slice(alone.batch.num_rows), None).values() == whole


def test_bytes_computed_by_hand() -> None:
    codec = Codec(
        {
            "type": "record",
            "name": "r",
            "fields": [
                {"name": "a", "type": ["null", "long"]},
                {"name": "b", "type": ["string", "null"]},
                {"name": "c", "type": "float"},
                {"name": "d", "type": "boolean"},
            ],
        }
    )
    cells: Any = {"a": [-65, None], "b": ["é", None], "c": [1.5, -2.0], "d": [True, False]}
    batch = pa.record_batch(cells)
    assert codec.encode(batch, 258).values() == [
        b"\x00\x00\x00\x01\x02\x02\x81\x01\x00\x04\xc3\xa9\x00\x00\xc0\x3f\x01",
        b"\x00\x00\x00\x01\x02\x00\x02\x00\x00\x00\xc0\x00",
    ]


def test_no_rows_give_no_messages_and_back() -> None:
    codec = Codec({"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]})
    assert codec.encode(pa.record_batch({"a": pa.array([], pa.string())}), 1).values() == []
    assert codec.decode([]).batch == pa.RecordBatch.from_pylist([], codec.schema)


def test_every_column_at_fault_is_named() -> None:
    codec = Codec({"type": "record", "name": "r", "fields": [{"name": n, "type": "int"} for n in ("a", "b", "c", "d")]})
    cells: Any = {"a": [1, 2**31], "b": [1, None], "c": ["x", "y"]}
    batch = pa.record_batch(cells)
    with pytest.raises(InputError) as raised:
        codec.encode(batch, 1)
    assert [fault.split(":")[0] for fault in raised.value.faults] == [
        "column 'a', row 1",
        "column 'b', row 1",
        "column 'c'",
        "column 'd'",
    ]
    assert "2147483648 does not fit the Avro int 'a'" in raised.value.faults[0]


def test_a_message_that_is_none_is_no_record_wherever_it_lies() -> None:
    codec = Codec({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]})
    good = codec.encode(pa.record_batch({"a": pa.array([7], pa.int64())}), None).values()[0]
    lists: list[list[bytes | None]] = [[None], [None, good], [good, None, good], [good, None]]
    for values in lists:
        found = codec.decode(values, framed=False)
        assert found.bad.tolist() == [i for i, value in enumerate(values) if value is None]
        assert found.batch.num_rows == values.count(good)


def test_what_is_not_a_record_is_refused() -> None:
    with pytest.raises(InputError, match="expected 'record'"):
        Codec({"type": "enum", "name": "e", "symbols": ["a"]})


def test_warming_compiles_all_that_batches_need() -> None:
    """In a process of its own: other tests compile kernels for what no batch holds."""
    code = "from tests.schemas.test_codec import check_warming; check_warming()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def check_warming() -> None:
    warm()
    made = signatures()
    inner = {"type": "record", "name": "r0", "fields": [{"name": "x", "type": {"type": "array", "items": "int"}}]}
    kinds: list[tuple[Any, Any]] = [
        ("long", [1, 2, 3]),
        ("float", np.ones(3)),
        ("double", np.ones(3)),
        ("boolean", [True] * 3),
        ("string", ["a", "b", "c"]),
        ("string", pa.array(["a"] * 3).dictionary_encode()),
        ("bytes", [b"x"] * 3),
        (decimal(9), pa.array([1, 2, 3], pa.decimal128(9, 2))),
        (decimal(60), pa.array([1, 2, 3], pa.decimal256(60, 2))),
        (decimal(9, type="fixed", size=5, name="five"), pa.array([1, 2, 3], pa.decimal128(9, 2))),
        ({"type": "fixed", "name": "two", "size": 2}, pa.array([b"ab"] * 3, pa.binary(2))),
        ({"type": "array", "items": inner}, [[{"x": [1]}, {"x": []}], [], []]),
        (["null", "r0"], [{"x": [1]}, None, {"x": []}]),
        ({"type": "map", "values": "double"}, pa.array([[("a", 1.0)]] * 3, pa.map_(pa.string(), pa.float64()))),
    ]
    forms = [{"name": f"f{i}", "type": kind} for i, (kind, _) in enumerate(kinds)]
    batch = pa.record_batch({form["name"]: pa.array(a) for form, (_, a) in zip(forms, kinds, strict=True)})
    codec = Codec({"type": "record", "name": "r", "fields": forms})
    for part in (batch, batch.slice(1)):
        values = codec.encode(part, 1).values()
        codec.decode([*values, b"?"])
        codec.decode(values, framed=False)
    assert made == signatures()
    assert all(made[name] == {"write_words": 3, "read_words": 2}.get(name, 1) for name in made)


def signatures() -> dict[str, int]:
    """For how many types of arguments each kernel was compiled; none when NUMBA_DISABLE_JIT is set."""
    entrances = ("measure_", "write_", "read_", "number_", "gather")
    kernels = {name: k for m in (encode_kernels, decode_kernels, span_kernels) for name, k in vars(m).items()}
    return {
        name: len(kernel.signatures)
        for name, kernel in kernels.items()
        if name.startswith(entrances) and hasattr(kernel, "signatures")
    }
