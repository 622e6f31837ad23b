"""Arrow columns out of the decoding kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import decode_kernels as kernels
from schemas import span_kernels
from schemas.arrow_views import Array, frozen, starts_of
from schemas.avro_fields import Field
from schemas.decode_kernels import BLOCKS, BROKEN, NEXT, SPAN, VALUE, VARINT, Bytes, Longs
from schemas.uuids import NIL, uuid_texts
from schemas.wire_types import INT_HIGH, INT_LOW

LONG_BOUNDS = np.array([-(2**63), 2**63 - 1])
BOUNDS = {
    "int": np.array([INT_LOW, INT_HIGH]),
    "date": np.array([INT_LOW, INT_HIGH]),
    "time-millis": np.array([0, 86_400_000 - 1]),
    "time-micros": np.array([0, 86_400_000_000 - 1]),
}
"""What integers may be, both included, by a field's label; others fill 64 bits."""

WIDTHS = {"boolean": 1, "float": 4, "double": 8}


@dataclass(frozen=True)
class Records:
    """Records being read field by field; items of an array or a map are such records too.

    Args:
        data: the bytes of all records, shape (bytes,).
        cursor: where each record goes on, or `BROKEN`, shape (rows,); moved along.
        ends: where each record ends, shape (rows,).
    """

    data: Bytes
    cursor: Longs
    ends: Longs

    def empty(self, dtype: Any, *more: int) -> npt.NDArray[Any]:
        """Zeros for what is read of each record, shape (rows, *more)."""
        return np.zeros((len(self.cursor), *more), dtype)


def decoded_type(field: Field) -> pa.DataType:
    """The Arrow type a field of the outermost record is decoded to: strings and enums come out as dictionaries."""
    if field.type in ("string", "enum"):
        return pa.dictionary(pa.int32(), pa.string())
    return field.arrow_type


