"""How many records come each second of event time."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import nothing, poisson_rate
from monitors.metric import Alert, Metric, Scope, Severity, Worse
from monitors.reference import Reference
from monitors.window import Window


class Throughput(Metric):
    """Records per second of event time, with the exact Poisson interval; wide for a paced stream, which varies less."""

    NAME = "flow_throughput"
    HELP = "Records per second of event time."
    UNIT = "records_per_second"
    WORSE = Worse.LOWER
    SOURCE = "Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936"
    SCOPE = Scope.STREAM
    ALERT = Alert(
        "SynthstreamSilent",
        Severity.PAGE,
        "No record of {{ $labels.stream }} has come for a minute",
        threshold=0,
        for_s=60,
        on_value=True,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`; a window without records is an answer here: 0 a second."""
        if window.length_s <= 0:
            return nothing()
        return poisson_rate(window.pane.records, window.length_s)


METRIC = Throughput()
