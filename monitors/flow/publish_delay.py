"""How late records are handed to the producer."""

from __future__ import annotations

from monitors.delays import DELAY_EDGES_S
from monitors.estimate import Estimate
from monitors.intervals import quantile
from monitors.metric import Metric, Scope
from monitors.reference import Reference
from monitors.window import Window


class PublishDelay(Metric):
    """The 99th percentile of handed over minus intended time, which only the publisher can report.

    The interval is by order statistics, widened to the cells' edges (9 % wide).
    """

    NAME = "flow_publish_delay_p99"
    HELP = "99th percentile of the time from a record's intended publish time until it was handed to the producer."
    UNIT = "seconds"
    SOURCE = "Conover, Practical Nonparametric Statistics, 1999, 3.2"
    SCOPE = Scope.STREAM

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        return quantile(window.pane.publish_delays, DELAY_EDGES_S, 0.99)


METRIC = PublishDelay()
