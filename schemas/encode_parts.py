"""What the encoding kernels write: columns that were checked against their Avro field, seen as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from schemas import encode_kernels as kernels
from schemas.arrow_views import Array, Bytes, Longs, bytes_of, offsets_of, present_of, starts_of
from schemas.avro_fields import Field
from schemas.wire_types import Misfit


class Part(Protocol):
    """One column, ready to be written."""

    def measure(self, sizes: Longs) -> None:
        """Add the bytes of each row to `sizes`, shape (rows,).

        Raises:
            Misfit: a value can not be written.
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
    """Integers, dates, times and timestamps: `values` has shape (rows,)."""

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
class Spans:
    """Strings or bytes that lie in `data`, shape (bytes,), between `offsets`, shape (rows + 1,)."""

    offsets: Longs
    data: Bytes
    nulls: Nulls

    @classmethod
    def of(cls, array: Array, nulls: Nulls) -> Spans:
        """The values of a plain array of strings or bytes."""
        return cls(offsets_of(array), bytes_of(array.buffers()[2]), nulls)

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        kernels.measure_spans(self.offsets, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        kernels.write_spans(self.offsets, self.data, self.nulls.present, self.nulls.null_index, cursor, out)


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
            Misfit: a value is no symbol of the enum, or a code no entry of the dictionary.
        """
        nulls = self.nulls
        row = kernels.measure_entries(self.codes, self.table.starts, nulls.present, nulls.null_index, sizes)
        if row < 0:
            return
        code = int(self.codes[row])
        if not 0 <= code < len(self.array.dictionary):
            raise Misfit(self.field, row, f"code {code} names no entry of the column's dictionary")
        raise Misfit(
            self.field,
            row,
            f"{self.array.dictionary[code].as_py()!r} is no symbol of the Avro enum {self.field.name!r}; "
            f"expected one of {', '.join(self.field.symbols[:10])}",
        )

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        nulls = self.nulls
        kernels.write_entries(
            self.codes, self.table.starts, self.table.data, nulls.present, nulls.null_index, cursor, out
        )


@dataclass(frozen=True)
class Fixed:
    """Values of `width` bytes that lie one behind the other in `data`, shape (rows * width,)."""

    data: Bytes
    width: int
    nulls: Nulls

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        kernels.measure_fixed(self.width, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        kernels.write_fixed(self.data, self.width, self.nulls.present, self.nulls.null_index, cursor, out)


@dataclass(frozen=True)
class Decimals:
    """Unscaled decimals in `words`, lowest first, shape (rows, words); over a fixed of `size` bytes, or bytes if 0."""

    words: npt.NDArray[np.uint64]
    size: int
    nulls: Nulls

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        if self.size:
            kernels.measure_fixed(self.size, self.nulls.present, self.nulls.null_index, sizes)
        else:
            kernels.measure_decimals(self.words, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        kernels.write_decimals(self.words, self.size, self.nulls.present, self.nulls.null_index, cursor, out)


@dataclass(frozen=True)
class Structs:
    """Records within records.

    Args:
        parts: their fields.
        rows: which rows have one, shape (records,); None when all have.
        nulls: the others.
    """

    parts: tuple[Part, ...]
    rows: Longs | None
    nulls: Nulls

    def measure(self, sizes: Longs) -> None:
        """Add up sizes.

        Raises:
            Misfit: a value within can not be written.
        """
        if self.nulls.null_index >= 0:
            kernels.measure_fixed(0, self.nulls.present, self.nulls.null_index, sizes)
        inner = sizes if self.rows is None else sizes[self.rows]
        for part in self.parts:
            with outer_rows(self.rows):
                part.measure(inner)
        if self.rows is not None:
            sizes[self.rows] = inner

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        if self.nulls.null_index >= 0:
            kernels.write_branches(self.nulls.present, self.nulls.null_index, cursor, out)
        inner = cursor if self.rows is None else cursor[self.rows]
        for part in self.parts:
            part.write(inner, out)
        if self.rows is not None:
            cursor[self.rows] = inner


@dataclass(frozen=True)
class Lists:
    """Arrays and maps: row r has the items `starts[r]` to `starts[r + 1]` of `items`.

    Args:
        starts: shape (rows + 1,).
        bounds: where each item starts when only items lie one behind the other, shape (items + 1,).
        items: all items, in order.
        nulls: which rows are null; they have no items.
    """

    starts: Longs
    bounds: Longs
    items: Part
    nulls: Nulls

    @classmethod
    def of(cls, starts: Longs, items: Part, nulls: Nulls) -> Lists:
        """Measure the items.

        Raises:
            Misfit: an item can not be written.
        """
        sizes = np.zeros(starts[-1], np.int64)
        items.measure(sizes)
        return cls(starts, starts_of(sizes), items, nulls)

    def measure(self, sizes: Longs) -> None:
        """Add up sizes."""
        kernels.measure_blocks(self.starts, self.bounds, self.nulls.present, self.nulls.null_index, sizes)

    def write(self, cursor: Longs, out: Bytes) -> None:
        """Write at the cursors."""
        nulls, inner = self.nulls, np.empty(self.starts[-1], np.int64)
        kernels.write_blocks(self.starts, self.bounds, nulls.present, nulls.null_index, cursor, inner, out)
        self.items.write(inner, out)


@contextmanager
def outer_rows(rows: Longs | None) -> Iterator[None]:
    """Makes a misfit name the row of the batch: `rows`, shape (values,), says which row each value within lies in."""
    try:
        yield
    except Misfit as misfit:
        raise misfit if rows is None else misfit.at(int(rows[misfit.row])) from None
