"""Total variation over the cells of a column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stream_app.assessment.tables import Codes, Ground, Side, Tables
from stream_app.assessment.witness import Gaps, Mask, chance_of_cells

Groups = npt.NDArray[np.intp]

ROWS_A_CELL = 300
"""A wide cell for so many rows of the smallest table: with more cells chance would hide what there is to see."""


def add_cells(gaps: Gaps, name: str, tables: Tables, side: Side, groups: Groups | None = None) -> None:
    """Add the total variation of a column over its cells, null's left out, to what was found.

    Args:
        gaps: added to.
        name: the column.
        tables: what is assessed.
        side: the rows that are held against the real ones.
        groups: which cells count as one, a number from 0 for each but null's; all stand alone when None.
    """
    null = tables.ground.layout.bins[name].null
    groups = np.arange(null) if groups is None else groups
    one, other = (
        np.bincount(groups, each.counts.columns[name][:null]).astype(np.int64) for each in (tables.real, side)
    )
    if one.sum() == 0 or other.sum() == 0:
        return
    more = one * float(other.sum()) > other * float(one.sum())  # (groups,)
    wide = np.append(more[groups], False)  # (cells,)
    inside, present = [], []
    for each in (tables.real, side):
        codes = each.codes[name]
        inside.append(_among(codes, wide))
        present.append(codes != null)
    gaps.add(name, (inside[0], inside[1]), (present[0], present[1]), chance_of_cells(one, other))


def wide_cells(ground: Ground, name: str) -> Groups:
    """The cells of a column that has an order joined, and each value of one that has none by itself; null left out."""
    bins = ground.layout.bins[name]
    if not bins.ordered:
        return np.arange(bins.null)
    return neighbours(bins.expected[: bins.null], max(ground.fewest // ROWS_A_CELL, 4))


def neighbours(shares: npt.NDArray[np.float64], most: int) -> Groups:
    """Join neighbouring cells to groups of about equal probability.

    Args:
        shares: the probability of each cell, shape (cells,).
        most: how many groups at the most.

    Returns:
        The group of each cell, rising from 0, shape (cells,).

    >>> neighbours(np.array([0.1, 0.1, 0.6, 0.1, 0.1]), 3).tolist()
    [0, 0, 1, 2, 2]
    """
    share = shares / max(float(shares.sum()), 1e-300)
    middle = np.cumsum(share) - share / 2
    groups: Groups = np.unique(np.minimum(middle * most, most - 1).astype(np.intp), return_inverse=True)[1]
    return groups


def _among(codes: Codes, wide: Mask) -> Mask:
    found: Mask = wide[codes]
    return found
