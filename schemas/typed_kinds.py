"""What one column is, seen from values that already have a type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError
from schemas.kinds import MAX_DECIMALS, Seen, Wish, all_missing
from schemas.table import Column, Kind


def column_of_values(name: str, values: Any, wish: Wish) -> Seen:
    """What a column of typed values is: integers, numbers, booleans, dates or timestamps.

    Raises:
        InputError: every value is missing, a number is infinite, or the type is not supported.
    """
    kind, types = values.type, pa.types
    column = Column(name, Kind.INTEGER, public=wish.public)
    if types.is_decimal(kind):
        values = values.cast(pa.float64())
    if types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        _refuse_infinite(name, values)
        column = replace(column, kind=Kind.NUMBER, decimals=_decimals(values))
    elif types.is_boolean(kind):
        column = replace(column, kind=Kind.BOOLEAN)
    elif types.is_date(kind):
        column = replace(column, kind=Kind.DATE)
    elif isinstance(kind, pa.TimestampType):
        unit = "ms" if kind.unit in ("s", "ms") else "us"
        zone = None if kind.tz is None else "UTC"
        column = replace(column, kind=Kind.TIMESTAMP, time_unit=unit, timezone=zone)
    elif not types.is_integer(kind):
        raise InputError(f"column {name!r}: holds {kind}; expected numbers, strings, booleans, dates or timestamps")
    if values.null_count == len(values):
        raise InputError(all_missing(name))
    unique = values.null_count == 0 and len(pc.unique(values)) == len(values)
    return Seen(replace(column, nullable=values.null_count > 0), unique)


def _refuse_infinite(name: str, values: Any) -> None:
    row = pc.index(pc.is_inf(values), pa.scalar(True)).as_py()
    if row >= 0:
        raise InputError(f"column {name!r}, row {row + 1}: is infinite; expected finite numbers")


def _decimals(values: pa.ChunkedArray[Any]) -> int | None:
    """The fewest digits after the point that write every value exactly; None when more than 15."""
    numbers = np.asarray(pc.unique(values.cast(pa.float64())).drop_null())
    with np.errstate(over="ignore", invalid="ignore"):
        return next((d for d in range(MAX_DECIMALS + 1) if np.array_equal(np.round(numbers, d), numbers)), None)
