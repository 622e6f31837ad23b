"""Rows as learners take them: what is known of the columns is known from the real rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from schemas.row_counts import scores
from stream_app.assessment.tables import Floats, Longs, Side, Tables

MOST_VALUES = 200
"""Further values of a category are one to trees."""

MOST_INDICATORS = 30
"""Further values of a category have no indicator of their own in linear models."""


@dataclass(frozen=True, eq=False)
class Features:
    """The columns that learners are given.

    Args:
        tables: what is assessed.
        without: a column that is left out: the one that is learned.
    """

    tables: Tables
    without: str | None = None

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Numeric columns."""
        return tuple(name for name in self.tables.ground.numbers if name != self.without)

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Columns of categories."""
        return tuple(name for name in self.tables.ground.named if name != self.without)

    @cached_property
    def categorical(self) -> list[bool]:
        """Which columns of `for_trees` are categories."""
        return [False] * len(self.numbers) + [True] * len(self.named)

    @cached_property
    def _scales(self) -> Mapping[str, tuple[float, float]]:
        found = {}
        for name in self.numbers:
            rising = self.tables.real.rising[name]
            low, middle, high = np.quantile(rising, [0.05, 0.5, 0.95])
            found[name] = float(middle), float(max(high - low, 1e-12))
        return found

    def for_trees(self, side: Side, rows: Longs) -> Floats:
        """Numbers as they are, shifted and scaled, and categories as codes; not a number where missing.

        Args:
            side: whose rows; rows: which.

        Returns:
            Shape (rows, columns).
        """
        found = np.empty((len(rows), len(self.categorical)))
        for place, name in enumerate(self.numbers):
            middle, spread = self._scales[name]
            found[:, place] = (side.numbers[name][rows] - middle) / spread
        for place, name in enumerate(self.named, len(self.numbers)):
            codes = side.codes[name][rows]
            found[:, place] = np.minimum(codes, MOST_VALUES)
            found[codes == self.tables.ground.layout.bins[name].null, place] = np.nan
        return found

    def for_lines(self, side: Side, rows: Longs) -> Floats:
        """Numbers by value and by rank, and an indicator for each frequent value and for missing ones.

        Args:
            side: whose rows; rows: which.

        Returns:
            Shape (rows, features).
        """
        parts: list[Floats] = []
        for name in self.numbers:
            bins, codes = self.tables.ground.layout.bins[name], side.codes[name][rows]
            middle, spread = self._scales[name]
            values = np.nan_to_num((side.numbers[name][rows] - middle) / spread)
            parts += [np.clip(values, -3, 3), scores(bins)[codes] / 500.0, (codes == bins.null).astype(np.float64)]
        for name in self.named:
            bins, codes = self.tables.ground.layout.bins[name], side.codes[name][rows]
            frequent = np.argsort(-bins.expected, kind="stable")[:MOST_INDICATORS]
            parts += [(codes == cell).astype(np.float64) for cell in frequent]
        return np.stack(parts, axis=1) if parts else np.zeros((len(rows), 1))
