"""Columns that can be ordered, as doubles: integers, numbers, dates in days and timestamps in their unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.table import Column, Kind

NUMERIC_KINDS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP})
"""The kinds whose values have an order and a distance."""

EXACT = 2.0**53
"""Whole numbers below this are exact as doubles."""


def as_numbers(
    column: Column, array: pa.Array[Any] | pa.ChunkedArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Read a column as doubles; NaN counts as missing.

    Args:
        column: what the array holds; its kind is one of `NUMERIC_KINDS`.
        array: n cells of the column's Arrow type, or of one that casts to it.

    Returns:
        The values, zero where missing, shape (n,), and whether each is present, shape (n,).

    >>> values, present = as_numbers(Column("x", Kind.DATE, nullable=True), pa.array([3, None], pa.date32()))
    >>> values.tolist(), present.tolist()
    ([3.0, 0.0], [True, False])
    """
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if flat.type != column.arrow_type:
        flat = flat.cast(column.arrow_type)
    if column.kind is Kind.DATE:
        flat = flat.view(pa.int32())
    elif column.kind is Kind.TIMESTAMP:
        flat = flat.view(pa.int64())
    present = np.ones(len(flat), bool) if flat.null_count == 0 else flat.is_valid().to_numpy(zero_copy_only=False)
    values = flat.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    if column.kind is Kind.NUMBER:
        missing = np.isnan(values)
        if missing.any():
            present, values = present & ~missing, np.where(missing, 0.0, values)
    return values, present


def scale_of(column: Column) -> float:
    """How many units of the last kept digit make one: 100 for two decimals, 0 when every digit counts.

    >>> scale_of(Column("price", Kind.NUMBER, decimals=2)), scale_of(Column("n", Kind.INTEGER))
    (100.0, 1.0)
    """
    if column.kind is not Kind.NUMBER:
        return 1.0
    return 0.0 if column.decimals is None else 10.0**column.decimals
