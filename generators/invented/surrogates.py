"""Invented values for text, identifier and key columns: the real format or meaning, never a real value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.invented.curves import Curve
from generators.invented.persona_fitting import fit_persona
from generators.invented.personas import Persona, groups_of
from generators.invented.pools import ALMOST_UNIQUE, MAX_POOL, Arrays, invented, popularity, restored, stored
from generators.invented.strings import strings, variety
from generators.keys import DEFAULT_BASE, ROOM
from generators.randomness import Purpose, stream_key, words
from schemas.errors import InputError
from schemas.profile import ColumnProfile, Profile, value_counts
from schemas.table import Column, Kind, Role, TableSchema

ROOM_FOR_FRESH = 1e12
"""Fresh draws need this many spellings a real value, so that none is ever met by chance."""

MASKS = 10_000
"""Masks are as frequent as among so many strings of the column's format."""


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
        if self.pool is None or self._curve is None:
            assert self.profile.text is not None
            seeds = (uniforms * 2.0**53).astype(np.uint64)
            return self._typed(pa.array(strings(self.profile.text, seeds), pa.string()))
        return self.pool.take(np.minimum(self._curve.at(uniforms[:, 0]), len(self.pool) - 1))

    @cached_property
    def _curve(self) -> Curve | None:
        """How popular the pool's values are."""
        return None if self.ranks is None or self.reached is None else Curve(self.ranks, self.reached)

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
        return {
            **stored([str(value) for value in self.pool.to_pylist()]),
            "ranks": self.ranks,
            "reached": self.reached,
        }

    @classmethod
    def from_arrays(cls, column: Column, profile: ColumnProfile, arrays: Mapping[str, npt.NDArray[Any]]) -> Surrogate:
        """Rebuild what `arrays` came from."""
        if not arrays:
            return cls(column, profile)
        return cls(column, profile, _pool_array(column, restored(arrays)), arrays["ranks"], arrays["reached"])

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
        if column.mask:
            return cls._masked(column, profile, seed)
        unique = len(values) >= ALMOST_UNIQUE * max(int(counts.sum()), 1)
        if unique and column.kind is not Kind.INTEGER and variety(text) >= ROOM_FOR_FRESH * max(len(values), 1):
            return cls(column, profile)
        size = max(1, min(len(values), MAX_POOL))
        pool = invented(text, column, set(values), size, seed)
        ranks, reached = popularity(counts, size)
        return cls(column, profile, _pool_array(column, pool), ranks, reached)

    @classmethod
    def _masked(cls, column: Column, profile: ColumnProfile, seed: int) -> Surrogate:
        """Strings of the column's format with a star for every letter and digit, as frequent as the format has them."""
        assert profile.text is not None
        seeds = words(stream_key(f"mask {column.name}", seed, 0, 0, Purpose.TRAINING), 0, 2 * MASKS).reshape(-1, 2)
        plain = pa.array(strings(profile.text, seeds), pa.string())
        stars: Any = pc.replace_substring_regex(plain, r"[\p{L}\p{N}]", "*")
        values, counts = value_counts(pa.chunked_array([stars]))
        ranks, reached = popularity(counts, len(values))
        return cls(column, profile, _pool_array(column, values), ranks, reached)


def _pool_array(column: Column, values: list[str]) -> pa.Array[Any]:
    if column.kind is Kind.INTEGER:
        return pa.array([int(v) for v in values], pa.int64())
    if column.kind is Kind.CATEGORY:
        return pa.array(values, pa.string()).dictionary_encode().cast(column.arrow_type)
    return pa.array(values, pa.string())


@dataclass(frozen=True, eq=False)
class Surrogates:
    """The surrogates of a whole table.

    Args:
        columns: by the column's place in the table.
        personas: what columns that speak of one person or place are faked by, together.
    """

    columns: Mapping[int, Surrogate]
    personas: Sequence[Persona] = ()

    @property
    def width(self) -> int:
        """How many uniforms a row takes."""
        return sum(s.width for s in self._alone.values()) + sum(p.width for p in self.personas)

    @cached_property
    def _alone(self) -> dict[int, Surrogate]:
        """The columns that no persona fakes."""
        together = {i for persona in self.personas for i in persona.columns}
        return {i: surrogate for i, surrogate in self.columns.items() if i not in together}

    @classmethod
    def fit(cls, table: pa.Table, schema: TableSchema, profile: Profile, seed: int) -> Surrogates:
        """Fit every column whose values are invented."""
        personas = [fit_persona(table, schema, profile, columns, seed) for columns in groups_of(schema)]
        together = _together(personas, profile)
        alone = {
            i: Surrogate.fit(table.column(c.name), c, profile[c.name], seed)
            for i, c in enumerate(schema)
            if c.is_surrogate and i not in together
        }
        return cls(dict(sorted((alone | together).items())), personas)

    def draw(self, uniforms: npt.NDArray[np.float64], held: Mapping[int, pa.Array[Any]]) -> dict[int, pa.Array[Any]]:
        """Invent every column.

        Args:
            uniforms: in [0, 1), shape (n, width).
            held: columns held at values, by place in the table: what speaks of the same person or place agrees with
                them as far as it can.
        """
        arrays, at = {}, 0
        for index, surrogate in self._alone.items():
            arrays[index] = surrogate.draw(uniforms[:, at : at + surrogate.width])
            at += surrogate.width
        for persona in self.personas:
            arrays |= persona.draw(uniforms[:, at : at + persona.width], held)
            at += persona.width
        return arrays

    def weights(self) -> Arrays:
        """The arrays of every column, named surrogate.<place>.<part>, and of every persona."""
        found = {f"surrogate.{i}.{part}": a for i, s in self._alone.items() for part, a in s.arrays().items()}
        return found | {
            f"persona.{k}.{part}": a for k, p in enumerate(self.personas) for part, a in p.weights().items()
        }

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Surrogates:
        """Rebuild what `weights` came from."""
        personas = [
            Persona.from_weights(_under(f"persona.{k}.", weights), columns)
            for k, columns in enumerate(groups_of(schema))
        ]
        together = _together(personas, profile)
        alone = {
            i: Surrogate.from_arrays(c, profile[c.name], _under(f"surrogate.{i}.", weights))
            for i, c in enumerate(schema)
            if c.is_surrogate and i not in together
        }
        return cls(dict(sorted((alone | together).items())), personas)


def _under(prefix: str, weights: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    return {name.removeprefix(prefix): a for name, a in weights.items() if name.startswith(prefix)}


def _together(personas: Sequence[Persona], profile: Profile) -> dict[int, Surrogate]:
    """What can be said of each column that personas fake; their pools are listed where personas come again."""
    found = {}
    for persona in personas:
        for i, column in persona.columns.items():
            found[i] = Surrogate(column, profile.columns[i])
            if persona.size:
                values, shares = persona.domain(i)
                reached = np.concatenate([[0.0], np.cumsum(shares)])
                found[i] = Surrogate(column, profile.columns[i], values, np.arange(len(values) + 1.0), reached)
    return found
