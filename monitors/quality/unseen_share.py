"""The share of values the generator does not know."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import nothing, proportion
from monitors.metric import NAMED, Alert, Metric, Severity
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window


class UnseenShare(Metric):
    """The share of present values that are none of the profile's, with the Clopper-Pearson interval."""

    NAME = "quality_unseen"
    HELP = "Share of present values that are none of the values the generator knows."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    APPLIES = NAMED
    ALERT = Alert(
        "SynthstreamUnseenValues",
        Severity.PAGE,
        "{{ $labels.column }} of {{ $labels.stream }} holds values its generator does not know",
        warns=False,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        bins, counts = window.pane.layout.bins[subject], window.pane.column(subject)
        if bins.unseen is None:
            return nothing()
        return proportion(int(counts[bins.unseen]), int(counts.sum() - counts[bins.null]))

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The columns that have a cell for unseen values."""
        return tuple(name for name in super().subjects(layout) if layout.bins[name].unseen is not None)


METRIC = UnseenShare()
