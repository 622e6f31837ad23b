"""How old records are when a reader has them."""

from __future__ import annotations

from monitors.delays import DELAY_EDGES_S
from monitors.estimate import Estimate
from monitors.intervals import quantile
from monitors.metric import Alert, Metric, Scope, Severity
from monitors.reference import Reference
from monitors.window import Window


class RecordAge(Metric):
    """The 99th percentile of the time read minus the event time, as a subscriber sees it.

    The interval is by order statistics, widened to the cells' edges (9 % wide).
    """

    NAME = "flow_record_age_p99"
    HELP = "99th percentile of the time from a record's event time until the monitor had read it."
    UNIT = "seconds"
    SOURCE = "Conover, Practical Nonparametric Statistics, 1999, 3.2"
    SCOPE = Scope.STREAM
    ALERT = Alert(
        "SynthstreamReadersBehind",
        Severity.WARNING,
        "One record of {{ $labels.stream }} in a hundred is more than 30 s old when it is read",
        threshold=30,
        for_s=300,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        return quantile(window.pane.record_ages, DELAY_EDGES_S, 0.99)


METRIC = RecordAge()
