"""A table under study: some of its rows as codes and numbers, read once by all that looks for something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.bins import bins_of
from schemas.numeric import NUMERIC_KINDS
from schemas.profile import Profile
from schemas.rows import Rows
from schemas.table import Column, TableSchema
from schemas.values import decoded, doubles_of, filled

SOME = 20_000
"""So many rows are looked at where something is searched for; what is found is measured on all."""

MOST_CELLS = 16
"""No column has more coarse cells."""

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Study:
    """What is looked at.

    Args:
        rows: the rows, cast to `schema.arrow_schema`.
        schema: what the columns are.
        profile: their safe marginals.
        seed: seeds which rows are looked at.
    """

    rows: Rows
    schema: TableSchema
    profile: Profile
    seed: int = 0

    @cached_property
    def modelled(self) -> tuple[Column, ...]:
        """The columns whose values a generator learns."""
        return tuple(column for column in self.schema if not column.is_surrogate)

    @cached_property
    def varying(self) -> tuple[Column, ...]:
        """Those of them that do not hold one value throughout; a gap counts as a value."""
        known = self.profile
        return tuple(c for c in self.modelled if known[c.name].distinct + (known[c.name].nulls > 0) > 1)

    @cached_property
    def some(self) -> pa.Table:
        """Some of the rows, drawn evenly and kept in order; all where they are few."""
        table = self.rows.table
        if table.num_rows <= SOME:
            return table
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, table.num_rows])))
        return table.take(np.sort(rng.choice(table.num_rows, SOME, replace=False))).combine_chunks()

    @property
    def count(self) -> int:
        """How many rows `some` has."""
        return self.some.num_rows

    def array(self, name: str) -> pa.Array[Any]:
        """A column of `some`, in one piece."""
        values: Any = self.some.column(name).combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
        array: pa.Array[Any] = values
        return array

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """By column a number for each distinct value, -1 where missing, shape (rows,)."""
        found = {}
        for name in self.schema.names:
            encoded: Any = decoded(self.array(name)).dictionary_encode()
            found[name] = filled(encoded.indices, -1).astype(np.int64)
        return found

    @cached_property
    def numbers(self) -> Mapping[str, Floats]:
        """The modelled columns of numbers and times as rules read them, not a number where missing, shape (rows,)."""
        numeric = [column.name for column in self.varying if column.kind in NUMERIC_KINDS]
        return {name: doubles_of(self.array(name))[0] for name in numeric}

    @cached_property
    def coarse(self) -> Mapping[str, Codes]:
        """By modelled column that varies a coarse cell a row, missing ones among them, shape (rows,).

        There are so few cells that a pair of columns has five rows or more in each of their cells on average.
        """
        most = int(np.clip((self.count / 5) ** 0.5, 2, MOST_CELLS))
        return {column.name: self._cells(column, most) for column in self.varying}

    def _cells(self, column: Column, most: int) -> Codes:
        bins = bins_of(column, self.profile[column.name], most)
        codes = bins.codes(self.array(column.name)).astype(np.int64)
        used, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
        if len(used) <= most or bins.ordered:
            return codes.astype(np.int64)
        rank = np.argsort(np.argsort(-counts, kind="stable"))  # the rarest share a cell
        return np.minimum(rank, most - 1)[codes].astype(np.int64)

    def shuffled(self, codes: Codes) -> Codes:
        """The same values in another order, as if they had nothing to do with the rest of their rows."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, len(codes), 1])))
        return codes[rng.permutation(len(codes))]


def together(first: Codes, second: Codes) -> Codes:
    """Rows in each pair of cells, shape (cells of one, cells of the other)."""
    a, b = int(first.max(initial=0)) + 1, int(second.max(initial=0)) + 1
    return np.bincount(first * b + second, minlength=a * b).reshape(a, b).astype(np.int64)
