"""Columns as a few cells each: what discrete models learn, and draw values of again.

A cell is a part of a column's marginal: a category, a number that many rows hold, or all numbers between two knots.
Values inside a cell are drawn as the profile says, so a model of cells stores no value. A column that may be missing
has one more cell, the last, for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.columns import Columns, Pieces, column_parts, intervals_of, pieces_of, place, places_of, without
from generators.given import Held
from generators.mapped import mapped
from generators.task import Progress, silently
from schemas.numeric import NUMERIC_KINDS, as_numbers
from schemas.profile import ColumnProfile, Profile
from schemas.rows import Rows
from schemas.table import Column, TableSchema

FEW = 128
"""A column of at most so many pieces has a cell for each."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a table's columns. Only columns that vary are there: surrogates where they may be missing.

    Args:
        columns: the columns, by place in the table, shape (d,).
        drawn: the column's distribution in `pieces`, -1 where values are invented, shape (d,).
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
        null: each column's cell for missing values, -1 where none are, shape (d,).
        spans: where in [0, 1) each cell's part of its column's marginal begins, and how much of it the cell is, shape
            (cells, 2).
        starts: the lowest value of each cell, as `Pieces` counts it, shape (cells,).
        share: the probability of each cell by the profile, that of nulls among them, shape (cells,).
        pieces: the marginals.
        ordered: whether the column's cells have an order of their own, shape (d,).
        fineness: about how many cells a column of many numbers got.
    """

    columns: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    null: npt.NDArray[np.int64]
    spans: Floats
    starts: Floats
    share: Floats
    pieces: Pieces
    ordered: npt.NDArray[np.bool_]
    fineness: int

    def codes(self, table: pa.Table, schema: TableSchema, profile: Profile) -> Codes:
        """The cell of every value, counted from its column's first; -1 for categories that are never drawn.

        Args:
            table: rows cast to `schema.arrow_schema`.
            schema: the columns.
            profile: their marginals.

        Returns:
            shape (rows, d).
        """
        found = np.empty((table.num_rows, len(self.columns)), np.int32)
        for j, at in enumerate(self.columns.tolist()):
            column, array = schema.columns[at], table.column(at).combine_chunks()
            if self.drawn[j] < 0:
                found[:, j] = array.is_null().to_numpy(zero_copy_only=False)
                continue
            places, present = placed(column, profile.columns[at], array)
            cells = self.cells_of(j, places)
            if self.null[j] >= 0:
                cells[~present] = self.null[j]
            found[:, j] = cells
        return found

    def cells_of(self, variable: int, places: Floats) -> Codes:
        """The cells that places lie in, or are nearest to; -1 for NaN, an unknown category."""
        end = self.first[variable + 1] - (self.null[variable] >= 0)
        found = np.searchsorted(self.starts[self.first[variable] : end], places, side="right").astype(np.int32)
        return np.where(np.isnan(places), np.int32(-1), np.maximum(found - 1, 0))

    def values(self, variable: int, codes: Codes, into: Floats) -> Floats:
        """Values inside cells, as `Pieces` counts them; zero for missing ones and where values are invented.

        Args:
            variable: the column.
            codes: the cells, shape (n,).
            into: how far into each cell's part of the marginal, from 0 to 1, shape (n,).
        """
        drawn, values = int(self.drawn[variable]), np.zeros(len(codes))
        if drawn >= 0:
            start, end = self.first[variable : variable + 2].tolist()
            there = end - start - int(self.null[variable] >= 0)
            spans = self.spans[start:end]
            _inside(codes, into, there, spans, self.pieces.table, self.pieces.guide[drawn], values)
        return values


@numba.njit(cache=True, nogil=True)
def _inside(
    codes: Codes,
    into: Floats,
    end: int,
    spans: Floats,
    table: Floats,
    guide: npt.NDArray[np.int32],
    values: Floats,
) -> None:
    """See `Cells.values`; cells from `end` on have no value."""
    below_one = 1.0 - 2.0**-53
    for i in range(len(codes)):
        cell = codes[i]
        if 0 <= cell < end:
            values[i] = place(min(max(spans[cell, 0] + into[i] * spans[cell, 1], 0.0), below_one), table, guide)


class CellColumns:
    """Turns cells into Arrow columns, and values that are held into cells.

    Args:
        schema: what the columns are.
        profile: their marginals.
        cells: what they are cut into.
    """

    def __init__(self, schema: TableSchema, profile: Profile, cells: Cells) -> None:
        self._schema, self._profile, self._cells = schema, profile, cells
        varied = cells.columns[cells.drawn >= 0].tolist()
        self._columns = Columns([(schema.columns[at], profile.columns[at]) for at in varied])

    def batch(
        self,
        invented: Mapping[int, pa.Array[Any]],
        drawn: Mapping[int, tuple[Floats, npt.NDArray[np.bool_]]],
        held: Mapping[int, Held],
    ) -> pa.RecordBatch:
        """Put rows together.

        Args:
            invented: the surrogates, by the column's place in the table.
            drawn: by column with cells the values as `Pieces` counts them, and where there are any, both of shape (n,).
            held: what is held instead, by the column's place in the table.
        """
        arrays = dict(invented)
        for j, (places, present) in drawn.items():
            at = int(self._cells.columns[j])
            arrays[at] = without(arrays[at], present) if at in invented else self._array(j, places, present)
        for at, column in held.items():
            j = int(np.searchsorted(self._cells.columns, at))
            arrays[at] = column.values if at in invented else self._array(j, column.places, column.present)
        return pa.record_batch([arrays[at] for at in range(len(arrays))], schema=self._schema.arrow_schema)

    def _array(self, j: int, places: Floats, present: npt.NDArray[np.bool_]) -> pa.Array[Any]:
        return self._columns.array(int(self._cells.drawn[j]), places, None if present.all() else present)

    def codes(self, j: int, held: Held) -> Codes:
        """The cells of a held column, shape (n,); -1 where it is missing though it never is, which tells nothing.

        Raises:
            InputError: a value that is never drawn.
        """
        cells, drawn, at = self._cells, int(self._cells.drawn[j]), int(self._cells.columns[j])
        codes = np.zeros(len(held.places), np.int32)
        if drawn >= 0:
            values = (held.values, held.places)
            intervals_of(self._schema.columns[at], self._profile.columns[at], cells.pieces, drawn, values)
            codes = cells.cells_of(j, held.places)
        return np.where(held.present, codes, np.int32(cells.null[j]))


def placed(column: Column, profile: ColumnProfile, array: pa.Array[Any]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Values as `Pieces` counts them, NaN for unknown categories, and whether there is a value."""
    if column.kind in NUMERIC_KINDS:
        return places_of(column, profile, array), as_numbers(column, array)[1]
    known = pc.index_in(array.cast(pa.string()), pa.array(profile.values, pa.string()))
    return known.cast(pa.float64()).fill_null(np.nan).to_numpy(), array.is_valid().to_numpy(zero_copy_only=False)


