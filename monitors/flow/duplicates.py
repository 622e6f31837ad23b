"""The share of records that came before."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import proportion
from monitors.metric import Alert, Metric, Scope, Severity
from monitors.reference import Reference
from monitors.window import Window


class Duplicates(Metric):
    """The share of records whose number in the shard had come before, at another offset.

    Of records whose header says which they are; read again at the same offset they are not counted again. With the
    Clopper-Pearson interval.
    """

    NAME = "flow_duplicates"
    HELP = "Share of records that had come before, at another offset, by the number in their lineage."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    SCOPE = Scope.STREAM
    ALERT = Alert(
        "SynthstreamDuplicates",
        Severity.WARNING,
        "Records of {{ $labels.stream }} are on the topic twice",
        threshold=0,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        seen = window.pane.sequences
        return proportion(seen.repeated, seen.followed)


METRIC = Duplicates()
