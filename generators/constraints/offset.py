"""A column as its distance from what other columns say it is about: the lowest it may be, or what a formula makes it.

Drawing the distance in place of the column keeps `a <= b` wherever distances are not negative, which those of rows
that meet the rule never are, and `total = a + b` wherever they are zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generators.constraints.units import Mask, Units, apart, array_of, like, rounded, units_of
from schemas.joint_rules import Formula
from schemas.table import Column, Kind, Role
from schemas.values import doubles_of

Known = Mapping[str, tuple[Units, Mask]]
"""By column its units, and where they are known: where it is missing, the lowest it could have been stands for it."""


@dataclass(frozen=True)
class Offset:
    """One column by its distance from its anchor.

    Args:
        column: the table's.
        name: what the distance is called.
        parents: the columns of the anchor.
        formula: what the column equals; None where it is at least as large as the largest parent.
    """

    column: Column
    name: str
    parents: tuple[Column, ...]
    formula: Formula | None = None

    @property
    def distance(self) -> Column:
        """The column that is drawn."""
        role = Role.TARGET if self.column.role is Role.TARGET else Role.ATTRIBUTE
        kind = Kind.NUMBER if self.column.kind is Kind.NUMBER else Kind.INTEGER
        decimals = self.column.decimals if kind is Kind.NUMBER else None
        return Column(self.name, kind, self.column.nullable, role, decimals)

    def anchor(self, arrays: Mapping[str, pa.Array[Any]], levels: Known) -> tuple[Units, Mask]:
        """What the distance is from, zero where nothing is known, and where something is; two of shape (n,).

        Args:
            arrays: by column the rows' values.
            levels: by column its units, for each parent.
        """
        if self.formula is not None:
            return self._expected(self.formula, arrays)
        anchor, known = None, None
        for parent in self.parents:
            units, there = levels[parent.name]
            own = like(self.column, parent, units)
            if anchor is None or known is None:
                anchor, known = np.where(there, own, 0), there
            else:
                anchor = np.where(there & (~known | (own > anchor)), own, anchor)
                known = known | there
        assert anchor is not None
        assert known is not None
        return anchor, known

    def _expected(self, formula: Formula, arrays: Mapping[str, pa.Array[Any]]) -> tuple[Units, Mask]:
        read = {name: doubles_of(arrays[name]) for name in formula.inputs}
        rows = len(next(iter(arrays.values())))
        wanted = np.broadcast_to(formula.expected({name: values for name, (values, _) in read.items()}), (rows,))
        known = np.isfinite(wanted)
        return rounded(self.column, np.where(known, wanted, 0.0)), known

    def forward(self, arrays: Mapping[str, pa.Array[Any]], levels: dict[str, tuple[Units, Mask]]) -> pa.Array[Any]:
        """The distance of rows; notes the column's level.

        Args:
            arrays: by column the rows' values, this one's too.
            levels: of the columns before it.
        """
        anchor, known = self.anchor(arrays, levels)
        units, present = units_of(self.column, arrays[self.column.name])
        self._note(units, present, (anchor, known), levels)
        return array_of(self.distance, apart(units, anchor), present)

    def back(
        self, distance: pa.Array[Any], arrays: Mapping[str, pa.Array[Any]], levels: dict[str, tuple[Units, Mask]]
    ) -> pa.Array[Any]:
        """The column of rows; notes its level.

        Args:
            distance: as drawn, shape (n,).
            arrays: by column the rows' values, for each parent.
            levels: of the columns before it.
        """
        anchor, known = self.anchor(arrays, levels)
        far, present = units_of(self.distance, distance)
        units = anchor + far
        self._note(units, present, (anchor, known), levels)
        return array_of(self.column, units, present)

    def _note(
        self, units: Units, present: Mask, anchored: tuple[Units, Mask], levels: dict[str, tuple[Units, Mask]]
    ) -> None:
        anchor, known = anchored
        below = known & (self.formula is None)  # a missing column is passed over in an order, not in a formula
        levels[self.column.name] = (np.where(present, units, anchor), present | below)
