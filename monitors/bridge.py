"""How large the gap between an empirical and the true distribution function gets by chance, seen at cells' edges alone.

A continuous column's gap follows Kolmogorov's law; cells see less of it, and few cells far less. The law for given
cells is drawn once, as Brownian bridges; beyond what was drawn it falls as Kolmogorov's does, which is never faster
than the truth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitors.distances import Numbers

DRAWS = 10_000
"""Bridges drawn for each column."""

ANCHOR = 100
"""Where the drawn tail ends and the analytic one begins: at the value that so many bridges passed."""

STEP = 0.005
REACH = 3.0
"""The table has a place every `STEP` up to `REACH`, in units of one record's gap."""

AT_ONCE = 1 << 21
"""Normal deviates held in memory at once."""


class BridgeTails:
    """The chance that the root of n times the gap passes a value, for many columns at once.

    Args:
        shares: for each column the shares of its cells, in order.
        seed: of the bridges; every column is drawn by the same numbers, so none depends on its neighbours.
    """

    def __init__(self, shares: Sequence[Numbers], seed: int = 0) -> None:
        drawn = [_largest_gaps(share, seed) for share in shares]
        places = np.arange(0, REACH, STEP)
        above = [DRAWS - np.searchsorted(np.sort(gaps), places, side="left") for gaps in drawn]
        counts = np.array(above, float).reshape(len(drawn), len(places))
        # two standard errors above what was drawn: a tail that errs does so on the careful side
        self._table = np.minimum(np.log(np.maximum((counts + 2 * np.sqrt(counts)) / DRAWS, 1e-300)), 0.0)
        self._from = np.array([np.sort(gaps)[-ANCHOR] for gaps in drawn])
        self._log_from = np.full(len(drawn), np.log((ANCHOR + 2 * np.sqrt(ANCHOR)) / DRAWS))

    def log_p(self, gap: Numbers) -> Numbers:
        """The logarithm of that chance.

        Args:
            gap: the root of n times the gap, at least 0, shape (..., columns).
        """
        place = np.minimum((gap / STEP).astype(np.intp), self._table.shape[1] - 1)
        drawn = self._table[np.arange(gap.shape[-1]), place]
        beyond = self._log_from - 2 * (gap**2 - self._from**2)
        kolmogorov = np.log(2) - 2 * gap**2  # holds for all cells and every n (Massart 1990)
        found: Numbers = np.minimum(np.where(gap >= self._from, beyond, drawn), np.minimum(kolmogorov, 0.0))
        return found

    def quantile(self, log_p: float) -> Numbers:
        """The value that is passed with a chance beyond what was drawn, shape (columns,)."""
        reach: Numbers = np.sqrt(self._from**2 + np.maximum(self._log_from - log_p, 0.0) / 2)
        most: Numbers = np.minimum(reach, np.sqrt((np.log(2) - log_p) / 2))
        return most


def _largest_gaps(share: Numbers, seed: int) -> npt.NDArray[np.float64]:
    """The largest absolute value of each bridge at the cells' edges, shape (draws,)."""
    held = share[share > 0] / share.sum()
    rng = np.random.default_rng(seed)
    upto, spread = np.cumsum(held).astype(np.float32), np.sqrt(held).astype(np.float32)
    gaps: list[Numbers] = []
    rows = max(AT_ONCE // len(held), 1)
    for first in range(0, DRAWS, rows):
        size = (min(rows, DRAWS - first), len(held))
        path = np.cumsum(rng.standard_normal(size, np.float32) * spread, axis=1)
        gaps.append(np.abs(path - path[:, -1:] * upto)[:, :-1].max(1, initial=0.0).astype(float))
    return np.concatenate(gaps)
