"""The tables an assessment compares, counted once: every score reads them from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.numeric import NUMERIC_KINDS, as_numbers
from schemas.profile import Profile, profile_table
from schemas.row_counts import Pair, RowCounts, RowLayout
from schemas.rules import Rule
from schemas.table import Column, Kind, TableSchema

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

AT_ONCE = 65_536
"""Rows that are counted in one go."""

ROWS_A_CELL = 50
"""A numeric column gets a cell for so many rows of the smallest table, within `CELLS`."""

CELLS = (4, 128)
"""The fewest and the most cells of a numeric column."""

PAIR_WORK = 1_000_000_000
"""Rows times pairs that are counted; of a table with more, fewer rows are."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What rows are counted by; it follows from the real rows alone, and from how few rows there are at the least.

    Args:
        schema: the real table's columns, every one of which may be null.
        profile: the real table's marginals.
        fewest: rows of the smallest of the tables.
        target: the column that learners predict.
        rules: what every row should meet.
        seed: seeds what is drawn of the rows.
    """

    schema: TableSchema
    profile: Profile
    fewest: int
    target: str | None = None
    rules: tuple[Rule, ...] = ()
    seed: int = 0

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that have a distribution to compare: neither keys nor text."""
        return tuple(c for c in self.schema if not c.is_surrogate and c.kind is not Kind.TEXT)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Those of them that have an order."""
        numeric = (c.name for c in self.columns if c.kind in NUMERIC_KINDS and self.layout.bins[c.name].ordered)
        return tuple(name for name in numeric if self.profile[name].distinct > 0)

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Those of them that hold categories or booleans."""
        return tuple(c.name for c in self.columns if c.kind not in NUMERIC_KINDS)

    @cached_property
    def layout(self) -> RowLayout:
        """Where cells and moments are counted."""
        return RowLayout(self.columns, self.profile, (), int(np.clip(self.fewest // ROWS_A_CELL, *CELLS)))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs of the columns that have something to say."""
        return tuple(combinations([*self.numbers, *self.named], 2))

    @cached_property
    def paired(self) -> RowLayout:
        """Where pairs are counted, in cells coarse enough for the smallest table."""
        cells = int(np.clip((self.fewest / 400) ** 0.5 + 2, 3, 12))
        names = dict.fromkeys(name for pair in self.pairs for name in pair)
        return RowLayout([self.schema[name] for name in names], self.profile, self.pairs, cells)


@dataclass(frozen=True, eq=False)
class Side:
    """The rows of one of the tables.

    Args:
        table: under the schema's types.
        ground: what they are counted by.
    """

    table: pa.Table
    ground: Ground

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.table.num_rows

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """The cell of every row, by column, shape (rows,)."""
        return {name: bins.codes(self.table.column(name)) for name, bins in self.ground.layout.bins.items()}

    @cached_property
    def counts(self) -> RowCounts:
        """Rows in each cell of each column, and the moments of ranks."""
        layout, counts = self.ground.layout, np.zeros((1, self.ground.layout.size), np.int64)
        together = list(self.codes.values())
        for start in range(0, self.rows if together else 0, AT_ONCE):
            codes = np.stack([each[start : start + AT_ONCE] for each in together])
            layout.add_codes(codes, np.zeros(0, np.int64), counts)
        return layout.read(counts[0])

    @cached_property
    def pairs(self) -> Mapping[Pair, Longs]:
        """Rows in each pair of coarse cells, by pair of columns."""
        layout = self.ground.paired
        counts = np.zeros((1, layout.size), np.int64)
        if layout.pairs:
            most = max(PAIR_WORK // len(layout.pairs), 10_000)
            table = self.table if self.rows <= most else self.table.take(self.some(most, "pairs"))
            for batch in table.to_batches(AT_ONCE):
                layout.add(batch, np.zeros(0, np.int64), counts)
        return {pair: layout.pair_of(counts[0], pair) for pair in layout.pairs}

    @cached_property
    def numbers(self) -> Mapping[str, Floats]:
        """Columns that have an order as doubles, not a number where missing, shape (rows,)."""
        found = {}
        for name in self.ground.numbers:
            values, present = as_numbers(self.ground.schema[name], self.table.column(name))
            values[~present] = np.nan
            found[name] = values
        return found

    @cached_property
    def rising(self) -> Mapping[str, Floats]:
        """The same, those that are present, from the least to the largest."""
        return {name: np.sort(values[~np.isnan(values)]) for name, values in self.numbers.items()}

    def missing(self, name: str) -> npt.NDArray[np.bool_]:
        """Where a column has no value, shape (rows,)."""
        found: npt.NDArray[np.bool_] = self.codes[name] == self.ground.layout.bins[name].null
        return found

    def some(self, most: int, purpose: str) -> Longs:
        """Some of the rows, drawn evenly and always the same for a purpose; all, shuffled, where they are so few.

        Args:
            most: how many.
            purpose: two purposes draw other rows.
        """
        words = [self.ground.seed, *purpose.encode(), self.rows]
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
        return rng.permutation(self.rows)[:most].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Tables:
    """What is assessed.

    Args:
        ground: what all are counted by.
        real: the rows that the synthetic ones are held against, and that training saw.
        synthetic: the rows that are assessed.
        holdout: real rows that training did not see; None where there are none.
        notes: what people should know of how the tables came to be.
    """

    ground: Ground
    real: Side
    synthetic: Side
    holdout: Side | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, ground: Ground, tables: Sequence[pa.Table | None], notes: Sequence[str] = ()) -> Tables:
        """Of the real, the synthetic and, unless it is None, the held out table."""
        real, synthetic, holdout = (None if each is None else Side(each, ground) for each in tables)
        assert real is not None
        assert synthetic is not None
        return cls(ground, real, synthetic, holdout, tuple(notes))


def ground_of(
    real: pa.Table,
    schema: TableSchema,
    fewest: int,
    target: str | None = None,
    rules: tuple[Rule, ...] = (),
    seed: int = 0,
) -> Ground:
    """What rows are counted by, from the real table.

    Args: as of `Ground`; real is under the schema's types.
    """
    return Ground(schema, profile_table(real, schema), fewest, target, rules, seed)
