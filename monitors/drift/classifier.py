"""How well a classifier tells the stream's records from the generator's."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import proportion
from monitors.metric import Alert, Metric, Scope, Severity
from monitors.reference import Reference
from monitors.window import Window


class ClassifierTwoSample(Metric):
    """The share of pairs, a record of the stream and a fresh row of the generator, that are told apart rightly.

    It is counted pane by pane by a classifier that learned from the panes before (`monitors.classifier`), so a window's
    is the sum of its panes', and not that of a classifier which saw the window. A tie counts half; the interval is
    Clopper and Pearson's, which is too wide rather than too narrow for that. There is none unless the stream's file
    asks for it (`monitor.classifier`), and it is always against the generator's release.
    """

    NAME = "drift_classifier"
    HELP = "Share of pairs of a record and a generated row that a classifier tells apart (ROC area; 0.5 is chance)."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017"
    SCOPE = Scope.STREAM
    ALERT = Alert(
        "SynthstreamTableDrift",
        Severity.PAGE,
        "Records of {{ $labels.stream }} can be told from those of its generator's release",
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        told = window.pane.told
        return proportion(told.right + told.tied / 2, sum(told))


METRIC = ClassifierTwoSample()
