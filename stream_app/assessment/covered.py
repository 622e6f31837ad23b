"""Which cells of the real table the synthetic one still fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from monitors.estimate import Estimate
from monitors.intervals import MISS, between
from stream_app.assessment.tables import Floats, Longs

LEAST_OF = 0.2
"""A cell is covered when it comes at least so many times as often as in the real table."""

EXPECTED = 5.0
"""Of a cell where fewer rows than this are expected nothing can be told."""


@dataclass(frozen=True, eq=False)
class Covered:
    """What can be told of the cells of one column, or of a pair.

    Args:
        told: which cells have enough rows to be told of, shape (cells,).
        seen: which of all come often enough; surely: which do so beyond chance; perhaps: which may, all of shape
            (cells,).
        mass: the real share of each cell, shape (cells,).
        n: synthetic rows.
    """

    told: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]
    surely: npt.NDArray[np.bool_]
    perhaps: npt.NDArray[np.bool_]
    mass: Floats
    n: int

    def share(self, weights: Floats) -> Estimate | None:
        """The part of the cells told of that is covered, each by its weight; None where nothing can be told.

        Args:
            weights: at least 0, shape (cells,).
        """
        whole = float(weights[self.told].sum())
        if whole == 0:
            return None
        value, low, high = (
            float(weights[self.told & each].sum()) / whole for each in (self.seen, self.surely, self.perhaps)
        )
        return between(value, low, high, self.n)


def covered(real: Longs, here: Longs) -> Covered:
    """Find the cells that are covered.

    The bounds of a cell's share are those of Poisson counts, for all cells at once (Bonferroni).

    Args:
        real: real rows in each cell, shape (cells,).
        here: synthetic rows in each cell, shape (cells,).
    """
    n, m = max(int(real.sum()), 1), max(int(here.sum()), 1)
    mass, share = real / n, here / m
    told = (mass * m >= EXPECTED) & (real >= EXPECTED)
    tail = MISS / 4 / max(int(told.sum()), 1)
    low, high = _bounds(real, tail)
    least, most = _bounds(here, tail)
    seen = share >= LEAST_OF * mass
    return Covered(told, seen, least / m >= LEAST_OF * high / n, most / m >= LEAST_OF * low / n, mass, m)


def _bounds(counts: Longs, tail: float) -> tuple[Floats, Floats]:
    """The exact limits of the mean of Poisson counts (Garwood 1936), each missed as often as `tail`."""
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return low.astype(np.float64), np.asarray(gammaincinv(counts + 1, 1 - tail), np.float64)
