"""The codec under what it must survive: garbage, cut messages, odd dictionaries, sizes and slices."""

from __future__ import annotations

import warnings
from datetime import date, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import codec as module
from schemas.codec import Codec
from schemas.errors import InputError
from schemas.framing import frame
from tests.schemas.oracle import Oracle

AVRO: dict[str, Any] = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "l", "type": ["null", "long"]},
        {"name": "s", "type": ["string", "null"]},
        {"name": "b", "type": "boolean"},
        {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["x", "y"]}},
        {"name": "f", "type": ["null", "float"]},
        {"name": "d", "type": "double"},
        {"name": "t", "type": "string"},
        {"name": "i", "type": "int"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    ],
}
ROW: dict[str, Any] = {
    "l": -3,
    "s": "é",
    "b": True,
    "e": "y",
    "f": 0.5,
    "d": 2.0,
    "t": "tail",
    "i": 7,
    "day": date(1970, 1, 12),
}
HOME = {
    "type": "record",
    "name": "Home",
    "fields": [{"name": "city", "type": "string"}, {"name": "rooms", "type": {"type": "array", "items": "boolean"}}],
}
NESTED: dict[str, Any] = {
    "type": "record",
    "name": "n",
    "fields": [
        {"name": "raw", "type": "bytes"},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}},
        {"name": "home", "type": ["null", HOME]},
        {"name": "counts", "type": ["null", {"type": "map", "values": {"type": "array", "items": "int"}}]},
        {"name": "mark", "type": {"type": "fixed", "name": "Two", "size": 2}},
        {"name": "at", "type": ["null", {"type": "int", "logicalType": "time-millis"}]},
        {"name": "homes", "type": {"type": "array", "items": ["Home", "null"]}},
        {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 16, "logicalType": "uuid"}},
    ],
}
NESTED_ROW: dict[str, Any] = {
    "raw": b"\xff",
    "tags": ["a", None, "é"],
    "price": Decimal("-1.28"),
    "home": {"city": "Wien", "rooms": [True, False]},
    "counts": {"x": [1], "y": [2, 3], "z": []},
    "mark": b"ab",
    "at": time(1, 2, 3),
    "homes": [{"city": "", "rooms": []}, None],
    "id": "123e4567-e89b-12d3-a456-426614174000",
}
BOTH = pytest.mark.parametrize(("avro", "row"), [(AVRO, ROW), (NESTED, NESTED_ROW)], ids=["flat", "nested"])


def one(name: str, type_: Any = "string", **more: Any) -> Codec:
    return Codec({"type": "record", "name": "r", "fields": [{"name": name, "type": type_, **more}]})


def message(avro: dict[str, Any], row: dict[str, Any]) -> bytes:
    codec = Codec(avro)
    cells = [pa.array([row[f.name]], f.type.value_type if f.name in "set" else f.type) for f in codec.schema]
    return codec.encode(pa.RecordBatch.from_arrays(cells, codec.schema.names), 5).values()[0]


