"""How far out of order records come."""

from __future__ import annotations

from monitors.delays import DELAY_EDGES_S
from monitors.estimate import Estimate
from monitors.intervals import quantile
from monitors.metric import Metric, Scope
from monitors.reference import Reference
from monitors.window import Window


class Lateness(Metric):
    """The 99th percentile of how far a record's event time lies behind the newest that its partition had shown.

    0 for records in order; beyond the allowed lateness records are in no window, and counted apart. The interval is by
    order statistics, widened to the cells' edges (9 % wide).
    """

    NAME = "flow_lateness_p99"
    HELP = "99th percentile of how far a record's event time lies behind the newest of its partition before it."
    UNIT = "seconds"
    SOURCE = "Conover, Practical Nonparametric Statistics, 1999, 3.2"
    SCOPE = Scope.STREAM

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        return quantile(window.pane.lateness, DELAY_EDGES_S, 0.99)


METRIC = Lateness()
