"""Columns held at values while the others are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.columns import places_of
from generators.invented.surrogates import Surrogates
from schemas.errors import InputError, noted
from schemas.profile import Profile
from schemas.table import Column, Kind, TableSchema


@dataclass(frozen=True, eq=False)
class Held:
    """A column held at a value a row.

    Args:
        values: of the column's Arrow type, shape (n,).
        places: the same as `Pieces` counts them, zero where missing and in columns of invented values, shape (n,).
        present: where there is a value, shape (n,).
    """

    values: pa.Array[Any]
    places: npt.NDArray[np.float64]
    present: npt.NDArray[np.bool_]


def held_columns(
    given: Mapping[str, Any], n: int, schema: TableSchema, profile: Profile, surrogates: Surrogates
) -> dict[int, Held]:
    """Check what `Generator.sample` is given.

    Args:
        given: by column one value (None for null), or an array of n.
        n: how many rows are drawn.
        schema: the columns.
        profile: their marginals.
        surrogates: those whose values are invented.

    Returns:
        What is held, by the column's place in the table.

    Raises:
        InputError: unknown columns, nulls where none is allowed, values that are no value of the column; all at once.
    """
    held: dict[int, Held] = {}
    faults: list[str] = []
    for name, value in given.items():
        if name not in schema.names:
            faults.append(f"given column={name!r}: not in the table; it has {', '.join(schema.names)}")
            continue
        at = schema.names.index(name)
        with noted(faults):
            values = held_array(schema.columns[at], value, n)
            if at in surrogates.columns:
                surrogates.columns[at].check(values)
                places = np.zeros(n)
            else:
                places = places_of(schema.columns[at], profile.columns[at], values)
            held[at] = Held(values, places, values.is_valid().to_numpy(zero_copy_only=False))
    if faults:
        raise InputError(*faults)
    return held


def arrays_of(held: Mapping[int, Held]) -> dict[int, pa.Array[Any]]:
    """The values of held columns."""
    return {at: column.values for at, column in held.items()}


def alike(keys: Sequence[npt.NDArray[Any]], n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which rows ask for the same, so that it is worked out once.

    Args:
        keys: what rows are told apart by, each of shape (n,).
        n: how many rows there are.

    Returns:
        The first row of each kind, in that order, shape (kinds,), and the kind of every row, shape (n,).

    >>> first, kind = alike([np.array([7, 7, 8, 7]), np.array([True, False, True, True])], 4)
    >>> first.tolist(), kind.tolist()
    ([0, 1, 2], [0, 1, 2, 0])
    """
    kind = np.zeros(n, np.int64)
    for key in keys:
        if n and (key == key[0]).all():
            continue
        codes = _in_order(key)
        kind = _in_order(kind * (codes.max(initial=0) + 1) + codes)
    return np.flatnonzero(np.diff(np.maximum.accumulate(kind), prepend=-1)), kind


def _in_order(key: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Numbers of values as they first appear, found by hashing them."""
    indices: npt.NDArray[np.int32] = pa.array(key).dictionary_encode().indices.to_numpy()
    return indices.astype(np.int64)


def held_array(column: Column, value: Any, n: int) -> pa.Array[Any]:
    """A column of n values, or of one n times.

    Raises:
        InputError: not so many values, nulls where none is allowed, or values that are none of the column.
    """
    if isinstance(value, pa.Array | pa.ChunkedArray):
        if len(value) != n:
            raise InputError(f"{column.name}: has {len(value)} given values for {n} rows; expected one a row")
        values = _typed(column, value)
    else:
        plain = value if value is None or column.kind not in (Kind.CATEGORY, Kind.TEXT) else str(value)
        try:
            single = pa.array([plain], None if plain is not None else column.arrow_type)
        except (pa.ArrowInvalid, OverflowError):  # such as a whole number of more than 64 bits
            raise InputError(f"{column.name}={value}: must be a {column.kind}") from None
        values = _typed(column, single, shown=value).take(np.zeros(n, np.int64))
    if values.null_count and not column.nullable:
        raise InputError(f"{column.name}=null: the column is never missing; give a value")
    return values


def _typed(column: Column, array: Any, shown: Any = None) -> pa.Array[Any]:
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    try:
        if column.kind is Kind.CATEGORY and not isinstance(flat, pa.DictionaryArray):
            flat = flat.cast(pa.string()).dictionary_encode()
        cast: pa.Array[Any] = flat.cast(column.arrow_type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        what = f"{column.name}: given {flat.type}" if shown is None else f"{column.name}={shown}"
        raise InputError(f"{what}: must be a {column.kind}") from None
    if column.kind is Kind.NUMBER and pc.any(pc.is_nan(cast)).as_py():
        raise InputError(f"{column.name}=nan: must be a number; give null for a missing value")
    return cast
