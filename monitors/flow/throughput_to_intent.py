"""How many of the records that should come do come."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import between, nothing, poisson_rate
from monitors.metric import Alert, Metric, Scope, Severity, Worse
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window


class ThroughputToIntent(Metric):
    """Records per second of event time over the rate that the stream's file asks for.

    With the exact Poisson interval; wide for a paced stream, which varies less. What commands ask for later is not
    known here, nor is there a number to compare with where the rate is a profile or as fast as it goes.
    """

    NAME = "flow_throughput_to_intent"
    HELP = "Records per second of event time over the rate that the stream's file asks for."
    UNIT = "ratio"
    WORSE = Worse.LOWER
    SOURCE = "Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936"
    SCOPE = Scope.STREAM
    ALERT = Alert(
        "SynthstreamBelowIntent",
        Severity.WARNING,
        "Fewer than nine in ten of the records of {{ $labels.stream }} that should come do come",
        threshold=0.9,
        for_s=300,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`; a window without records is an answer here: 0."""
        intended = window.pane.layout.intended_per_s
        if window.length_s <= 0 or intended is None:
            return nothing()
        rate = poisson_rate(window.pane.records, window.length_s)
        return between(rate.value / intended, rate.low / intended, rate.high / intended, rate.n)

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The stream as a whole, where its file asks for a rate in a number."""
        return () if layout.intended_per_s is None else super().subjects(layout)


METRIC = ThroughputToIntent()