def rows_of(batch: pa.RecordBatch) -> str:
    """What a batch holds; of a key twice in a map the last counts, as it does to fastavro."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Encountered key")
        return repr(batch.to_pylist(maps_as_pydicts="lossy"))


@BOTH
@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.binary(max_size=60) | st.binary(max_size=60).map(lambda b: b"\0\0\0\0\5" + b), max_size=8))
@example(values=[b"\0\0\0\0\5\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"])  # a string of 2^63 - 1 bytes
@example(values=[b"\0\0\0\0\5\0\0\1"])  # a string of -1 bytes
@example(values=[b"\0\0\0\0\5\2" + b"\xff" * 30])  # an integer that does not end
@example(values=[b"\0\0\0\0\5\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"])  # a block of -2^63 items
@example(values=[b"\0\0\0\0\5\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"])  # a block of 2^63 - 1 items
@example(values=[b"", b"\0", b"\0\0\0\0\5"])
def test_garbage_is_listed_and_never_believed_where_fastavro_does_not(
    avro: dict[str, Any], row: dict[str, Any], values: list[bytes]
) -> None:
    Codec(avro).decode(values).batch.validate(full=True)
    decoded = Codec(avro).decode([*values, message(avro, row)])
    decoded.batch.validate(full=True)
    assert decoded.batch.num_rows + len(decoded.bad) == len(values) + 1
    good = [value for i, value in enumerate(values) if i not in decoded.bad.tolist()]
    oracle = Oracle(avro).decode([*good, message(avro, row)])
    assert oracle.bad.tolist() == []
    assert rows_of(oracle.batch) == rows_of(decoded.batch)


@BOTH
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_read_as_fastavro_reads_them_or_listed(
    avro: dict[str, Any], row: dict[str, Any], data: st.DataObject
) -> None:
    whole = message(avro, row)
    value = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(5, len(value) - 1))] = data.draw(st.integers(0, 255))
    decoded = Codec(avro).decode([whole, bytes(value)])
    decoded.batch.validate(full=True)
    if decoded.bad.tolist() == []:
        assert rows_of(Oracle(avro).decode([whole, bytes(value)]).batch) == rows_of(decoded.batch)
    else:
        assert decoded.bad.tolist() == [1]


@BOTH
def test_messages_cut_short_or_too_long_are_listed(avro: dict[str, Any], row: dict[str, Any]) -> None:
    whole = message(avro, row)
    values = [whole[:stop] for stop in range(len(whole))] + [whole, whole + b"\0", b"\1" + whole[1:], whole]
    decoded = Codec(avro).decode(values)
    good = [len(whole), len(whole) + 3]
    assert sorted(set(range(len(values))) - set(decoded.bad.tolist())) == good
    assert rows_of(decoded.batch) == repr([row, row])


def test_blocks_of_any_number_and_sign_make_one_array() -> None:
    codec = one("a", {"type": "array", "items": "long"})
    one_block, blocks = b"\x06\x02\x04\x06\x00", b"\x02\x02\x03\x04\x04\x06\x00"
    other_size = b"\x05\x7f\x02\x04\x06\x00"  # fastavro does not look at a block's size either
    decoded = codec.decode([one_block, blocks, other_size, b"\x00"], framed=False)
    assert decoded.batch.column(0).to_pylist() == [[1, 2, 3]] * 3 + [[]]


@pytest.mark.parametrize("value", [b"", b"\x02", b"\x02\x02", b"\x04\x02\x00", b"\x01\x00", b"\x02\x02\x00\x00"])
def test_arrays_that_do_not_end_where_they_should_are_listed(value: bytes) -> None:
    codec = one("a", {"type": "array", "items": "long"})
    decoded = codec.decode([value, b"\x02\x02\x00"], framed=False)
    assert decoded.bad.tolist() == [0]
    assert decoded.batch.column(0).to_pylist() == [[1]]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (b"\x00", 0),
        (b"\x04\xff\x80", -128),
        (b"\x02\x80", -128),
        (b"\x28" + b"\xff" * 20, -1),
        (b"\x28" + b"\0" * 19 + b"\7", 7),
    ],
)
def test_decimals_of_any_length_are_read(form: bytes, value: int) -> None:
    codec = one("a", {"type": "bytes", "logicalType": "decimal", "precision": 3})
    assert codec.decode([form], framed=False).batch.column(0).to_pylist() == [Decimal(value)]


@pytest.mark.parametrize("digits", [3, 38, 39, 76])
def test_decimals_beyond_their_digits_are_listed(digits: int) -> None:
    codec = one("a", {"type": "bytes", "logicalType": "decimal", "precision": digits})
    most = 10**digits - 1
    forms = [n.to_bytes(40, "big", signed=True) for n in (most, -most, most + 1, -most - 1, 2**319 - 1, -(2**319))]
    decoded = codec.decode([b"\x50" + form for form in forms], framed=False)
    assert decoded.bad.tolist() == [2, 3, 4, 5]
    assert decoded.batch.column(0).to_pylist() == [Decimal(most), Decimal(-most)]


def test_no_byte_of_a_broken_message_comes_out() -> None:
    codec = one("a")
    decoded = codec.decode([frame(1) + b"\x04no!", frame(1) + b"\x04ok"])
    column: Any = decoded.batch.column(0)
    assert column.dictionary.to_pylist() == ["ok"]


@pytest.mark.parametrize("text", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_strings_that_are_not_utf8_are_listed(text: bytes) -> None:
    assert one("a").decode([frame(1) + bytes([2 * len(text)]) + text]).bad.tolist() == [0]


def test_bounds_of_wire_types_are_kept_when_reading() -> None:
    batch = pa.record_batch({"a": [2**31 - 1, -(2**31), 2**31, -(2**31) - 1]})
    values = one("a", "long").encode(batch, 1).values()
    assert one("a", "int").decode(values).bad.tolist() == [2, 3]
    assert one("a", {"type": "int", "logicalType": "date"}).decode(values).bad.tolist() == [2, 3]
    assert one("a", {"type": "enum", "name": "e", "symbols": ["x"]}).decode(values).bad.tolist() == [0, 1, 2, 3]


def test_a_signalling_nan_is_read_in_silence() -> None:
    decoded = one("a", "float").decode([frame(1) + b"\x01\x00\xa0\x7f"])
    assert np.isnan(decoded.batch.column(0).to_numpy()).all()


def test_dictionaries_of_any_make_are_written_by_value() -> None:
    words = pa.array(["never used", "a", None, "b" * 300, ""])
    by_null_entry = pa.DictionaryArray.from_arrays(pa.array([1, 2, None, 3, 4], pa.int8()), words)
    entries = pa.array(["skipped", "a", "b" * 300, "", "never used"]).slice(1)
    by_slice = pa.DictionaryArray.from_arrays(pa.array([0, None, None, 1, 2]), entries)
    codec = one("a", ["null", "string"])
    expected = codec.encode(pa.record_batch({"a": ["a", None, None, "b" * 300, ""]}), 1).values()
    for column in (by_null_entry, by_slice):
        batch = pa.record_batch({"a": column})
        assert codec.encode(batch, 1).values() == expected
        assert codec.encode(batch.slice(2, 2), 1).values() == expected[2:4]


def test_the_bytes_of_a_dictionary_are_never_those_of_another() -> None:
    codec = one("a")
    for i in range(200):  # freed memory comes back: an address alone would mistake one for another
        words = pa.array([f"{i}", f"{i + 1}"])
        batch = pa.record_batch({"a": pa.DictionaryArray.from_arrays(pa.array([1, 0]), words)})
        texts = [value[6:].decode() for value in codec.encode(batch, 1).values()]
        assert texts == [f"{i + 1}", f"{i}"]


def test_a_large_dictionary_comes_back_whole() -> None:
    words = [f"word {i * 7919 % 2_003:07d}" for i in range(2_003)] + ["", "x" * 10_000]
    codec = one("a")
    decoded = codec.decode(codec.encode(pa.record_batch({"a": words * 2}), 1).values())
    column: Any = decoded.batch.column(0)
    assert column.to_pylist() == words * 2
    assert column.dictionary.to_pylist() == words


def test_codes_outside_their_dictionary_are_refused() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 5]), pa.array(["a"]), safe=False)
    with pytest.raises(InputError, match="column 'a', row 1: code 5 names no entry"):
        one("a").encode(pa.record_batch({"a": column}), 1)


@pytest.mark.parametrize("column", [["x", "q"], pa.array(["q", "x", "q"]).dictionary_encode().slice(1)])
def test_an_unknown_symbol_is_named_with_its_row(column: Any) -> None:
    codec = one("a", {"type": "enum", "name": "e", "symbols": ["x", "y"]})
    with pytest.raises(InputError, match="column 'a', row 1: 'q' is no symbol of the Avro enum 'a'; expected one of x"):
        codec.encode(pa.record_batch({"a": column}), 1)


def test_an_unknown_symbol_that_no_row_holds_is_no_fault() -> None:
    codec = one("a", {"type": "enum", "name": "e", "symbols": ["x", "y"]})
    column = pa.DictionaryArray.from_arrays(pa.array([1, 1]), pa.array(["q", "y"]))
    assert codec.encode(pa.record_batch({"a": column}), 1).values() == [frame(1) + b"\x02"] * 2


@pytest.mark.parametrize("type_", ["long", "string", "double", "boolean", {"type": "int", "logicalType": "date"}])
def test_columns_of_nulls_are_written_whatever_their_type(type_: Any) -> None:
    codec = one("a", ["null", type_])
    messages = codec.encode(pa.record_batch({"a": pa.nulls(3)}), 1)
    assert messages.values() == [frame(1) + b"\0"] * 3
    decoded = codec.decode(messages.values())
    assert decoded.batch.to_pylist() == [{"a": None}] * 3


def test_missing_columns_take_their_default_and_others_are_left_out() -> None:
    avro = {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "a", "type": "long"},
            {"name": "b", "type": ["null", "string"], "default": None},
            {"name": "c", "type": "string", "default": "c"},
            {"name": "d", "type": {"type": "int", "logicalType": "date"}, "default": 3},
            {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["x", "y"]}, "default": "y"},
        ],
    }
    cells: Any = {"extra": [0.5], "a": [1]}
    batch = pa.record_batch(cells)
    assert Codec(avro).encode(batch, 1).values() == Oracle(avro).encode(batch, 1)


def test_a_column_twice_is_refused() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["x"])] * 2, ["a", "a"])
    with pytest.raises(InputError, match="appears 2 times"):
        one("a").encode(batch, 1)


def test_a_field_is_written_from_the_column_it_names() -> None:
    codec = one("a_b", "long", column="a b")
    decoded = codec.decode(codec.encode(pa.record_batch({"a b": [4]}), 1).values())
    assert decoded.batch.to_pylist() == [{"a b": 4}]


def test_more_bytes_than_arrow_can_address_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DECODED_BYTES", 11)
    with pytest.raises(InputError, match="12 bytes at once; decode at most 11"):
        one("a").decode([b"123456"] * 2)


def test_offsets_lie_one_behind_the_other() -> None:
    messages = one("a").encode(pa.record_batch({"a": ["", "a", "bb"]}), 1)
    assert [stop - start for start, stop in pairwise(messages.offsets.tolist())] == [6, 7, 8]
