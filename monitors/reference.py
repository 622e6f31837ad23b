"""What a window is compared with: the generator's own output (change) or the training data (fidelity)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from monitors.pane import PaneLayout
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.row_counts import Moments, Pair, RowCounts
from schemas.table import Column

CHANGE = "change"
"""The reference whose null is exactly true: rows the generator itself drew."""

FIDELITY = "fidelity"
"""The reference whose null is never quite true: the marginals of the training data."""


@dataclass(frozen=True)
class Reference:
    """Counts in the layout's cells.

    Args:
        name: `CHANGE` or `FIDELITY`.
        counts: for every column of the layout, rows in each cell, int64.
        rows: how many rows were counted.
        pairs: for every pair of the layout, rows in each pair of coarse cells; none where only columns are known.
        moments: the sums of products of the layout's scores; None where only columns are known.
    """

    name: str
    counts: Mapping[str, npt.NDArray[np.int64]]
    rows: int
    pairs: Mapping[Pair, npt.NDArray[np.int64]] = field(default_factory=dict)
    moments: Moments | None = None


def change_reference(layout: PaneLayout, counts: RowCounts) -> Reference:
    """The counts of the generator's own rows, drawn when it was trained.

    Args:
        layout: the stream's cells.
        counts: of the generator's rows; columns and pairs that the layout has not are left out.

    Raises:
        InputError: a column or pair is missing, its cells are not the layout's, or rows differ between columns.
    """
    faults = [fault for c in layout.columns for fault in _faults(c, layout, counts.columns)]
    taken = {c.name: counts.columns[c.name] for c in layout.columns if c.name in counts.columns}
    rows = {int(x.sum()) for x in taken.values()}
    if not faults and len(rows) > 1:
        faults = [f"reference rows={sorted(rows)}: must be the same for every column; train the model again"]
    faults += [
        f"reference pair={a}, {b}: is missing, or its cells are others; train the model again"
        for a, b in layout.pairs
        if (a, b) not in counts.pairs or counts.pairs[a, b].shape != layout.rows.shapes[a, b]
    ]
    missing = sorted(set(layout.rows.scored) - set(counts.moments.columns) - (layout.bins.keys() - taken.keys()))
    faults += [f"reference moments={name}: are missing; train the model again" for name in missing]
    if faults:
        raise InputError(*faults)
    pairs = {pair: counts.pairs[pair] for pair in layout.pairs}
    return Reference(CHANGE, taken, rows.pop() if rows else 0, pairs, counts.moments.of(layout.rows.scored))


def _faults(column: Column, layout: PaneLayout, counts: Mapping[str, npt.NDArray[np.int64]]) -> list[str]:
    if column.name not in counts:
        return [f"reference column={column.name}: is missing; train the model again"]
    given, wanted = len(counts[column.name]), layout.bins[column.name].size
    if given != wanted:
        return [f"reference column={column.name}: has {given} cells, expected {wanted}; train the model again"]
    return []


def fidelity_reference(layout: PaneLayout, profile: Profile) -> Reference:
    """The marginals of the training data, as counts of as many rows as it had.

    Args:
        layout: the stream's cells.
        profile: the training data's profile.
    """
    counts = {c.name: _apportioned(layout.bins[c.name].expected, profile.rows) for c in layout.columns}
    return Reference(FIDELITY, counts, profile.rows)


def _apportioned(shares: npt.NDArray[np.float64], rows: int) -> npt.NDArray[np.int64]:
    """Whole rows in proportion to shares, adding up to `rows`: each gets its floor, the largest remainders the rest."""
    exact = shares / shares.sum() * rows
    counts: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    missing = rows - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return counts
