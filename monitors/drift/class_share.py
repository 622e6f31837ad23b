"""How much the shares of the target's classes have changed."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import ndtri

from monitors.estimate import Estimate
from monitors.intervals import MISS, between, difference, largest, nothing
from monitors.metric import NAMED, Metric
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window
from schemas.table import Role


class ClassShare(Metric):
    """The largest change of the share that a class of the target has, of records with a class.

    Each share's interval is Wilson's, at the miss divided by the number of classes, so that the interval holds the
    largest change whichever class it is.
    """

    NAME = "drift_class_share"
    HELP = "Largest change of the share of a class of the target column against the reference."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Newcombe, Interval estimation for the difference between independent proportions, 1998, method 10"
    APPLIES = NAMED
    COMPARES = True

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`; values that the generator does not know are a class of their own."""
        null = window.pane.layout.bins[subject].null
        a, b = (np.delete(counts, null) for counts in (window.pane.column(subject), reference.counts[subject]))
        n, m = int(a.sum()), int(b.sum())
        if n == 0 or m == 0:
            return nothing()
        miss = MISS / len(a)
        changes = [
            difference(wilson(hits, n, miss), wilson(known, m, miss))
            for hits, known in zip(a.tolist(), b.tolist(), strict=True)
        ]
        found = largest(changes, n)
        return between(found.value, found.low, min(found.high, 1.0), n)

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The target, where it has classes."""
        targets = {column.name for column in layout.columns if column.role is Role.TARGET}
        return tuple(name for name in super().subjects(layout) if name in targets and layout.bins[name].values)


def wilson(hits: int, n: int, miss: float) -> Estimate:
    """A share with Wilson's interval (Journal of the American Statistical Association 1927).

    Args:
        hits: how many; n: of how many, at least 1.
        miss: how often the interval may miss.
    """
    z, share = float(ndtri(1 - miss / 2)), hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return between(share, max(middle - reach, 0.0), min(middle + reach, 1.0), n)


METRIC = ClassShare()
