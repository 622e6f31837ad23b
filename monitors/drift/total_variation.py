"""The total variation distance: the share of records that would have to change."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import numpy.typing as npt

from monitors.estimate import Estimate
from monitors.intervals import MISS, between, nothing
from monitors.metric import Metric
from monitors.reference import Reference
from monitors.window import Window


class TotalVariation(Metric):
    """Half the sum of |p - q| over all cells, nulls included: the share of records that would have to change.

    The value is the plain one, which chance alone lifts above 0; the interval's lower end takes that off. The interval
    holds for every distribution and every n: McDiarmid's inequality about the mean, which lies above the truth by at
    most half the sum of the cells' standard errors.
    """

    NAME = "drift_total_variation"
    HELP = "Share of records that would have to change for the window to equal the reference, nulls included."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "McDiarmid, On the method of bounded differences, 1989"
    COMPARES = True

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        a, b = window.pane.column(subject), reference.counts[subject]
        n, m = int(a.sum()), int(b.sum())
        if n == 0 or m == 0:
            return nothing()
        value, lifted, reach = distance(a, b, MISS)
        return between(min(value, 1.0), max(value - lifted - reach, 0), min(value + reach, 1), n)


def distance(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], miss: float) -> tuple[float, float, float]:
    """The plain distance, by how much chance alone may lift its mean, and how far it may lie from its mean.

    Args:
        a: records of one sample in each cell; b: of the other, neither empty.
        miss: how often it may lie further.
    """
    n, m = int(a.sum()), int(b.sum())
    p, q = a / n, b / m
    lifted = float(np.sqrt(p * (1 - p) / n + q * (1 - q) / m).sum()) / 2
    return float(np.abs(p - q).sum()) / 2, lifted, sqrt(log(2 / miss) * (1 / n + 1 / m) / 2)


METRIC = TotalVariation()
