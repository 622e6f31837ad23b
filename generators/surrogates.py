"""Invented values for text, identifier and key columns: the real format, never a real value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.keys import DEFAULT_BASE, ROOM
from generators.randomness import Purpose, stream_key, words
from generators.strings import strings, variety
from schemas.errors import InputError
from schemas.formats import Template, TextFormat
from schemas.profile import ColumnProfile, Profile, value_counts
from schemas.table import Column, Kind, Role, TableSchema

MAX_POOL = 50_000
"""A column repeats at most this many invented values."""

POPULARITY_KNOTS = 256

ALMOST_UNIQUE = 0.95
"""From this share of distinct values on, a column gets a fresh value each row, if its format has the room."""

ROOM_FOR_FRESH = 1e12
"""Fresh draws need this many spellings a real value, so that none is ever met by chance."""

TELLING = range(4, 13)
"""Real values of these lengths are avoided as parts of invented ones too, for the first `ROUNDS` rounds; no longer one
is ever a part by chance."""

ROUNDS = 8
"""After so many rounds that did not fill a pool, its format grows by a place."""

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Surrogate:
    """How one column's values are invented.

    Args:
        column: the column.
        profile: its profile, which holds the format.
        pool: the invented values, the most frequent first; None for keys and fresh draws.
        ranks: knots of the popularity curve: how many of the most frequent values, rising from 0 to the pool's size.
        reached: the share of rows these hold, rising from 0 to 1.
    """

    column: Column
    profile: ColumnProfile
    pool: pa.Array[Any] | None = None
    ranks: npt.NDArray[np.float64] | None = None
    reached: npt.NDArray[np.float64] | None = None

    @property
    def width(self) -> int:
        """How many uniforms a value takes."""
        if self.column.role is Role.KEY:
            return 0
        return 2 if self.pool is None else 1

    def draw(self, uniforms: npt.NDArray[np.float64]) -> pa.Array[Any]:
        """Invent a value a row.

        Args:
            uniforms: in [0, 1), shape (n, width).
        """
        if self.column.role is Role.KEY:
            base = self.profile.key_base if self.profile.key_base is not None else DEFAULT_BASE
            return self._typed(pa.array(base + ROOM * np.arange(len(uniforms), dtype=np.int64)))
        if self.pool is None or self.ranks is None or self.reached is None:
            assert self.profile.text is not None
            seeds = (uniforms * 2.0**53).astype(np.uint64)
            return self._typed(pa.array(strings(self.profile.text, seeds), pa.string()))
        rank = np.interp(uniforms[:, 0], self.reached, self.ranks).astype(np.int64)
        return self.pool.take(np.minimum(rank, len(self.pool) - 1))

    def check(self, values: pa.Array[Any]) -> None:
        """Refuse values that are never invented.

        Args:
            values: of the column's Arrow type.

        Raises:
            InputError: a value that is not in the pool, or any where there is none.
        """
        plain = values.cast(pa.string()).drop_null()
        if self.pool is not None:
            plain = plain.filter(pc.invert(pc.is_in(plain, value_set=self.pool.cast(pa.string()))))
        if len(plain):
            invented = "the column's values are invented; it can be held at null only"
            why = invented if self.pool is None else "is not among the values invented for it"
            raise InputError(f"{self.column.name}={plain[0]}: {why}")

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """The probability of each value of the pool, shape (pool,); empty where there is none."""
        if self.pool is None or self.ranks is None or self.reached is None:
            return np.zeros(0)
        upto = np.interp(np.arange(len(self.pool) + 1), self.ranks, self.reached)
        upto[-1] = 1.0
        return np.diff(upto)

    def _typed(self, values: pa.Array[Any]) -> pa.Array[Any]:
        if self.column.kind is Kind.CATEGORY:
            return values.cast(pa.string()).dictionary_encode().cast(self.column.arrow_type)
        return values.cast(self.column.arrow_type)

    def arrays(self) -> Arrays:
        """What `from_arrays` rebuilds the surrogate from; empty for keys and fresh draws."""
        if self.pool is None or self.ranks is None or self.reached is None:
            return {}
        text = [str(value).encode() for value in self.pool.to_pylist()]
        return {
            "pool": np.frombuffer(b"\0".join(text), np.uint8).copy(),
            "ends": np.cumsum([len(t) + 1 for t in text]).astype(np.int64),
            "ranks": self.ranks,
            "reached": self.reached,
        }

    @classmethod
    def from_arrays(cls, column: Column, profile: ColumnProfile, arrays: Mapping[str, npt.NDArray[Any]]) -> Surrogate:
        """Rebuild what `arrays` came from."""
        if not arrays:
            return cls(column, profile)
        data, ends = arrays["pool"].tobytes(), arrays["ends"].tolist()
        values = [data[a : b - 1].decode() for a, b in pairwise([0, *ends])]
        return cls(column, profile, _pool_array(column, values), arrays["ranks"], arrays["reached"])

    @classmethod
    def fit(cls, array: pa.ChunkedArray[Any], column: Column, profile: ColumnProfile, seed: int) -> Surrogate:
        """Draw the pool, if the column needs one: as many values as are distinct, none of them real.

        Args:
            array: the real values.
            column: the column.
            profile: its profile.
            seed: seeds the pool.
        """
        text = profile.text
        if column.role is Role.KEY or text is None:
            return cls(column, profile)
        values, counts = value_counts(array)
        unique = len(values) >= ALMOST_UNIQUE * max(int(counts.sum()), 1)
        if unique and column.kind is not Kind.INTEGER and variety(text) >= ROOM_FOR_FRESH * max(len(values), 1):
            return cls(column, profile)
        size = max(1, min(len(values), MAX_POOL))
        pool = _pool(text, column, set(values), size, seed)
        ranks, reached = _popularity(counts, size)
        return cls(column, profile, _pool_array(column, pool), ranks, reached)


def _pool_array(column: Column, values: list[str]) -> pa.Array[Any]:
    if column.kind is Kind.INTEGER:
        return pa.array([int(v) for v in values], pa.int64())
    if column.kind is Kind.CATEGORY:
        return pa.array(values, pa.string()).dictionary_encode().cast(column.arrow_type)
    return pa.array(values, pa.string())


def _popularity(counts: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if len(counts) == 0:
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    at = np.unique(np.rint(np.geomspace(1, len(counts), POPULARITY_KNOTS))).astype(np.int64)
    reached = np.cumsum(counts)[at - 1] / counts.sum()
    ranks = at * (size / len(counts))
    return np.concatenate([[0.0], ranks]), np.concatenate([[0.0], reached])


def _pool(text: TextFormat, column: Column, real: set[str], size: int, seed: int) -> list[str]:
    """Invent distinct strings that are not real; the format grows where it has no room for them."""
    key = stream_key(f"pool {column.name}", seed, 0, 0, Purpose.TRAINING)
    integer = column.kind is Kind.INTEGER
    lengths = sorted({len(value) for value in real if len(value) in TELLING})
    found: dict[str, None] = {}
    for attempt in range(1_000):
        seeds = words(key, attempt, 4 * size).reshape(-1, 2)
        for value in strings(text, seeds).tolist():
            if value in real or (integer and not _is_integer(value)):
                continue
            if attempt >= ROUNDS or not _quotes(value, real, lengths):
                found[value] = None
        if len(found) >= size:
            break
        if attempt % ROUNDS == ROUNDS - 1:
            text = _wide_integer() if integer else _grown(text)
    return list(found)[:size]


def _quotes(value: str, real: set[str], lengths: Sequence[int]) -> bool:
    """Whether a real value of a telling length is a part of this one."""
    return any(value[at : at + n] in real for n in lengths for at in range(len(value) - n + 1))


def _is_integer(value: str) -> bool:
    digits = value.removeprefix("-")
    return digits.isdecimal() and str(int(value)) == value and abs(int(value)) < 2**63


def _wide_integer() -> TextFormat:
    return TextFormat((Template(1.0, ("nonzero", *["digit"] * 16)),))


def _grown(text: TextFormat) -> TextFormat:
    if text.templates:
        return TextFormat(tuple(replace(t, places=(*t.places, "letter+digit")) for t in text.templates))
    return replace(text, letters=tuple(n + 1 for n in text.letters))


@dataclass(frozen=True, eq=False)
class Surrogates:
    """The surrogates of a whole table.

    Args:
        columns: by the column's place in the table.
    """

    columns: Mapping[int, Surrogate]

    @property
    def width(self) -> int:
        """How many uniforms a row takes."""
        return sum(s.width for s in self.columns.values())

    @classmethod
    def fit(cls, table: pa.Table, schema: TableSchema, profile: Profile, seed: int) -> Surrogates:
        """Fit every column whose values are invented."""
        return cls(
            {
                i: Surrogate.fit(table.column(c.name), c, profile[c.name], seed)
                for i, c in enumerate(schema)
                if c.is_surrogate
            }
        )

    def draw(self, uniforms: npt.NDArray[np.float64]) -> dict[int, pa.Array[Any]]:
        """Invent every column.

        Args:
            uniforms: in [0, 1), shape (n, width).
        """
        arrays, at = {}, 0
        for index, surrogate in self.columns.items():
            arrays[index] = surrogate.draw(uniforms[:, at : at + surrogate.width])
            at += surrogate.width
        return arrays

    def weights(self) -> Arrays:
        """The arrays of every column, named surrogate.<place>.<part>."""
        return {f"surrogate.{i}.{part}": a for i, s in self.columns.items() for part, a in s.arrays().items()}

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Surrogates:
        """Rebuild what `weights` came from."""
        columns = {}
        for i, column in enumerate(schema):
            if column.is_surrogate:
                prefix = f"surrogate.{i}."
                arrays = {name.removeprefix(prefix): a for name, a in weights.items() if name.startswith(prefix)}
                columns[i] = Surrogate.from_arrays(column, profile[column.name], arrays)
        return cls(columns)
