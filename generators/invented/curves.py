"""Popularity curves: which of the invented values, the most frequent first, a uniform falls on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from schemas.kernel import kernel

STRETCHES = 1_024
"""Into so many stretches [0, 1) is cut, each of which knows where on the curve it begins."""

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Curve:
    """How many of the most frequent values hold which share of the rows; linear between knots.

    Args:
        ranks: how many values, rising from 0, shape (knots,), two knots or more.
        reached: the share of the rows these hold, rising from 0 to 1, shape (knots,).

    >>> Curve(np.array([0.0, 1.0, 5.0]), np.array([0.0, 0.5, 1.0])).at(np.array([0.0, 0.49, 0.5, 0.99])).tolist()
    [0, 0, 1, 4]
    """

    ranks: Floats
    reached: Floats

    @property
    def size(self) -> int:
        """How many values there are."""
        return round(float(self.ranks[-1]))

    @cached_property
    def _begins(self) -> Longs:
        """By stretch the last knot that does not lie behind its beginning."""
        found: Longs = np.searchsorted(self.reached, np.arange(STRETCHES) / STRETCHES, side="right") - 1
        return found.clip(0, len(self.reached) - 2)

    def at(self, uniforms: Floats) -> Longs:
        """The rank each row has, below `size`, shape (n,): `numpy.interp`, several times as fast.

        Args:
            uniforms: in [0, 1), shape (n,).
        """
        return _ranks(np.ascontiguousarray(uniforms), self._begins, self.ranks, self.reached, self.size - 1)


@kernel
def _ranks(uniforms: Floats, begins: Longs, ranks: Floats, reached: Floats, most: int) -> Longs:
    found = np.empty(len(uniforms), np.int64)
    for row in range(len(uniforms)):
        u = uniforms[row]
        knot = begins[np.int64(u * len(begins))]
        while knot + 2 < len(reached) and reached[knot + 1] <= u:
            knot += 1
        wide = reached[knot + 1] - reached[knot]
        slope = (ranks[knot + 1] - ranks[knot]) / wide if wide > 0 else 0.0
        rank = np.int64(slope * (u - reached[knot]) + ranks[knot])
        found[row] = rank if rank < most else most
    return found
