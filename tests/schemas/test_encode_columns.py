"""Columns made ready measure what they write, and a dictionary's bytes are made once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.avro import Field
from schemas.encode_columns import ColumnEncoder, Entries

COLUMNS = [
    (Field("f", "f", "long", null_index=0), pa.array([1, None, -(2**63)])),
    (Field("f", "f", "float", null_index=1), pa.array([0.5, None, 1.0])),
    (Field("f", "f", "boolean", null_index=1), pa.array([True, None, False])),
    (Field("f", "f", "string", null_index=0), pa.array(["", None, "é" * 70])),
    (Field("f", "f", "string", null_index=0), pa.array(["a", None, "b"]).dictionary_encode()),
    (Field("f", "f", "enum", null_index=1, symbols=("x", "y")), pa.array(["y", None, "x"])),
]


@pytest.mark.parametrize(("field", "array"), COLUMNS)
def test_a_part_writes_as_many_bytes_as_it_measured(field: Field, array: Any) -> None:
    part = ColumnEncoder(field).part(array)
    sizes = np.zeros(3, np.int64)
    part.measure(sizes)
    cursor = np.cumsum(sizes) - sizes
    ends = cursor + sizes
    part.write(cursor, np.zeros(sizes.sum(), np.uint8))
    assert cursor.tolist() == ends.tolist()


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
