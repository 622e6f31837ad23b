"""Arrow columns out of the decoding kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import decode_kernels as kernels
from schemas.arrow_views import Array
from schemas.avro import Field
from schemas.decode_kernels import Bytes, Longs
from schemas.wire_types import INT_HIGH, INT_LOW

LONG_BOUNDS = np.array([-(2**63), 2**63 - 1])
INT_BOUNDS = np.array([INT_LOW, INT_HIGH])


@dataclass(frozen=True)
class Records:
    """Records being read field by field.

    Args:
        data: the bytes of all records, shape (bytes,).
        cursor: where each record goes on, or `BROKEN`, shape (rows,); moved along.
        ends: where each record ends, shape (rows,).
    """

    data: Bytes
    cursor: Longs
    ends: Longs


def decoded_type(field: Field) -> pa.DataType:
    """The Arrow type a field is decoded to: strings and enums come out as dictionaries."""
    if field.type in ("string", "enum"):
        return pa.dictionary(pa.int32(), pa.string())
    return field.arrow_type


def read_column(field: Field, records: Records) -> Array:
    """Read one field of every record.

    Args:
        field: the field.
        records: its cursors are moved behind the field; what could not be read is marked broken, and the column
            then holds a zero or a null that means nothing.
    """
    match field.type:
        case "string":
            return _strings(field, records)
        case "enum":
            bounds = np.array([0, len(field.symbols) - 1])
            codes, present = _integers(field, records, bounds)
            return _dictionary(codes.astype(np.int32), present, pa.array(field.symbols, pa.string()))
        case "boolean":
            flags, present = _empty(np.uint8, records), _empty(np.uint8, records)
            kernels.read_booleans(records.data, records.cursor, records.ends, _null_index(field), flags, present)
            return _array(field.arrow_type, np.packbits(flags, bitorder="little"), present)
        case "float" | "double":
            return _floats(field, records)
    bounds = INT_BOUNDS if field.type == "int" else LONG_BOUNDS
    values, present = _integers(field, records, bounds)
    return _array(field.arrow_type, values.astype(np.int32) if field.logical == "date" else values, present)


def _integers(field: Field, records: Records, bounds: Longs) -> tuple[Longs, Bytes]:
    values, present = _empty(np.int64, records), _empty(np.uint8, records)
    kernels.read_longs(records.data, records.cursor, records.ends, _null_index(field), bounds, values, present)
    return values, present


def _floats(field: Field, records: Records) -> Array:
    small = field.type == "float"
    words, present = _empty(np.uint32 if small else np.uint64, records), _empty(np.uint8, records)
    kernels.read_words(records.data, records.cursor, records.ends, _null_index(field), words, present)
    with np.errstate(invalid="ignore"):  # a signalling NaN, from bytes that are anything
        values = words.view(np.float32).astype(np.float64) if small else words.view(np.float64)
    return _array(field.arrow_type, values, present)


def _strings(field: Field, records: Records) -> Array:
    codes, present = _empty(np.int32, records), _empty(np.uint8, records)
    found = kernels.read_strings(records.data, records.cursor, records.ends, _null_index(field), codes, present)
    starts, lengths = np.ascontiguousarray(found[:, 0]), found[:, 1]
    offsets: Any = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    data: Any = np.empty(offsets[-1], np.uint8)
    kernels.gather(records.data, starts, offsets, data)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return _dictionary(codes, present, pa.Array.from_buffers(pa.string(), len(starts), buffers))


def _dictionary(codes: npt.NDArray[np.int32], present: Bytes, entries: Array) -> Array:
    indices = _array(pa.int32(), codes, present)
    return pa.DictionaryArray.from_arrays(indices, entries, safe=False)  # codes are ours: every one names an entry


def _array(kind: pa.DataType, values: Any, present: Bytes) -> Array:
    bits: Any = None if present.all() else np.packbits(present, bitorder="little")
    bitmap = None if bits is None else pa.py_buffer(bits)
    return pa.Array.from_buffers(kind, len(present), [bitmap, pa.py_buffer(values)])


def _empty(dtype: type[np.generic], records: Records) -> npt.NDArray[Any]:
    return np.zeros(len(records.cursor), dtype)


def _null_index(field: Field) -> int:
    return -1 if field.null_index is None else field.null_index
