"""Values into the cells monitors count them in: one pass over a column, and no search where a table knows.

Arguments shared by the kernels that code a column:
    present: 0 where the value is null, shape (rows,); shape (0,) when none is.
    null: the cell of what is missing.
    codes: set to the cell of every row, shape (rows,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.kernel import inlined, kernel

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@inlined
def place(value: float, origin: float, scale: float, last: int) -> Any:
    """The place of a value on a uniform grid, those beyond its ends at the ends; it never falls as values rise."""
    at = (value - origin) * scale
    if not at >= 0.0:  # nor is infinity times zero
        return 0
    return last if at >= last else np.int64(at)


@kernel
def lay_grid(edges: Floats, origin: float, scale: float, first: Longs) -> None:
    """Say for every place of a grid how many edges lie at places before it.

    Args:
        edges: ascending, shape (edges,).
        origin: where the grid begins; scale: places a unit.
        first: set, shape (places + 1,); the last entry is how many edges there are.
    """
    last = first.shape[0] - 2
    first[:] = 0
    for k in range(edges.shape[0]):
        first[place(edges[k], origin, scale, last) + 1] += 1
    for at in range(1, first.shape[0]):
        first[at] += first[at - 1]


@kernel
def code_numbers(
    values: npt.NDArray[Any], present: Bytes, edges: Floats, grid: tuple[float, float, Longs], null: int, codes: Codes
) -> None:
    """Find how many edges are not above each value; NaN is missing.

    The edges at places before a value's are below it and those at places behind are above it, since places never fall
    as values rise; only those at its own place are looked at.

    Args:
        values: shape (rows,), of any type.
        present: as for all.
        edges: ascending, shape (edges,).
        grid: origin, scale and the counts that `lay_grid` made.
        null: as for all.
        codes: as for all.
    """
    origin, scale, first = grid
    last = first.shape[0] - 2
    some = present.shape[0] == 0
    for row in range(values.shape[0]):
        value = np.float64(values[row])
        if not (some or present[row] == 1) or np.isnan(value):
            codes[row] = null
            continue
        at = place(value, origin, scale, last)
        low, high = first[at], first[at + 1]
        while low < high:
            middle = (low + high) >> 1
            if edges[middle] <= value:
                low = middle + 1
            else:
                high = middle
        codes[row] = low


@kernel
def code_entries(indices: npt.NDArray[Any], present: Bytes, cells: Codes, null: int, codes: Codes) -> None:
    """Look up the cell of each dictionary index in `cells`, shape (entries,); `indices` has shape (rows,)."""
    some = present.shape[0] == 0
    for row in range(indices.shape[0]):
        codes[row] = cells[indices[row]] if some or present[row] == 1 else null


@kernel
def tally(codes: Codes, slots: Longs, starts: Longs, counts: Longs) -> None:
    """Count the cells of every column by slot.

    Args:
        codes: the cell of every value, shape (columns, rows).
        slots: the slot of each row, shape (rows,); shape (0,) when all are in the first.
        starts: where each column's counts begin, shape (columns,).
        counts: added to, shape (slots, size).
    """
    one = slots.shape[0] == 0
    for column in range(codes.shape[0]):
        start = starts[column]
        for row in range(codes.shape[1]):
            counts[0 if one else slots[row], start + codes[column, row]] += 1


@kernel
def tally_pairs(coarse: Bytes, slots: Longs, pairs: Longs, counts: Longs) -> None:
    """Count pairs of coarse cells by slot.

    Args:
        coarse: the coarse cell of every value, shape (columns, rows).
        slots: as for `tally`.
        pairs: first column, second column, cells of the second, and where the counts begin, shape (pairs, 4).
        counts: added to, shape (slots, size).
    """
    one = slots.shape[0] == 0
    for pair in range(pairs.shape[0]):
        a, b, width, start = pairs[pair, 0], pairs[pair, 1], pairs[pair, 2], pairs[pair, 3]
        for row in range(coarse.shape[1]):
            cell = start + np.int64(coarse[a, row]) * width + np.int64(coarse[b, row])
            counts[0 if one else slots[row], cell] += 1


@kernel
def spread_scores(codes: Codes, cells: npt.NDArray[np.float64], values: Floats) -> None:
    """Look up a number for the cell of each row: `cells` has shape (cells,), `values` and `codes` (rows,)."""
    for row in range(codes.shape[0]):
        values[row] = cells[codes[row]]


@kernel
def coarsen(codes: Codes, groups: Bytes, coarse: Bytes) -> None:
    """Look up the coarse cell of the cell of each row: `groups` has shape (cells,), `coarse` and `codes` (rows,)."""
    for row in range(codes.shape[0]):
        coarse[row] = groups[codes[row]]
