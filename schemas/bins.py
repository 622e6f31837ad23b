"""The cells a monitor counts a column in, and what the profile expects in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow_views import Array, bits_of, frozen, present_of, values_of
from schemas.cell_kernels import code_entries, code_numbers, lay_grid
from schemas.numeric import EXACT, NUMERIC_KINDS, scale_of
from schemas.profile import ColumnProfile
from schemas.table import Column, Kind

DEFAULT_CELLS = 128
PLACES = 4_096
"""How many places the grid has by which numbers find their cell."""

FEW = 64
"""Dictionaries of at most so many entries are looked up one by one."""

NUMPY_TYPES = {Kind.INTEGER: np.int64, Kind.NUMBER: np.float64, Kind.DATE: np.int32, Kind.TIMESTAMP: np.int64}
"""What the values of columns that can be ordered are stored as."""

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bins:
    """The cells of one column. The last cell is null; the one before it is `unseen` where there is such a thing.

    Numbers: cell 0 is below `edges[0]`, cell i is edges[i-1] <= x < edges[i], cell `len(edges)` is from the last edge
    on. Categories and booleans: a cell a value, then unseen. Surrogates: present.

    Args:
        column: the column counted.
        edges: strictly increasing, shape (k,); empty unless the column is a number, date or timestamp.
        values: the known values; empty unless the column is a category or boolean.
        unit: the distance of one number from the next in the column's precision, 0 when every double may occur.
        expected: the share of each cell by the profile, summing to 1, null included, shape (size,).
        labels: what each cell holds, in words.
    """

    column: Column
    edges: Floats
    values: tuple[str, ...]
    unit: float
    expected: Floats
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.labels)

    @property
    def null(self) -> int:
        """The cell of missing values."""
        return self.size - 1

    @property
    def unseen(self) -> int | None:
        """The cell of categories that training never saw; None where that can not be told."""
        return self.size - 2 if self.values else None

    @property
    def ordered(self) -> bool:
        """Whether the cells before null rise, so that distribution functions mean something."""
        return len(self.edges) > 0

    def codes(self, array: pa.Array[Any] | pa.ChunkedArray[Any]) -> Codes:
        """Find the cell of every value.

        Args:
            array: n cells of the column's Arrow type, or of one that casts to it.

        Returns:
            Cell numbers, shape (n,).
        """
        found = np.empty(len(array), np.int32)
        self.code(array, found)
        return found

    def code(self, array: Array, codes: Codes) -> None:
        """Write the cell of every value into `codes`, shape (n,); the array is as for `codes`."""
        flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        if self.ordered:
            self._code_numbers(flat, codes)
        elif self.values:
            self._code_values(flat, codes)
        elif flat.null_count == 0:
            codes[:] = 0
        else:
            np.copyto(codes, np.where(present_of(flat) == 1, 0, self.null))

    def counts(self, array: pa.Array[Any] | pa.ChunkedArray[Any]) -> npt.NDArray[np.int64]:
        """Count the values in each cell, shape (size,)."""
        return np.bincount(self.codes(array), minlength=self.size).astype(np.int64)

    def _code_numbers(self, array: Array, codes: Codes) -> None:
        flat = array if array.type == self.column.arrow_type else array.cast(self.column.arrow_type)
        values = values_of(flat, NUMPY_TYPES[self.column.kind])
        code_numbers(values, present_of(flat), self.edges, self._grid, self.null, codes)

    @cached_property
    def _grid(self) -> tuple[float, float, npt.NDArray[np.int64]]:
        reach = float(self.edges[-1]) - float(self.edges[0])
        scale = PLACES / reach if reach > 0 and np.isfinite(PLACES / reach) else 0.0
        first = np.empty(PLACES + 1, np.int64)
        lay_grid(self.edges, float(self.edges[0]), scale, first)
        return float(self.edges[0]), scale, frozen(first)

    def _code_values(self, array: Array, codes: Codes) -> None:
        if pa.types.is_boolean(array.type):
            known = np.array([self._cell_of.get(text, len(self.values)) for text in ("false", "true")], np.int32)
            code_entries(bits_of(array.buffers()[1], array), present_of(array), frozen(known), self.null, codes)
            return
        if not isinstance(array, pa.DictionaryArray):
            array = array.cast(pa.string()).dictionary_encode()
        kind = array.type.index_type
        indices = values_of(array, np.int32 if kind == pa.int32() else kind.to_pandas_dtype())
        code_entries(indices, present_of(array), frozen(self._entries(array.dictionary)), self.null, codes)

    def _entries(self, dictionary: Array) -> Codes:
        """The cell of each entry of a dictionary; looked up one by one where they are few, which is quicker."""
        if len(dictionary) <= FEW:
            known = self._cell_of
            return np.array([known.get(text, len(self.values)) for text in dictionary.to_pylist()], np.int32)
        found = pc.index_in(dictionary.cast(pa.string()), self._value_set).fill_null(len(self.values))
        cells: Codes = found.to_numpy(zero_copy_only=False).astype(np.int32)
        if dictionary.null_count:
            cells[dictionary.is_null().to_numpy(zero_copy_only=False)] = self.null
        return cells

    @cached_property
    def _cell_of(self) -> dict[str | None, int]:
        return {**{value: cell for cell, value in enumerate(self.values)}, None: self.null}

    @cached_property
    def _value_set(self) -> Array:
        return pa.array(self.values, pa.string())


def bins_of(column: Column, profile: ColumnProfile, cells: int = DEFAULT_CELLS) -> Bins:
    """Choose the cells of a column from its profile.

    Numbers get about `cells` cells of equal probability; a value with more than a cell's probability has its own.

    Args:
        column: the column.
        profile: its profile.
        cells: about how many cells a numeric column is cut into, at least 2.

    >>> die = ColumnProfile("die", 60, 6, 6, (1.0, 6.0), (1 / 6, 1 / 6), (4 / 6,), step=1.0)
    >>> bins = bins_of(Column("die", Kind.INTEGER, nullable=True), die)
    >>> bins.labels
    ('under 1', '1', '2', '3', '4', '5', '6', 'over 6', 'null')
    >>> bins.codes(pa.array([1, 6, 7, None, -3])).tolist()
    [1, 6, 7, 8, 0]
    """
    edges: Floats = np.empty(0)
    unit = 0.0
    values: tuple[str, ...] = ()
    share = np.ones(1)
    labels: tuple[str, ...] = ("present",)
    if column.kind in NUMERIC_KINDS and profile.knots:
        unit = _unit(column, profile)
        edges = _edges(profile, cells, unit)
        share = np.diff(np.concatenate([[0.0], profile.mass_below(edges), [1.0]]))
        labels = _labels(column, edges, unit)
    elif profile.values and column.kind is not Kind.TEXT:
        values = profile.values
        share, labels = np.array([*profile.shares, 0.0]), (*values, "unseen")
    expected = np.append(share / share.sum() * (1.0 - profile.null_share), profile.null_share)
    return Bins(column, edges, values, unit, expected, (*labels, "null"))


def _unit(column: Column, profile: ColumnProfile) -> float:
    scale = scale_of(column)
    exact = scale > 0 and max(abs(profile.knots[0]), abs(profile.knots[-1])) < EXACT / (4 * scale)
    return 1.0 / scale if exact else 0.0


def _edges(profile: ColumnProfile, cells: int, unit: float) -> Floats:
    knots, atoms = np.array(profile.knots), np.array(profile.atoms)
    inside = np.array(profile.inside)
    cut = [knots[0], *_quantiles(knots, atoms, inside, cells)]
    own = knots[atoms > 1.0 / cells]
    if unit > 0:
        points = np.concatenate([cut, own, own + unit, [knots[-1] + unit]])
        places = np.unique(np.rint((points - knots[0]) / unit))
        return np.asarray(knots[0] + (places - 0.5) * unit, np.float64)
    return np.unique(np.concatenate([cut, own, np.nextafter(own, np.inf), [np.nextafter(knots[-1], np.inf)]]))


def _quantiles(knots: Floats, atoms: Floats, inside: Floats, cells: int) -> Floats:
    """Where the distribution function reaches 1/cells, 2/cells, …, shape (cells - 1,)."""
    levels = np.arange(1, cells) / cells
    upto = np.cumsum(atoms + np.concatenate([[0.0], inside]))  # the distribution function at each knot
    at = np.repeat(knots, 2)
    reached = np.column_stack([upto - atoms, upto]).ravel()
    return np.interp(levels, reached, at)


def _labels(column: Column, edges: Floats, unit: float) -> tuple[str, ...]:
    low, high = edges[:-1] + 0.5 * unit, edges[1:] - 0.5 * unit
    lows, highs = [said(column, v) for v in low], [said(column, v) for v in high]
    between = [a if a == b else f"{a} to {b}" for a, b in zip(lows, highs, strict=True)]
    return (f"under {lows[0]}", *between, f"over {highs[-1]}")


def said(column: Column, value: float) -> str:
    """A number as people write it in a column: dates and timestamps count their unit since 1970."""
    match column.kind:
        case Kind.INTEGER:
            return str(round(value))
        case Kind.DATE:
            return str(np.datetime64(round(value), "D"))
        case Kind.TIMESTAMP:
            text = str(np.datetime64(round(value), "ms" if column.time_unit == "ms" else "us"))
            return text.removesuffix(".000000").removesuffix(".000") + ("Z" if column.timezone else "")
        case _ if column.decimals is not None:
            return f"{value:.{column.decimals}f}"
        case _:
            return f"{value:.6g}"
