"""The share of records that break a rule."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import proportion
from monitors.metric import Alert, Metric, Scope, Severity
from monitors.reference import Reference
from monitors.window import Window


class ViolationRate(Metric):
    """The share of records that break a rule, with the Clopper-Pearson interval."""

    NAME = "quality_violation"
    HELP = "Share of records that break the rule."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    SCOPE = Scope.RULE
    ALERT = Alert(
        "SynthstreamRuleBroken",
        Severity.PAGE,
        "Records of {{ $labels.stream }} break the rule {{ $labels.column }}",
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        return proportion(window.pane.violations(subject), window.pane.records)


METRIC = ViolationRate()
