"""Whether numbers go together otherwise: the mean product of their ranks, of every pair a pane has sums of."""

from __future__ import annotations

import numpy as np

from monitors.distances import Counts, Numbers
from monitors.drift.correlation import METRIC as CORRELATION
from monitors.intervals import MISS
from monitors.metric import Metric
from monitors.pane import PaneLayout
from monitors.questions import Answer
from monitors.reference import Reference
from schemas.row_counts import RANKS, Moments, scores

WIDEST = 0.25
"""Ranks lie within half of 1 about their middle, so a product of two within this of 0."""


class Together:
    """Whether the ranks of two numbers go together as they did: for each column, the pair of its that changed most.

    What is looked at is the mean over all records of the product of two columns' ranks, each about the middle that the
    reference has, and 0 where one is missing. A column that moves alone leaves it as it was. The products are bounded,
    and their variance by the fourth moments of the reference's ranks (Cauchy and Schwarz), so Bernstein's inequality
    holds whatever the columns' joint law is. Of a column's pairs the smallest p-value counts as many times as there are
    pairs.

    Args:
        layout: the stream's cells.
        reference: has moments.
        inflation: by how much each column's counts spread more than independent records would, shape (columns,);
            products of two spread by no more than the larger of both.
        miss: the chance that a pair's reference misleads by more than is allowed for.
    """

    metric: Metric = CORRELATION

    def __init__(self, layout: PaneLayout, reference: Reference, inflation: Numbers, miss: float) -> None:
        moments = reference.moments
        assert moments is not None
        self.names = moments.columns
        self._layout, self._rows = layout, max(reference.rows, 1)
        self._x, self._p = moments.score(self.names), moments.presence(self.names)
        gram = moments.gram.astype(np.float64)
        self._middles = np.diag(gram[np.ix_(self._x, self._p)]) / np.maximum(np.diag(gram[np.ix_(self._p, self._p)]), 1)
        self._expected = self._products(moments) / self._rows
        spread, fourth = self._spreads(reference)
        self._scale = np.sqrt(np.maximum(np.outer(spread, spread), 1e-12))
        self._variance = np.sqrt(np.outer(fourth, fourth)) * np.maximum.outer(inflation, inflation)
        self._allowed = _bernstein(-np.log(miss / 2), self._variance, self._rows)
        self._reach = _bernstein(-np.log(MISS / 2), self._variance, self._rows)

    def _spreads(self, reference: Reference) -> tuple[Numbers, Numbers]:
        """By column the mean square of its ranks about the middle where it is present, and the mean fourth power of
        all records, those without it as 0."""
        found = np.zeros((len(self.names), 2))
        for i, name in enumerate(self.names):
            ranks = (scores(self._layout.bins[name]) - self._middles[i]) / RANKS
            rows = reference.counts[name] * (np.arange(len(ranks)) < len(ranks) - 1)  # the last cell is null
            found[i] = (rows @ ranks**2) / max(int(rows.sum()), 1), (rows @ ranks**4) / self._rows
        return found[:, 0], found[:, 1]

    def _products(self, moments: Moments) -> Numbers:
        """Sums of products of ranks about the middles, over the records where both are present, in parts of 1."""
        gram, m = moments.gram.astype(np.float64), self._middles
        mixed = gram[np.ix_(self._x, self._p)] * m  # of one column's scores and the other's middle
        both = gram[np.ix_(self._p, self._p)] * np.outer(m, m)
        found: Numbers = (gram[np.ix_(self._x, self._x)] - mixed - mixed.T + both) / RANKS**2
        return found

    def answer(self, counts: Counts) -> Answer:
        """See `Question.answer`; the size is the change of a rank correlation."""
        n = counts[:, 0].astype(np.float64)
        sums = np.array([self._products(self._layout.rows.moments_of(each)) for each in counts])
        gaps = np.abs(sums / np.maximum(n, 1)[:, None, None] - self._expected)
        beyond = np.maximum(gaps - self._allowed, 0.0)
        exponent = n[:, None, None] * beyond**2 / (2 * (self._variance + WIDEST * beyond / 3))
        reach = np.array([_bernstein(-np.log(MISS / 2), self._variance, max(each, 1.0)) for each in n])
        least = (gaps - self._reach - reach) / self._scale
        alone = np.eye(len(self.names), dtype=bool)
        log_p = np.where(alone, 0.0, np.log(2) - exponent).min(axis=2) + np.log(max(len(self.names) - 1, 1))
        best = np.where(alone, -np.inf, least).max(axis=2)
        return Answer(np.minimum(log_p, 0.0), best, np.repeat(n[:, None], len(self.names), axis=1))


def _bernstein(log_odds: float, variance: Numbers, rows: float) -> Numbers:
    """How far a mean of bounded products lies from the truth at the most, but for one chance in e^log_odds."""
    found: Numbers = np.sqrt(2 * variance * log_odds / rows) + 2 * WIDEST * log_odds / (3 * rows)
    return found
