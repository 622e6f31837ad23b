"""Parts write as many bytes as they measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.avro_fields import Field
from schemas.encode_columns import ColumnEncoder

ITEM = Field("i", "f.i", "string", null_index=1)
COLUMNS = [
    (Field("f", "f", "long", null_index=0), pa.array([1, None, -(2**63)])),
    (Field("f", "f", "float", null_index=1), pa.array([0.5, None, 1.0])),
    (Field("f", "f", "boolean", null_index=1), pa.array([True, None, False])),
    (Field("f", "f", "string", null_index=0), pa.array(["", None, "é" * 70])),
    (Field("f", "f", "string", null_index=0), pa.array(["a", None, "b"]).dictionary_encode()),
    (Field("f", "f", "enum", null_index=1, symbols=("x", "y")), pa.array(["y", None, "x"])),
    (Field("f", "f", "bytes", null_index=0), pa.array([b"", None, b"ab"])),
    (Field("f", "f", "fixed", null_index=0, size=2), pa.array([b"ab", None, b"cd"], pa.binary(2))),
    (Field("f", "f", "bytes", "decimal", null_index=0, digits=(3, 1)), pa.array([1, None, 99], pa.decimal128(3, 1))),
    (Field("f", "f", "array", null_index=0, inner=(ITEM,)), pa.array([["a", None], None, []])),
    (Field("f", "f", "record", null_index=0, inner=(ITEM,)), pa.array([{"i": "a"}, None, {"i": None}])),
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
