"""From uniforms to Arrow columns: the profile's marginals inverted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import InputError
from schemas.numeric import NUMERIC_KINDS, as_numbers, scale_of
from schemas.profile import ColumnProfile
from schemas.table import Column, Kind

GUIDE = 1_024
"""Places in the table that starts the search for a piece."""

FAR = 1e300
"""Farther than any piece reaches, of values with a step."""

Floats = npt.NDArray[np.float64]

_LARGEST = float(2**63 - 1024)


@dataclass(frozen=True, eq=False)
class Part:
    """One distribution before it is put beside others.

    Args:
        mass: the probability of each piece, shape (pieces,).
        start: its first value, shape (pieces,).
        span: how many values it has, or how far it reaches, shape (pieces,).
        step: the distance between values, 0 for doubles.
    """

    mass: Floats
    start: Floats
    span: Floats
    step: float


@dataclass(frozen=True, eq=False)
class Pieces:
    """Distributions side by side, each cut into pieces of even density, ready to be inverted.

    Values are in units of a column's last digit, or the place of a category among the profile's values. A piece holds
    the values start + step * {0, 1, …, span - 1}; with step 0, all doubles from start to start + span.

    Args:
        first: where each distribution's pieces begin, and where the last one's end, shape (d + 1,).
        table: by piece the probability up to and with it, the probability before it, span over its probability, the
            largest multiple of step, start and step, a cache line each, shape (pieces, 8).
        span: how many values, or how far, shape (pieces,).
        guide: for each distribution the piece that j / GUIDE lies in, shape (d, GUIDE).
    """

    first: npt.NDArray[np.int64]
    table: Floats
    span: Floats
    guide: npt.NDArray[np.int32]

    def intervals(self, index: int, places: Floats) -> tuple[Floats, Floats]:
        """The uniforms that a distribution turns into values; NaN where it never does.

        Args:
            index: the distribution.
            places: the values, shape (n,).

        Returns:
            Where the uniforms of each value begin and end, two of shape (n,).
        """
        low, high, known = self._located(index, places)
        return np.where(known, low, np.nan), np.where(known, high, np.nan)

    def around(self, index: int, places: Floats) -> tuple[Floats, Floats]:
        """As `intervals`, but for a value that is never drawn what one near it has."""
        low, high, _ = self._located(index, places)
        return low, high

    def _located(self, index: int, places: Floats) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        """Where the uniforms of each value, or of one near it, begin and end, and whether it is ever drawn."""
        rows = slice(self.first[index], self.first[index + 1])
        by_start = np.lexsort((self.span[rows], self.table[rows, 4]))
        upto, below, _, _, start, steps = self.table[rows, :6][by_start].T
        span, step = self.span[rows][by_start], float(steps[0])
        exact = np.searchsorted(start, places, side="left").clip(0, len(start) - 1)
        before = np.searchsorted(start, places, side="right") - 1
        k = np.where(start[exact] == places, exact, before.clip(0))  # an atom comes before what begins where it is
        with np.errstate(over="ignore"):
            into, mass = (places - start[k]).clip(-FAR, FAR), upto[k] - below[k]
        width = np.where(span[k] > 0, span[k], 1.0)
        if step > 0:
            nth = np.rint(into / step)
            known = (into >= 0) & (nth < span[k]) & (np.abs(nth * step - into) < 1e-6)
            nth = np.clip(nth, 0.0, span[k] - 1)
            end = nth + 1
        else:
            known = (into >= 0) & (into <= span[k])
            nth = np.clip(into, 0.0, span[k])
            end = np.where(span[k] == 0, 1.0, nth)
        return below[k] + mass * nth / width, below[k] + mass * end / width, known


def pieces_of(parts: Sequence[Part]) -> Pieces:
    """Put distributions side by side."""
    at = np.arange(GUIDE) / GUIDE
    tables, guides, spans = [np.empty((0, 8))], [], [np.empty(0)]
    first = [0]
    for part in parts:
        kept = part.mass > 0
        upto = np.cumsum(part.mass[kept]) / part.mass.sum()
        upto[-1] = 1.0
        below = np.concatenate([[0.0], upto[:-1]])
        span, start = part.span[kept], part.start[kept]
        table, mass = np.zeros((len(upto), 8)), upto - below
        table[:, 0], table[:, 1] = upto, below
        np.divide(span, mass, out=table[:, 2], where=mass > 0)  # some are too small to be added to what lies before
        table[:, 3], table[:, 4], table[:, 5] = (span - 1.0 if part.step > 0 else span), start, part.step
        tables.append(table)
        spans.append(span)
        guides.append(first[-1] + np.searchsorted(upto, at, side="right").clip(0, len(upto) - 1))
        first.append(first[-1] + len(upto))
    return Pieces(
        np.array(first, np.int64),
        np.concatenate(tables),
        np.concatenate(spans),
        np.array(guides, np.int32).reshape(-1, GUIDE),
    )


def column_parts(column: Column, profile: ColumnProfile, order: npt.NDArray[np.int32] | None = None) -> Part:
    """The pieces of a column's marginal.

    Args:
        column: a column that is no surrogate.
        profile: its profile.
        order: for categories, the order in which the values take their part of [0, 1).
    """
    if not profile.knots:
        rank = np.arange(len(profile.values)) if order is None else order
        return categorical(np.array(profile.shares)[rank], rank)
    knots, atoms, inside = np.array(profile.knots), np.array(profile.atoms), np.array(profile.inside)
    scale = scale_of(column)
    step = 0.0
    if profile.step > 0:
        scale = scale if scale > 0 else 1.0
        knots, step = np.rint(knots * scale), float(np.rint(profile.step * scale))
    m = len(knots)
    mass, start, span = np.empty(2 * m - 1), np.empty(2 * m - 1), np.empty(2 * m - 1)
    mass[::2], mass[1::2] = atoms, inside
    start[::2], start[1::2] = knots, knots[:-1] + step
    span[::2], span[1::2] = (1.0, np.rint(np.diff(knots) / step) - 1) if step > 0 else (0.0, np.diff(knots))
    return Part(mass, start, span, step)


def categorical(shares: Floats, codes: npt.NDArray[Any]) -> Part:
    """A distribution over codes, in the order given.

    Args:
        shares: the probability of each, shape (k,).
        codes: what is drawn, shape (k,).
    """
    return Part(shares, codes.astype(np.float64), np.ones(len(codes)), 1.0)


def places_of(column: Column, profile: ColumnProfile, array: pa.Array[Any]) -> Floats:
    """Values as `Pieces` counts them: in units of the last digit, or their place among the profile's values.

    Args:
        column: a column that is no surrogate.
        profile: its profile.
        array: n values of the column's Arrow type.

    Returns:
        Their places, zero where missing, shape (n,).

    Raises:
        InputError: a category that is not known.
    """
    if column.kind in NUMERIC_KINDS:
        numbers, _ = as_numbers(column, array)
        scale = scale_of(column)
        with np.errstate(over="ignore"):  # what is so far out is never drawn, whatever its place
            return np.rint(numbers * scale) if profile.step > 0 and scale > 0 else numbers
    coded: Any = array if isinstance(array, pa.DictionaryArray) else array.cast(pa.string()).dictionary_encode()
    places = {value: float(at) for at, value in enumerate(profile.values)}
    used = coded.indices.drop_null().unique().to_pylist()
    words = coded.dictionary.to_pylist()
    unknown = [words[code] for code in used if words[code] not in places]
    if unknown:
        known = ", ".join(profile.values[:8]) + (", …" if len(profile.values) > 8 else "")
        raise InputError(f"{column.name}={unknown[0]}: is not a known value; choose one of {known}")
    table = np.array([*(places.get(word, 0.0) for word in words), 0.0])  # the last for those that are missing
    found: Floats = table[coded.indices.fill_null(len(words)).to_numpy()]
    return found


def intervals_of(
    column: Column, profile: ColumnProfile, pieces: Pieces, index: int, held: tuple[pa.Array[Any], Floats]
) -> tuple[Floats, Floats]:
    """The uniforms that become values; all of them where a value is missing.

    Args:
        column: a column that is no surrogate.
        profile: its profile.
        pieces: the distributions.
        index: which of them is the column's.
        held: the values, and their places, each of shape (n,).

    Returns:
        Where the uniforms of each value begin and end, two of shape (n,).

    Raises:
        InputError: the column never holds a value.
    """
    values, places = held
    missing = ~values.is_valid().to_numpy(zero_copy_only=False)
    low, high = pieces.intervals(index, places)
    low, high = np.where(missing, 0.0, low), np.where(missing, 1.0, high)
    if np.isnan(low).any():
        value = values[int(np.isnan(low).argmax())].as_py()
        within = f" from {profile.knots[0]:g} to {profile.knots[-1]:g}" if profile.knots else ""
        raise InputError(f"{column.name}={value}: never drawn; choose a value of the column{within}")
    return low, high


@numba.njit(cache=True, nogil=True)
def place(u: float, table: Floats, guide: npt.NDArray[np.int32]) -> float:
    """Turn a uniform into a value.

    Args:
        u: in [0, 1).
        table: the table of `Pieces`.
        guide: the distribution's row of the guide.
    """
    k = guide[int(u * GUIDE)]
    while table[k, 0] <= u:
        k += 1
    into = (u - table[k, 1]) * table[k, 2]
    into = min(into, table[k, 3])
    step = table[k, 5]
    if step > 0.0:
        into = math.floor(into) * step
    value: float = table[k, 4] + into
    return value


class Columns:
    """Turns drawn values into Arrow columns.

    Args:
        columns: the columns, with their profiles.
    """

    def __init__(self, columns: Sequence[tuple[Column, ColumnProfile]]) -> None:
        self._columns = tuple(columns)
        self._types = [column.arrow_type for column, _ in self._columns]
        self._values = [pa.array(profile.values, pa.string()) for _, profile in self._columns]

    def array(self, index: int, drawn: Floats, present: npt.NDArray[np.bool_] | None) -> pa.Array[Any]:
        """Make one column.

        Args:
            index: which column.
            drawn: its values as `place` gives them, shape (n,).
            present: where there is a value; None for everywhere.
        """
        column, profile = self._columns[index]
        mask = None if present is None else ~present
        if column.kind in (Kind.CATEGORY, Kind.TEXT):
            codes: pa.Int32Array = pa.array(drawn.astype(np.int32), pa.int32(), mask=mask)
            coded = pa.DictionaryArray.from_arrays(codes, self._values[index])
            return coded if column.kind is Kind.CATEGORY else coded.cast(pa.string())
        typed: pa.Array[Any] = pa.array(_typed(column, profile, drawn), mask=mask).view(self._types[index])
        return typed


def _typed(column: Column, profile: ColumnProfile, drawn: Floats) -> npt.NDArray[Any]:
    match column.kind:
        case Kind.NUMBER:
            scale = scale_of(column) if profile.step > 0 else 1.0
            return drawn / scale if scale > 1.0 else drawn
        case Kind.BOOLEAN:
            true = np.array([value == "true" for value in profile.values])
            return np.asarray(true[drawn.astype(np.int64)])
        case Kind.DATE:
            return drawn.astype(np.int32)
        case _:
            return np.clip(drawn, -_LARGEST, _LARGEST).astype(np.int64)


def without(array: pa.Array[Any], present: npt.NDArray[np.bool_]) -> pa.Array[Any]:
    """The array with nulls where nothing is present."""
    if present.all():
        return array
    indices: pa.Int64Array = pa.array(np.arange(len(array)), pa.int64(), mask=~present)
    return array.take(indices)
