"""Columns of a batch as rules look at them: by distinct values, as doubles, as codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError

Scalar = bool | int | float | str | date | datetime
"""What a rule compares with, as YAML writes it."""


def plain(column: pa.Array[Any]) -> pa.Array[Any]:
    """The distinct values of a dictionary, any other column as it is; `spread` goes back to rows."""
    return column.dictionary if isinstance(column, pa.DictionaryArray) else column


def spread(column: pa.Array[Any], flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What is true of each value of `plain(column)`, for each row; false where the row is null.

    Args:
        column: (rows,) cells.
        flags: (values,) answers.

    Returns:
        (rows,) answers.
    """
    present = mask_of(column.is_valid())
    if not isinstance(column, pa.DictionaryArray):
        return flags & present
    codes = filled(column.indices, len(flags))
    answers: npt.NDArray[np.bool_] = np.append(flags, False)[codes]
    return answers & present


def decoded(column: pa.Array[Any]) -> pa.Array[Any]:
    """The column without its dictionary."""
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def doubles_of(column: pa.Array[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The values as doubles, dates in days and timestamps in seconds, NaN where null; and where there is one.

    Returns:
        (rows,) values, (rows,) whether they are present.
    """
    present = mask_of(column.is_valid())
    scale = 1.0
    if isinstance(column.type, pa.TimestampType):
        scale = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}[column.type.unit]
        column = column.cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    return filled(column.cast(pa.float64(), safe=False), np.nan) * scale, present


def codes_of(columns: list[pa.Array[Any]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Number the rows so that two have one number exactly when all their values agree.

    Args:
        columns: arrays of (rows,).

    Returns:
        (rows,) numbers, (rows,) whether every column is present.
    """
    rows = len(columns[0])
    codes, present = np.zeros(rows, np.int64), np.ones(rows, np.bool_)
    for column in columns:
        encoded: Any = decoded(column).dictionary_encode()
        own = filled(encoded.indices, 0).astype(np.int64)
        present &= mask_of(column.is_valid())
        codes = np.unique(codes * max(1, len(encoded.dictionary)) + own, return_inverse=True)[1]
    return codes, present


def mask_of(answers: Any) -> npt.NDArray[np.bool_]:
    """Arrow's answers as numpy's, false where there is none."""
    return filled(answers, False)


def filled(array: Any, absent: float) -> npt.NDArray[Any]:
    """An Arrow array as numpy's, with one value where there is none, shape (rows,)."""
    return np.asarray(pc.fill_null(array, absent).to_numpy(zero_copy_only=False))


def places_in(column: pa.Array[Any], known: pa.Array[Any]) -> npt.NDArray[np.int64]:
    """Where each row's value stands among known ones, -1 where it does not, shape (rows,)."""
    places = filled(pc.index_in(plain(column), value_set=known), -1)
    if isinstance(column, pa.DictionaryArray):
        codes = filled(column.indices, len(places))
        places = np.append(places, -1)[codes]
    return places.astype(np.int64)


def as_bound(value: Scalar, kind: pa.DataType) -> pa.Scalar[Any]:
    """A value that a column of a type can be compared with.

    Raises:
        InputError: there is no such comparison.

    >>> as_bound("2013-01-01", pa.timestamp("ms", "UTC")).as_py().isoformat()
    '2013-01-01T00:00:00+00:00'
    """
    try:
        return _converted(value, kind)
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        raise InputError(f"value {value!r}: can not be compared with a column of {_called(kind)}") from None


def as_values(values: Sequence[Scalar], kind: pa.DataType) -> pa.Array[Any]:
    """Values that a column of a type can hold.

    Raises:
        InputError: it can not hold one of them.
    """
    try:
        return pa.array([_converted(value, kind).cast(kind).as_py() for value in values], kind)
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        raise InputError(f"values {list(values)}: not all can be in a column of {kind}") from None


def _converted(value: Scalar, kind: pa.DataType) -> pa.Scalar[Any]:
    if isinstance(kind, pa.DictionaryType):
        return _converted(value, kind.value_type)
    if isinstance(kind, pa.TimestampType):
        when = datetime.fromisoformat(value if isinstance(value, str) else _iso(value))
        if kind.tz is None:
            when = when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo is not None else when
        elif when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return pa.scalar(when, kind)
    if pa.types.is_date(kind):
        return pa.scalar(date.fromisoformat(value if isinstance(value, str) else _iso(value)), kind)
    if pa.types.is_boolean(kind) != isinstance(value, bool) or pa.types.is_string(kind) != isinstance(value, str):
        raise TypeError(value)
    if pa.types.is_integer(kind) and not pa.types.is_boolean(kind):
        if not isinstance(value, int | float):
            raise TypeError(value)
        return pa.scalar(value)  # 1.5 is a fine bound of whole numbers
    return pa.scalar(value, kind)


def _iso(value: object) -> str:
    if not isinstance(value, date):
        raise TypeError(value)
    return value.isoformat()


def _called(kind: pa.DataType) -> str:
    """What people call a type."""
    return "strings" if isinstance(kind, pa.DictionaryType) else str(kind)
