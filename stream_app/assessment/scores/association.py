"""How alike what columns of any kind say of each other is."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, sqrt

import numpy as np

from monitors.estimate import Estimate
from monitors.intervals import MISS, Z, between, difference, noncentrality
from schemas.pairs import informational as scaled
from schemas.pairs import likelihood_ratio
from stream_app.assessment.score import TABLE, Score, Subject, mean_of
from stream_app.assessment.tables import Longs, Side, Tables

NEVER = -log(MISS / 2)
"""What n rows never show has a probability below this over n, beyond doubt (2.5 %)."""


class Association(Score):
    """One less the difference of Linfoot's informational correlations, a pair of columns of any kind each.

    The informational correlation sqrt(1 - exp(-2 I)) of the mutual information I is 0 for columns that say nothing of
    each other, and the correlation itself for normal ones. Numbers are in coarse cells; a missing value is a cell, so
    that where values are missing counts too.
    """

    NAME = "association"
    TITLE = "Pairs of columns"
    HELP = (
        "1 less the difference of what two columns of any kind say of each other: Linfoot's informational "
        "correlation, which for normal columns is the size of their correlation. A missing value counts as a "
        "value."
    )
    INTERVAL = (
        "The noncentral chi-square law of the likelihood ratio, or the delta method where that is wider, and the "
        "limits of a difference by Zou and Donner; of the mean over pairs the mean of the ends."
    )
    SOURCE = "Linfoot, An informational measure of correlation, Information and Control 1957"
    LIMIT = "correlation"
    PLACE = 50

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        found: dict[Subject, Estimate] = {}
        for pair, real in tables.real.pairs.items():
            here = side.pairs[pair]
            if min(real.sum(), here.sum()) == 0:
                continue
            gap, low, high = difference(informational(here), informational(real))
            found[pair] = between(1 - gap, max(1 - high, 0.0), 1 - low, int(min(real.sum(), here.sum())))
        if not found:
            return {}
        return {TABLE: mean_of(found, min(tables.real.rows, side.rows)), **found}


def informational(counts: Longs) -> Estimate:
    """The informational correlation of two columns, what chance adds to it taken off, with its interval.

    Args:
        counts: rows in each pair of cells, shape (cells of one, cells of the other).

    >>> round(informational(np.array([[5_000, 0], [0, 5_000]])).value, 3)
    0.866
    """
    n = int(counts.sum())
    statistic, df = likelihood_ratio(counts)
    if df == 0:
        return Estimate(0.0, 0.0, scaled(_entropy(min(NEVER / n, 0.5))), n)
    value, low, high = (end / (2 * n) for end in noncentrality(statistic, df))
    off = Z * _deviation(counts) / sqrt(n)
    value, low, high = (scaled(end) for end in (value, max(min(low, value - off), 0.0), max(high, value + off)))
    return between(value, low, high, n)


def _entropy(share: float) -> float:
    """The entropy of a yes or no, in nats: the most that a column can say that so far never varied."""
    return -share * log(share) - (1 - share) * log(1 - share)


def _deviation(counts: Longs) -> float:
    """The standard deviation over rows of the logarithm whose mean is the mutual information."""
    share = counts / counts.sum()
    held = counts > 0
    ratio = np.log(share[held] / np.outer(share.sum(1), share.sum(0))[held])
    mean = float(share[held] @ ratio)
    return sqrt(max(float(share[held] @ ratio**2) - mean**2, 0.0))


SCORE = Association()
