"""Arrow columns made ready for the encoding kernels: checked against their Avro field, and seen as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import encode_kernels as kernels
from schemas.arrow_views import (
    Array,
    Bytes,
    Longs,
    bits_of,
    bytes_of,
    frozen,
    offsets_of,
    present_of,
    same_memory,
    starts_of,
    values_of,
)
from schemas.avro import Field
from schemas.errors import InputError
from schemas.wire_types import cast, check_int, check_nulls, check_type, float_bits, where


class Part(Protocol):
    """One column, ready to be written."""

    def measure(self, sizes: Longs) -> None:
        """Add the bytes of each row to `sizes`, shape (rows,).

        Raises:
            InputError: a value can not be written.
        """

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write each row into `out`, shape (bytes,), at its cursor, shape (rows,), and move the cursor behind it."""


@dataclass(frozen=True)
class Nulls:
    """Where a column is null, as `schemas.encode_kernels` takes it."""

    present: Bytes
    null_index: int

    @classmethod
    def of(cls, field: Field, array: Array) -> Nulls:
        """The nulls of a column under its field."""
        return cls(present_of(array), -1 if field.null_index is None else field.null_index)


@dataclass(frozen=True)
class Integers:
    """Integers, dates and timestamps: `values` has shape (rows,)."""

    values: Longs
    nulls: Nulls

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        kernels.measure_longs(self.values, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        kernels.write_longs(self.values, self.nulls.present, self.nulls.null_index, cursor, out)


@dataclass(frozen=True)
class Words:
    """Values of fixed width: booleans as bytes, floats and doubles as their bits; `words` has shape (rows,)."""

    words: npt.NDArray[Any]
    nulls: Nulls

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        kernels.measure_fixed(self.words.itemsize, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        kernels.write_words(self.words, self.nulls.present, self.nulls.null_index, cursor, out)


@dataclass(frozen=True)
class Strings:
    """Strings that lie in `data`, shape (bytes,), between `offsets`, shape (rows + 1,)."""

    offsets: Longs
    data: Bytes
    nulls: Nulls

    @classmethod
    def of(cls, array: Array, nulls: Nulls) -> Strings:
        """The strings of a plain string array."""
        return cls(offsets_of(array), bytes_of(array.buffers()[2]), nulls)

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        kernels.measure_strings(self.offsets, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        kernels.write_strings(self.offsets, self.data, self.nulls.present, self.nulls.null_index, cursor, out)


@dataclass(frozen=True)
class Table:
    """The ready bytes of every entry of a dictionary: `data[starts[i]:starts[i + 1]]`, empty where there is no form."""

    starts: Longs
    data: Bytes


@dataclass(frozen=True)
class Entries:
    """Entries of a dictionary by `codes`, shape (rows,); `field` and `array` say which value has no form."""

    codes: npt.NDArray[np.int32]
    table: Table
    nulls: Nulls
    field: Field
    array: Array

    def measure(self, sizes: Longs) -> None:
        """Add up sizes.

        Raises:
            InputError: a value is no symbol of the enum, or a code no entry of the dictionary.
        """
        nulls = self.nulls
        row = kernels.measure_entries(self.codes, self.table.starts, nulls.present, nulls.null_index, sizes)
        if row < 0:
            return
        code = int(self.codes[row])
        if not 0 <= code < len(self.array.dictionary):
            raise InputError(f"{where(self.field, row)}: code {code} names no entry of the column's dictionary")
        raise InputError(
            f"{where(self.field, row)}: {self.array.dictionary[code].as_py()!r} is no symbol of the Avro enum "
            f"{self.field.name!r}; expected one of {', '.join(self.field.symbols[:10])}"
        )

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        nulls = self.nulls
        kernels.write_entries(
            self.codes, self.table.starts, self.table.data, nulls.present, nulls.null_index, cursor, out
        )


class ColumnEncoder:
    """Makes columns of one Avro field ready, remembering the bytes of the last dictionary it met.

    Args:
        field: the field.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
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
        if pa.types.is_null(array.type):
            kind: Any = field.arrow_type
            array = pa.nulls(len(array), kind)
        if isinstance(array, pa.DictionaryArray):
            check_type(field, array.type.value_type)
            if array.dictionary.null_count or field.type not in ("string", "enum"):
                array = array.dictionary_decode()
        check_nulls(field, array)
        if field.type == "enum" and not isinstance(array, pa.DictionaryArray):
            array = cast(field, array).dictionary_encode()
        if isinstance(array, pa.DictionaryArray):
            return self._entries(array)
        return _plain(field, cast(field, array))

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
        strings = Strings.of(dictionary.cast(pa.string()), Nulls(bytes_of(None), -1))
        sizes = np.zeros(len(dictionary), np.int64)
        strings.measure(sizes)
        starts = starts_of(sizes)
        data = np.empty(starts[-1], np.uint8)
        strings.write(starts[:-1].copy(), data)
        return Table(starts, frozen(data))


def _plain(field: Field, array: Array) -> Part:
    nulls = Nulls.of(field, array)
    match field.type:
        case "string":
            return Strings.of(array, nulls)
        case "boolean":
            return Words(bits_of(array.buffers()[1], array), nulls)
        case "float" | "double":
            return Words(float_bits(field, array), nulls)
    if field.logical == "date":
        return Integers(frozen(values_of(array, np.int32).astype(np.int64)), nulls)
    if field.type == "int":
        check_int(field, array)
    return Integers(values_of(array, np.int64), nulls)


def _varint(value: int) -> bytes:
    out = np.zeros(10, np.uint8)
    return out[: kernels.put_long(out, 0, np.int64(value))].tobytes()
