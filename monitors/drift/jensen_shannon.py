"""The Jensen-Shannon divergence."""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from monitors.distances import ONE, Contingency, contingency, effective
from monitors.estimate import Estimate
from monitors.intervals import Z, between, noncentrality, nothing
from monitors.metric import Metric
from monitors.reference import Reference
from monitors.window import Window


class JensenShannon(Metric):
    """The mean information, in bits, that one record gives about which of window and reference it is from.

    0 where they are alike, 1 where they share no cell, nulls included. Near 0 eight times the effective number of
    records times the divergence is chi-square distributed, whose mean is taken off. The interval is the wider of the
    noncentral chi-square's (right near 0) and the delta method's (right far from 0).
    """

    NAME = "drift_jensen_shannon"
    HELP = "Jensen-Shannon divergence of the window from the reference, in bits, nulls included, its noise taken off."
    UNIT = ""
    RANGE = (0.0, 1.0)
    SOURCE = "Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 1991"
    COMPARES = True

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        a, b = window.pane.column(subject), reference.counts[subject]
        if a.sum() == 0 or b.sum() == 0:
            return nothing()
        table = contingency(a, b, ONE)
        nats, spread = _divergence(table)
        size = 8 * float(effective(table.n, table.m)[0])
        ends = noncentrality(nats * size, max(int(table.df[0]), 1))
        value, low, high = (end / size / log(2) for end in ends)
        reach = Z * spread / log(2)
        return between(min(value, 1), max(min(low, value - reach), 0), min(max(high, value + reach), 1), int(a.sum()))


def _divergence(table: Contingency) -> tuple[float, float]:
    """The plain divergence in nats, and its standard error by the delta method."""
    held = table.a + table.b > 0
    n, m = float(table.n[0]), float(table.m[0])
    p, q = table.a[held] / n, table.b[held] / m
    middle = (p + q) / 2
    by_p, by_q = (np.log(np.where(x > 0, x, middle) / middle) / 2 for x in (p, q))
    variance = (p @ by_p**2 - (p @ by_p) ** 2) / n + (q @ by_q**2 - (q @ by_q) ** 2) / m
    return max(float(p @ by_p + q @ by_q), 0.0), sqrt(max(float(variance), 0.0))


METRIC = JensenShannon()
