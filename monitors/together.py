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

LEAST = 1e-9
"""The variance that products of a column which never varies count with."""

BRIDGE = 0.3133
"""The mean Wasserstein distance of n ranks from uniform, times the root of n: that of a Brownian bridge from 0."""


class Together:
    """Whether the ranks of two numbers go together as they did: for each column, the pair of its that changed most.

    What is looked at is the mean product of two columns' ranks, each about the middle that the reference has, over the
    records that have both. The products are bounded, and their variance by the fourth moments of the reference's ranks
    (Cauchy and Schwarz), so Bernstein's inequality holds whatever the columns' joint law is. Of a column's pairs the
    smallest p-value counts as many times as there are pairs. A column that moves by itself can change a mean product
    by half of how far its ranks moved (their Wasserstein distance) at the most: so much, beyond noise, is not counted,
    and it is told by its own distribution alone.

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
        self._layout = layout
        self._x, self._p = moments.score(self.names), moments.presence(self.names)
        self._shares = [self._shares_of(name, reference.counts[name][None])[0] for name in self.names]
        gram = moments.gram.astype(np.float64)
        self._middles = np.diag(gram[np.ix_(self._x, self._p)]) / np.maximum(np.diag(gram[np.ix_(self._p, self._p)]), 1)
        ranks = [self._ranks(i, name) for i, name in enumerate(self.names)]
        moment = [np.array([own @ each**k for own, each in zip(self._shares, ranks, strict=True)]) for k in (2, 4)]
        self._scale = np.sqrt(np.maximum(np.outer(moment[0], moment[0]), 1e-12))
        self._expected, self._rows = self._products(moments)
        present = np.diag(self._rows)
        bound = np.sqrt(np.outer(moment[1] * present, moment[1] * present)) / self._rows
        self._variance = np.clip(bound, LEAST, WIDEST**2) * np.maximum.outer(inflation, inflation)
        pairs = max(len(self.names) - 1, 1)
        self._allowed = _bernstein(np.log(2 * pairs / miss), self._variance, self._rows)

    def _ranks(self, i: int, name: str) -> Numbers:
        """The ranks of a column's cells about its middle, those where it is present, in parts of 1."""
        found: Numbers = (scores(self._layout.bins[name])[self._layout.present[name]] - self._middles[i]) / RANKS
        return found

    def _shares_of(self, name: str, cells: Counts) -> Numbers:
        """The shares of a column's cells where it is present, shape (windows, cells)."""
        present = cells[:, self._layout.present[name]].astype(np.float64)
        found: Numbers = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
        return found

    def _products(self, moments: Moments) -> tuple[Numbers, Numbers]:
        """Mean products of ranks about the middles, in parts of 1, over records that have both; and how many have."""
        gram, m = moments.gram.astype(np.float64), self._middles
        both = np.maximum(gram[np.ix_(self._p, self._p)], 1)
        mixed = gram[np.ix_(self._x, self._p)] * m  # of one column's scores and the other's middle
        found: Numbers = (gram[np.ix_(self._x, self._x)] - mixed - mixed.T + both * np.outer(m, m)) / RANKS**2
        return found / both, both

    def _moved(self, counts: Counts, present: Numbers) -> Numbers:
        """How far the ranks of each column moved, beyond noise, shape (windows, columns).

        Args:
            counts: shape (windows, layout.size).
            present: by window and column, how many records have it.
        """
        moved = np.zeros(present.shape)
        for i, name in enumerate(self.names):
            own = self._shares[i]
            moved[:, i] = np.abs(np.cumsum(self._shares_of(name, counts[:, self._layout.cells[name]]) - own, 1)) @ own
        noise = BRIDGE * np.sqrt(1 / np.maximum(present, 1) + 1 / np.diag(self._rows))
        return np.maximum(moved - 2 * noise, 0.0)

    def answer(self, counts: Counts) -> Answer:
        """See `Question.answer`; the size is the change of a rank correlation."""
        means, rows = (np.array(each) for each in zip(*(self._products(self._moments(c)) for c in counts), strict=True))
        present = np.diagonal(rows, axis1=1, axis2=2)
        own = self._moved(counts, present) / 2
        gaps = np.maximum(np.abs(means - self._expected) - own[:, :, None] - own[:, None, :], 0.0)
        beyond = np.maximum(gaps - self._allowed, 0.0)
        exponent = np.where(rows > 1, rows * beyond**2 / (2 * (self._variance + WIDEST * beyond / 3)), 0.0)
        reach = sum(_bernstein(np.log(2 / MISS), self._variance, each) for each in (rows, self._rows))
        alone = np.eye(len(self.names), dtype=bool)
        log_p = np.where(alone, 0.0, np.log(2) - exponent).min(axis=2) + np.log(max(len(self.names) - 1, 1))
        least = np.where(alone, -np.inf, (gaps - reach) / self._scale).max(axis=2)
        return Answer(np.minimum(log_p, 0.0), least, np.where(counts[:, :1] > 0, present, 0.0))

    def _moments(self, counts: Counts) -> Moments:
        return self._layout.rows.moments_of(counts).of(self.names)


def _bernstein(log_odds: float, variance: Numbers, rows: Numbers) -> Numbers:
    """How far a mean of bounded products lies from the truth at the most, but for one chance in e^log_odds."""
    found: Numbers = np.sqrt(2 * variance * log_odds / rows) + 2 * WIDEST * log_odds / (3 * rows)
    return found
