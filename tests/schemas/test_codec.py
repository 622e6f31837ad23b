"""The codec, held to fastavro record by record over every shape a flat Arrow batch comes in."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import decode_kernels, encode_kernels
from schemas.avro import fields
from schemas.codec import Codec, warm
from schemas.columnar import Columnar
from schemas.errors import InputError
from schemas.rowwise import Rowwise

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
SYMBOLS = ["red", "green", "blue"]
YEARS_MS = (-62_135_596_800_000, 253_402_300_799_999)  # the years 1 to 9999, as Python's datetime has them


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def moments(scale: int) -> st.SearchStrategy[int]:
    return st.integers(YEARS_MS[0] * scale, YEARS_MS[1] * scale)


def entries(values: Any, index: Any) -> Any:
    return pa.dictionary(index, values)


# Every Avro type with the Arrow types that write it and the values to try.
SHAPES: list[tuple[Any, list[Any], st.SearchStrategy[Any]]] = [
    ("long", [pa.int64()], whole(64)),
    ("long", [pa.int8(), pa.int16(), pa.int32()], whole(8)),
    ("long", [pa.uint8(), pa.uint32(), pa.uint64()], st.integers(0, 255)),
    ("int", [pa.int64(), pa.int32()], whole(32)),
    ("double", [pa.float64()], st.floats()),
    ("double", [pa.float32()], st.floats(width=32)),
    ("float", [pa.float64(), pa.float32()], st.floats(width=32)),
    ("float", [pa.float64()], st.floats(-1e38, 1e38)),
    ("boolean", [pa.bool_()], st.booleans()),
    (
        "string",
        [pa.string(), pa.large_string(), entries(pa.string(), pa.int32()), entries(pa.string(), pa.int8())],
        TEXT,
    ),
    ("string", [entries(pa.large_string(), pa.int64()), entries(pa.string(), pa.uint16())], st.sampled_from(SYMBOLS)),
    ("enum", [pa.string(), entries(pa.string(), pa.int32())], st.sampled_from(SYMBOLS)),
    ({"type": "int", "logicalType": "date"}, [pa.date32()], st.integers(-719_162, 2_932_896)),
    ({"type": "long", "logicalType": "timestamp-millis"}, [pa.timestamp("ms", "UTC")], moments(1)),
    ({"type": "long", "logicalType": "timestamp-micros"}, [pa.timestamp("us", "UTC")], moments(1_000)),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, [pa.timestamp("ms")], moments(1)),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, [pa.timestamp("us")], moments(1_000)),
    ({"type": "string", "logicalType": "unheard-of"}, [pa.string()], TEXT),
]


@dataclass
class Case:
    avro: dict[str, Any]
    batch: pa.RecordBatch


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rows = draw(st.integers(0, 20))
    forms, arrays = [], []
    for i, (avro, kinds, values) in enumerate(draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=6))):
        type_ = {"type": "enum", "name": f"e{i}", "symbols": SYMBOLS} if avro == "enum" else avro
        union = draw(st.sampled_from([type_, ["null", type_], [type_, "null"]]))
        cells = st.none() | values if isinstance(union, list) else values
        forms.append({"name": f"f{i}", "type": union})
        arrays.append(pa.array(draw(st.lists(cells, min_size=rows, max_size=rows)), draw(st.sampled_from(kinds))))
    batch = pa.RecordBatch.from_arrays(arrays, [form["name"] for form in forms])
    start = draw(st.integers(0, rows))
    return Case({"type": "record", "name": "r", "fields": forms}, batch.slice(start, draw(st.integers(0, rows))))


@settings(max_examples=300, deadline=None)
@given(cases())
def test_columns_are_written_and_read_as_fastavro_does(case: Case) -> None:
    fast, oracle = Columnar(fields(case.avro)), Rowwise(case.avro)
    messages = fast.encode(case.batch, 77)
    assert messages.values() == oracle.encode(case.batch, 77).values()
    assert len(messages) == case.batch.num_rows
    assert fast.schema == oracle.schema
    for reader in (fast, oracle):
        decoded = reader.decode(messages.values())
        decoded.batch.validate(full=True)
        assert decoded.bad.tolist() == []
        assert decoded.batch.schema == fast.schema
        assert fast.encode(decoded.batch, 77).values() == messages.values()


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


def test_flat_records_go_by_columns_and_others_by_rows() -> None:
    nested = {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "array", "items": "long"}}]}
    codec = Codec(nested)
    batch = pa.record_batch({"a": [[1, 2], []]})
    decoded = codec.decode([*codec.encode(batch, 1).values(), b"\x00\x00\x00\x00\x01\x02"])
    assert decoded.batch.to_pylist() == batch.to_pylist()
    assert decoded.bad.tolist() == [2]
    assert codec.schema == pa.schema([pa.field("a", pa.list_(pa.field("item", pa.int64(), False)), False)])


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


def test_what_is_not_a_record_is_refused() -> None:
    with pytest.raises(InputError, match="expected a 'record'"):
        Codec({"type": "enum", "name": "e", "symbols": ["a"]})


def test_warming_compiles_all_that_batches_need() -> None:
    warm()
    made = {name: len(k.signatures) for module in (encode_kernels, decode_kernels) for name, k in kernels_of(module)}
    kinds = ["long", "int", "float", "double", "boolean", "string", "string"]
    forms = [{"name": f"f{i}", "type": kind} for i, kind in enumerate(kinds)]
    arrays: Any = (
        [[1, 2, 3]] * 2 + [np.ones(3)] * 2 + [[True] * 3, ["a", "b", "c"], pa.array(["a"] * 3).dictionary_encode()]
    )
    batch = pa.record_batch({form["name"]: pa.array(a) for form, a in zip(forms, arrays, strict=True)})
    codec = Codec({"type": "record", "name": "r", "fields": forms})
    for part in (batch, batch.slice(1), pa.RecordBatch.from_pylist(batch.to_pylist(), batch.schema)):
        codec.decode([*codec.encode(part, 1).values(), b"?"])
    assert made == {name: len(k.signatures) for m in (encode_kernels, decode_kernels) for name, k in kernels_of(m)}
    assert all(made[name] == (3 if name == "write_words" else 2 if name == "read_words" else 1) for name in made)


def kernels_of(module: ModuleType) -> list[tuple[str, Any]]:
    """The kernels that columns call; none when NUMBA_DISABLE_JIT is set and they are plain functions."""
    entrances = ("measure_", "write_", "read_", "gather")
    return [(name, k) for name, k in vars(module).items() if name.startswith(entrances) and hasattr(k, "signatures")]
