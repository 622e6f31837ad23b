"""Ordered columns in units of their last digit, so that differences are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.numeric import as_numbers, scale_of
from schemas.table import Column, Kind

Units = npt.NDArray[Any]
"""Whole numbers as int64; those of columns with decimals, and numbers without a last digit, as doubles."""

Mask = npt.NDArray[np.bool_]

LARGEST = 2.0**62
"""Whole units end there."""

FARTHEST = 1e300
"""Doubles end there, short of where they are no numbers any more."""


def per_one(column: Column) -> float:
    """Units in one: of a number, in a day of a date, in a second of a timestamp; 0 where every digit counts."""
    if column.kind is Kind.TIMESTAMP:
        return {"ms": 1e3, "us": 1e6}[column.time_unit]
    return scale_of(column)


def units_of(column: Column, array: pa.Array[Any]) -> tuple[Units, Mask]:
    """A column in its units, zero where missing, and where it is present; two of shape (n,)."""
    if column.kind is Kind.NUMBER:
        values, present = as_numbers(column, array)
        scale = per_one(column)
        return (np.rint(values * scale) if scale > 0 else values), present
    present = array.is_valid().to_numpy(zero_copy_only=False)
    stored = {Kind.DATE: pa.int32(), Kind.TIMESTAMP: pa.int64(), Kind.INTEGER: pa.int64()}[column.kind]
    whole: Units = array.view(stored).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return whole, present


def units_at(column: Column, knots: npt.NDArray[np.float64]) -> Units:
    """Knots of a profile in a column's units."""
    scale = per_one(column) if column.kind is Kind.NUMBER else 1.0
    return _typed(column, np.rint(knots * scale) if scale > 0 else knots)


def array_of(column: Column, units: Units, present: Mask) -> pa.Array[Any]:
    """What `units_of` came from."""
    mask = None if present.all() else ~present
    if column.kind is Kind.NUMBER:
        scale = per_one(column)
        return pa.array(units / scale if scale > 0 else units, pa.float64(), mask=mask)
    if column.kind is Kind.DATE:
        days = np.clip(units, np.iinfo(np.int32).min, np.iinfo(np.int32).max).astype(np.int32)
        return pa.array(days, pa.int32(), mask=mask).view(pa.date32())
    return pa.array(units, pa.int64(), mask=mask).view(column.arrow_type)


def like(column: Column, other: Column, units: Units) -> Units:
    """Another column's units in a column's own, rounded up to whole ones.

    >>> cents, whole = Column("x", Kind.NUMBER, decimals=2), Column("n", Kind.INTEGER)
    >>> like(whole, cents, np.array([100.0, 101.0])).tolist()
    [1, 2]
    """
    own, others = per_one(column), per_one(other)
    if own == others:
        return _typed(column, units)
    if own == 0:
        return units / others
    with np.errstate(over="ignore"):
        return _typed(column, np.ceil(units * own / (others if others > 0 else 1.0)))


def apart(units: Units, anchor: Units) -> Units:
    """How far units are from others; whole ones go round at the ends of 64 bits, and come back the same way."""
    if units.dtype == np.int64:
        return units - anchor
    with np.errstate(over="ignore"):
        far: Units = np.clip(units - anchor, -FARTHEST, FARTHEST)
        return far


def rounded(column: Column, values: npt.NDArray[np.float64]) -> Units:
    """Doubles (days of dates, seconds of timestamps) in a column's units."""
    own = per_one(column)
    return _typed(column, np.rint(values * own) if own > 0 else values)


def _typed(column: Column, units: Units) -> Units:
    if column.kind is Kind.NUMBER:
        return np.clip(units.astype(np.float64), -FARTHEST, FARTHEST)
    return units if units.dtype == np.int64 else np.clip(units, -LARGEST, LARGEST).astype(np.int64)
