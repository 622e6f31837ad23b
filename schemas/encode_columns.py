"""Arrow columns made ready for the encoding kernels: checked against their Avro field, and seen as plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas import encode_kernels as kernels
from schemas.arrow_views import Array, Longs, bits_of, bytes_of, frozen, numbers, same_memory, starts_of, values_of
from schemas.avro_fields import Field
from schemas.encode_parts import (
    Decimals,
    Entries,
    Fixed,
    Integers,
    Lists,
    Nulls,
    Part,
    Spans,
    Structs,
    Table,
    Words,
    outer_rows,
)
from schemas.errors import InputError
from schemas.uuids import uuid_bytes
from schemas.wire_types import cast, check_int, check_nulls, check_type, default_array, float_bits


class ColumnEncoder:
    """Makes columns of one Avro field ready, remembering the bytes of the last dictionary it met.

    Args:
        field: the field.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self._inner = tuple(map(ColumnEncoder, field.inner))
        self._symbols = {symbol: _varint(i) for i, symbol in enumerate(field.symbols)}
        self._known: tuple[Array, Table] | None = None

    def part(self, array: Array) -> Part:
        """Make a column ready.

        Args:
            array: the column's values, of a type that suits the field, sliced or not.

        Raises:
            InputError: the type or a value does not fit the field; column, row and value are named.
        """
        field = self.field
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        if pa.types.is_null(array.type):
            kind: Any = field.arrow_type
            array = pa.nulls(len(array), kind)
        if isinstance(array, pa.DictionaryArray):
            check_type(field, array.type.value_type)
            if array.dictionary.null_count or field.type not in ("string", "enum"):
                array = array.dictionary_decode()
        check_nulls(field, array)
        try:
            return self._ready(array)
        except pa.ArrowNotImplementedError as error:  # some types Arrow itself can do little with, views above all
            raise InputError(f"column {field.column!r}: {error}; cast it to {field.arrow_type}") from None

    def _ready(self, array: Array) -> Part:
        field = self.field
        match field.type:
            case "record":
                return self._structs(array)
            case "array" | "map":
                return self._lists(array)
            case "enum" if not isinstance(array, pa.DictionaryArray):
                array = cast(field, array).dictionary_encode()
        if isinstance(array, pa.DictionaryArray):
            return self._entries(array)
        return _plain(field, array)

    def _entries(self, array: Array) -> Entries:
        indices = array.indices
        if indices.type != pa.int32():
            indices = indices.cast(pa.int32())
        dictionary, known = array.dictionary, self._known
        # Holding the dictionary keeps its buffers alive, so their addresses stay its own.
        if known is None or not same_memory(known[0], dictionary):
            known = self._known = (dictionary, self._table(dictionary))
        return Entries(values_of(indices, np.int32), known[1], Nulls.of(self.field, indices), self.field, array)

    def _table(self, dictionary: Array) -> Table:
        if self.field.type == "enum":
            forms = [self._symbols.get(symbol, b"") for symbol in dictionary.to_pylist()]
            return Table(starts_of([len(form) for form in forms]), bytes_of(b"".join(forms)))
        strings = Spans.of(dictionary.cast(pa.string()), Nulls(bytes_of(None), -1))
        sizes = np.zeros(len(dictionary), np.int64)
        strings.measure(sizes)
        starts = starts_of(sizes)
        data = np.empty(starts[-1], np.uint8)
        strings.write(starts[:-1].copy(), data)
        return Table(starts, frozen(data))

    def _structs(self, array: Array) -> Structs:
        check_type(self.field, array.type)
        nulls, rows = Nulls.of(self.field, array), None
        if array.null_count:
            rows = np.flatnonzero(nulls.present)
            array = array.drop_null()
        with outer_rows(rows):
            parts = tuple(encoder.part(_child(array, encoder.field)) for encoder in self._inner)
        return Structs(parts, rows, nulls)

    def _lists(self, array: Array) -> Lists:
        check_type(self.field, array.type)
        if pa.types.is_map(array.type):
            array = _as_list(array)
        counts = pc.list_value_length(array).fill_null(0).to_numpy()
        with outer_rows(np.repeat(np.arange(len(array)), counts)):
            items = self._inner[0].part(array.flatten())
            return Lists.of(starts_of(counts), items, Nulls.of(self.field, array))


def _plain(field: Field, array: Array) -> Part:
    nulls = Nulls.of(field, array)
    if field.logical == "uuid":
        return Fixed(uuid_bytes(field, array), field.size, nulls)
    array = cast(field, array)
    match field.label:
        case "string" | "bytes":
            return Spans.of(array, nulls)
        case "boolean" | "float" | "double":
            bits = field.label == "boolean"
            return Words(bits_of(array.buffers()[1], array) if bits else float_bits(field, array), nulls)
        case "decimal":
            return Decimals(_rows(array, np.uint64), field.size, nulls)
        case "fixed":
            return Fixed(_rows(array, np.uint8).reshape(-1), field.size, nulls)
    return Integers(_longs(field, array), nulls)


def _rows(array: Array, dtype: Any) -> npt.NDArray[Any]:
    """The parts of values of a fixed size, shape (rows, parts)."""
    parts = array.type.byte_width // np.dtype(dtype).itemsize
    return numbers(array.buffers()[1], dtype, array.offset * parts, len(array) * parts).reshape(-1, parts)


def _longs(field: Field, array: Array) -> Longs:
    if array.type.bit_width == 32:
        return frozen(values_of(array, np.int32).astype(np.int64))
    if field.label == "int":
        check_int(field, array)
    return values_of(array, np.int64)


def _child(array: Array, field: Field) -> Array:
    index = array.type.get_field_index(field.name)
    return default_array(field, len(array)) if index < 0 else array.field(index)


def _as_list(array: Array) -> Array:
    """A map as the list of its entries, which it is."""
    entries = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
    kind: Any = pa.list_(entries.type)
    return pa.Array.from_buffers(kind, len(array), array.buffers()[:2], offset=array.offset, children=[entries])


def _varint(value: int) -> bytes:
    out = np.zeros(10, np.uint8)
    return out[: kernels.put_long(out, 0, np.int64(value))].tobytes()