def codes_of(rows: Rows, cells: Cells, schema: TableSchema, profile: Profile, progress: Progress = silently) -> Codes:
    """The cells of all rows, as `Cells.codes` has them; those of a long table lie in a file that nobody else sees.

    Args:
        rows: cast to `schema.arrow_schema`.
        cells: what the columns are cut into.
        schema: the columns.
        profile: their marginals.
        progress: told how many rows were read.

    Raises:
        ServiceError: there is no room for the file.
    """
    if not rows.is_long:
        return cells.codes(rows.table, schema, profile)
    codes = mapped((rows.count, len(cells.columns)), np.int32)
    at = 0
    for piece in rows.pieces():
        codes[at : at + piece.num_rows] = cells.codes(piece, schema, profile)
        at += piece.num_rows
        progress(0.0, f"{at:,} rows read")
    return codes


def cells_of(schema: TableSchema, profile: Profile, cells: int) -> Cells:
    """Cut a table's columns into cells.

    Args:
        schema: the columns.
        profile: their marginals.
        cells: about how many cells a column of many numbers gets; a number as frequent as a cell has its own.
    """
    columns, drawn, null, first = [], [], [], [0]
    low, width, starts, share = [np.empty(0)], [np.empty(0)], [np.empty(0)], [np.empty(0)]
    parts = []
    for at, (column, known) in enumerate(zip(schema, profile, strict=True)):
        missing = known.null_share
        if column.is_surrogate:
            if missing == 0:
                continue
            edges, begins = np.array([0.0, 1.0]), np.zeros(1)
            drawn.append(-1)
        else:
            part = column_parts(column, known)
            parts.append(part)
            drawn.append(len(parts) - 1)
            edges, begins = _cut(pieces_of([part]), column.kind in NUMERIC_KINDS, cells)
        nullable = [0.0] if missing > 0 else []
        columns.append(at)
        low.append(np.append(edges[:-1], nullable))
        width.append(np.append(np.diff(edges), nullable))
        starts.append(np.append(begins, nullable))
        share.append(np.append(np.diff(edges) * (1.0 - missing), [missing] if missing > 0 else []))
        null.append(len(begins) if missing > 0 else -1)
        first.append(first[-1] + len(begins) + len(nullable))
    return Cells(
        np.array(columns, np.int64),
        np.array(drawn, np.int64),
        np.array(first, np.int64),
        np.array(null, np.int64),
        np.column_stack([np.concatenate(low), np.concatenate(width)]),
        np.concatenate(starts),
        np.concatenate(share),
        pieces_of(parts),
        np.array([schema.columns[at].kind in NUMERIC_KINDS for at in columns], bool),
        cells,
    )


def _cut(pieces: Pieces, numeric: bool, cells: int) -> tuple[Floats, Floats]:
    """Where in [0, 1] the cells of one marginal begin and end, shape (cells + 1,), and their lowest values."""
    upto, below, _, _, start, step = pieces.table[:, :6].T
    inside = (pieces.span > 0) & (step == 0)
    begins = np.where(inside, np.nextafter(start, np.inf), start)  # what begins at an atom comes after it
    if not numeric or len(upto) <= FEW:
        return np.append(below, 1.0), begins
    mass, own, opened = upto - below, 1.0 / cells, 0.0
    firsts = []
    for k in range(len(mass)):
        alone = mass[k] >= own
        if alone or k == 0 or opened >= own:
            firsts.append(k)
            opened = 0.0
        opened = own if alone else opened + mass[k]
    return np.append(below[firsts], 1.0), begins[firsts]