class ColumnDecoder:
    """Reads one field of every record.

    Args:
        field: the field.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self._null_index = -1 if field.null_index is None else field.null_index
        self._inner = tuple(map(ColumnDecoder, field.inner))
        self._symbols = pa.array(field.symbols, pa.string())
        if field.type in ("array", "map"):
            self._steps = np.array(steps(field.inner[0]), np.int64)
            self._depth = _depth(field.inner[0])

    def read(self, records: Records) -> Array:
        """Read the field, as its `arrow_type` or as a dictionary of it.

        Args:
            records: its cursors are moved behind the field; what could not be read is marked broken, and the column
                then holds something that means nothing.
        """
        return READERS.get(self.field.type, ColumnDecoder._numbers)(self, records)

    def plain(self, records: Records) -> Array:
        """Read the field as its `arrow_type`."""
        if self.field.type == "string":
            spans, present = self._spans(records, -1)
            span_kernels.check_texts(records.data, spans, records.cursor)
            return self._variable(records, spans, present)
        array = self.read(records)
        return array.dictionary_decode() if self.field.type == "enum" else array

    def _filled(self, kernel: Callable[..., Any], records: Records, dtype: Any) -> tuple[npt.NDArray[Any], Bytes]:
        values, present = records.empty(dtype), records.empty(np.uint8)
        kernel(records.data, records.cursor, records.ends, self._null_index, values, present)
        return values, present

    def _numbers(self, records: Records) -> Array:
        kind = self.field.arrow_type
        values, present = self._integers(records, BOUNDS.get(self.field.label, LONG_BOUNDS))
        narrow = pa.types.is_date(kind) or pa.types.is_time32(kind)
        return self._array(present, values.astype(np.int32) if narrow else values)

    def _enums(self, records: Records) -> Array:
        codes, present = self._integers(records, np.array([0, len(self._symbols) - 1]))
        return self._dictionary(present, codes.astype(np.int32), self._symbols)

    def _booleans(self, records: Records) -> Array:
        flags, present = self._filled(kernels.read_booleans, records, np.uint8)
        return self._array(present, np.packbits(flags, bitorder="little"))

    def _integers(self, records: Records, bounds: Longs) -> tuple[Longs, Bytes]:
        values, present = records.empty(np.int64), records.empty(np.uint8)
        kernels.read_longs(records.data, records.cursor, records.ends, self._null_index, bounds, values, present)
        return values, present

    def _floats(self, records: Records) -> Array:
        small = self.field.type == "float"
        words, present = self._filled(kernels.read_words, records, np.uint32 if small else np.uint64)
        with np.errstate(invalid="ignore"):  # a signalling NaN, from bytes that are anything
            values = words.view(np.float32).astype(np.float64) if small else words.view(np.float64)
        return self._array(present, values)

    def _spans(self, records: Records, width: int) -> tuple[Longs, Bytes]:
        spans, present = np.zeros((2, len(records.cursor)), np.int64), records.empty(np.uint8)
        kernels.read_spans(records.data, records.cursor, records.ends, self._null_index, width, spans, present)
        return spans, present

    def _texts(self, records: Records) -> Array:
        (spans, present), codes = self._spans(records, -1), records.empty(np.int32)
        found = span_kernels.number_texts(records.data, spans, present, records.cursor, codes)
        entries = _array(pa.string(), found.shape[1], None, *span_kernels.gather(records.data, found))
        return self._dictionary(present, codes, entries)

    def _bytes(self, records: Records) -> Array:
        field = self.field
        spans, present = self._spans(records, field.size if field.type == "fixed" else -1)
        if field.logical == "decimal":
            return self._decimals(records, spans, present)
        if field.type == "bytes":
            return self._variable(records, spans, present)
        _, data = span_kernels.gather(records.data, spans)
        values = records.empty(np.uint8, field.size)
        values[present == 1] = data.reshape(-1, field.size)
        if field.logical != "uuid":
            return self._array(present, values)
        ends: Any = np.arange(len(present) + 1, dtype=np.int32) * len(NIL)
        return self._array(present, ends, uuid_texts(values.reshape(-1)))

    def _variable(self, records: Records, spans: Longs, present: Bytes) -> Array:
        return self._array(present, *span_kernels.gather(records.data, spans))

    def _decimals(self, records: Records, spans: Longs, present: Bytes) -> Array:
        kind: Any = self.field.arrow_type
        values = records.empty(np.uint64, kind.byte_width // 8)
        limit = np.frombuffer((10**kind.precision).to_bytes(kind.byte_width, "little"), np.uint64)
        kernels.read_decimals(records.data, spans, limit, present, records.cursor, values)
        return self._array(present, values)

    def _lists(self, records: Records) -> Array:
        counts, present = records.empty(np.int64), records.empty(np.uint8)
        spans = kernels.read_blocks(
            (records.data, records.cursor, records.ends), self._null_index, self._steps, self._depth, counts, present
        )
        starts, ends = np.ascontiguousarray(spans.T)
        items = self._inner[0].plain(Records(records.data, starts, frozen(ends)))
        records.cursor[np.repeat(np.arange(len(counts)), counts)[starts != ends]] = BROKEN
        offsets = starts_of(counts).astype(np.int32)
        return self._array(present, offsets, children=[items])

    def _structs(self, records: Records) -> Array:
        present = np.ones(len(records.cursor), np.uint8)
        if self._null_index < 0:
            return self._array(present, children=[field.plain(records) for field in self._inner])
        present[:] = 0
        kernels.read_branches(records.data, records.cursor, records.ends, self._null_index, present)
        rows = np.flatnonzero(present)
        within = Records(records.data, records.cursor[rows], frozen(records.ends[rows]))
        parts = [field.plain(within) for field in self._inner]
        records.cursor[rows] = within.cursor
        if len(rows) < len(present):
            spread = pa.array(np.cumsum(present) - 1, mask=present == 0)
            parts = [part.take(spread) for part in parts]
        return self._array(present, children=parts)

    def _array(self, present: Bytes, *parts: Any, children: list[Array] | None = None) -> Array:
        """The column from its buffers; no null where none may be, though the record be broken: Arrow takes it ill."""
        nulls = None if self._null_index < 0 else present
        return _array(self.field.arrow_type, len(present), nulls, *parts, children=children)

    def _dictionary(self, present: Bytes, codes: npt.NDArray[np.int32], entries: Array) -> Array:
        indices = _array(pa.int32(), len(codes), None if self._null_index < 0 else present, codes)
        return pa.DictionaryArray.from_arrays(indices, entries, safe=False)  # codes are ours: every one names an entry


READERS: Mapping[str, Callable[[ColumnDecoder, Records], Array]] = {
    "string": ColumnDecoder._texts,
    "enum": ColumnDecoder._enums,
    "boolean": ColumnDecoder._booleans,
    "float": ColumnDecoder._floats,
    "double": ColumnDecoder._floats,
    "bytes": ColumnDecoder._bytes,
    "fixed": ColumnDecoder._bytes,
    "array": ColumnDecoder._lists,
    "map": ColumnDecoder._lists,
    "record": ColumnDecoder._structs,
}
"""How each type is read; others are whole numbers."""


def steps(field: Field, at: int = 0) -> list[tuple[int, int, int, int]]:
    """What a value is made of, from step `at` on, as `schemas.decode_kernels.skip_value` takes it."""
    null_index = -1 if field.null_index is None else field.null_index
    inner: list[tuple[int, int, int, int]] = []
    for part in field.inner:
        inner += steps(part, at + 1 + len(inner))
    behind = at + 1 + len(inner)
    match field.type:
        case "record":
            return [(VALUE, 0, null_index, behind), *inner]
        case "array" | "map":
            return [(BLOCKS, 0, null_index, behind + 1), *inner, (NEXT, at, -1, behind + 1)]
        case "int" | "long" | "enum":
            return [(VARINT, 0, null_index, behind)]
        case "fixed":
            return [(SPAN, field.size, null_index, behind)]
        case type_:
            return [(SPAN, WIDTHS.get(type_, -1), null_index, behind)]


def _depth(field: Field) -> int:
    return (field.type in ("array", "map")) + max(map(_depth, field.inner), default=0)


def _array(
    kind: pa.DataType, rows: int, present: Bytes | None, *parts: Any, children: list[Array] | None = None
) -> Array:
    bitmap = None if present is None or present.all() else pa.py_buffer(np.packbits(present, bitorder="little").data)
    return pa.Array.from_buffers(kind, rows, [bitmap, *map(pa.py_buffer, parts)], children=children)
