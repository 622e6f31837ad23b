"""The share of records that did not come."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import nothing, proportion
from monitors.metric import Alert, Metric, Scope, Severity
from monitors.reference import Reference
from monitors.window import Window


class SequenceGaps(Metric):
    """The share of the shards' numbers that did not come: missing when a higher one came, less those that came later.

    Both are counted where they show, so a number that was missing in one window may come in the next. With the
    Clopper-Pearson interval.
    """

    NAME = "flow_sequence_gaps"
    HELP = "Share of the numbers in the shards that did not come though higher ones did, less those that came later."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    SCOPE = Scope.STREAM
    ALERT = Alert(
        "SynthstreamSequenceGaps",
        Severity.WARNING,
        "Records of {{ $labels.stream }} are missing: the numbers in their lineage leave gaps",
        threshold=0,
        for_s=60,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        seen = window.pane.sequences
        if seen.followed == 0:
            return nothing()
        missing = max(seen.missing - seen.filled, 0)
        found = proportion(missing, seen.followed - seen.repeated + missing)
        return Estimate(found.value, found.low, found.high, seen.followed - seen.repeated)


METRIC = SequenceGaps()
