"""How much a column's associations have changed."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from monitors.estimate import Estimate
from monitors.intervals import MISS, between, difference, largest, noncentrality, nothing
from monitors.metric import Metric
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window


class AssociationChange(Metric):
    """The largest change of Cramér's V in the counted pairs that the column is part of, nulls included.

    V is 0 where columns are independent and 1 where one settles the other; its mean under independence is taken off.
    Each V's interval inverts the noncentral chi-square law, at the miss divided by the number of pairs, so that the
    interval holds the largest change whichever pair it is.
    """

    NAME = "drift_association"
    HELP = "Largest change of Cramer's V between the column and those it goes together with, against the reference."
    UNIT = ""
    RANGE = (0.0, 1.0)
    SOURCE = "Smithson, Confidence Intervals, Sage 2003, chapter 4"
    COMPARES = True

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`; a reference that knows columns only has nothing to compare with."""
        pairs = [pair for pair in window.pane.layout.pairs if subject in pair and pair in reference.pairs]
        if window.pane.records == 0 or not pairs:
            return nothing()
        changes = []
        for pair in pairs:
            counts, expected = window.pane.pair(pair), reference.pairs[pair]
            held = np.ix_((counts + expected).any(1), (counts + expected).any(0))
            ends = [association(each[held], MISS / len(pairs)) for each in (counts, expected)]
            changes.append(difference(*ends))
        found = largest(changes, window.pane.records)
        return between(min(found.value, 1.0), min(found.low, 1.0), min(found.high, 1.0), found.n)

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The columns that are part of a counted pair."""
        paired = {name for pair in layout.pairs for name in pair}
        return tuple(name for name in super().subjects(layout) if name in paired)


def association(counts: npt.NDArray[np.int64], miss: float = MISS) -> Estimate:
    """Cramér's V with its interval.

    Args:
        counts: records in each pair of cells, shape (cells of one, cells of the other); empty rows and columns count
            for how large V can be, and not for the degrees of freedom.
        miss: how often the interval may miss.
    """
    n, most = int(counts.sum()), min(counts.shape) - 1
    table = counts[np.ix_(counts.any(1), counts.any(0))].astype(np.float64)
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    if df < 1 or n == 0:
        return between(0.0, 0.0, 0.0 if most < 1 else 1.0, n)
    expected = np.outer(table.sum(1), table.sum(0)) / n
    statistic = float(((table - expected) ** 2 / expected).sum())
    value, low, high = (min(sqrt(end / (n * most)), 1.0) for end in noncentrality(statistic, df, miss))
    return between(value, low, high, n)


METRIC = AssociationChange()
