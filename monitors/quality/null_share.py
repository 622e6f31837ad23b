"""The share of records without a value."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import proportion
from monitors.metric import Alert, Metric, Severity
from monitors.reference import Reference
from monitors.window import Window


class NullShare(Metric):
    """The share of records whose column is null, with the Clopper-Pearson interval."""

    NAME = "quality_null"
    HELP = "Share of records without a value in the column."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    ALERT = Alert(
        "SynthstreamNullShareChanged",
        Severity.PAGE,
        "{{ $labels.column }} of {{ $labels.stream }} is missing more, or less, often than at its generator's release",
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        counts = window.pane.column(subject)
        return proportion(int(counts[window.pane.layout.bins[subject].null]), int(counts.sum()))


METRIC = NullShare()
