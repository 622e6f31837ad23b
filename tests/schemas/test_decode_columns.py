"""What is read has the type its field promises, nulls and broken records included."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from schemas.avro import Field
from schemas.decode_columns import Records, decoded_type, read_column

FIELDS = [
    (Field("f", "f", "long", null_index=0), b"\x03", -2),
    (Field("f", "f", "int", "date", null_index=0), b"\x00", 0),
    (Field("f", "f", "float", null_index=0), b"\x00\x00\x00\xc0", -2.0),
    (Field("f", "f", "double", null_index=0), b"\x00\x00\x00\x00\x00\x00\x00\xc0", -2.0),
    (Field("f", "f", "boolean", null_index=0), b"\x01", True),
    (Field("f", "f", "string", null_index=0), b"\x04ab", "ab"),
    (Field("f", "f", "enum", null_index=0, symbols=("x", "y")), b"\x02", "y"),
]


@pytest.mark.parametrize(("field", "form", "value"), FIELDS)
def test_values_nulls_and_broken_records(field: Field, form: bytes, value: object) -> None:
    forms = [b"\x02" + form, b"\x00", b"\x02" + form[:-1], b"\x04" + form]
    ends = np.cumsum([len(f) for f in forms]).astype(np.int64)
    cursor = ends - np.array([len(f) for f in forms])
    column = read_column(field, Records(np.frombuffer(b"".join(forms), np.uint8), cursor, ends))
    assert column.type == decoded_type(field)
    assert (cursor == ends).tolist() == [True, True, False, False]
    plain = column.cast(pa.int32()) if field.logical else column
    assert plain.slice(0, 2).to_pylist() == [value, None]
