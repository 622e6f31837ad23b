"""Whether keys come once."""

from __future__ import annotations

from monitors.estimate import Estimate
from monitors.intervals import between, nothing
from monitors.metric import Metric, Worse
from monitors.pane import PaneLayout
from monitors.quality.cardinality import METRIC as CARDINALITY
from monitors.reference import Reference
from monitors.window import Window


class Uniqueness(Metric):
    """Distinct values over values of a key or identifier: 1 where each comes once in the window.

    From the sketch of `quality.cardinality`, whose own error the interval is. Keys that come again on purpose, as those
    of changes do, are below 1 by design.
    """

    NAME = "quality_unique"
    HELP = "Distinct values over values of a key or identifier, estimated."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    WORSE = Worse.LOWER
    SOURCE = "Ertl, New cardinality estimation algorithms for HyperLogLog sketches, 2017"

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        found = CARDINALITY.estimate(window, reference, subject)
        if found.n == 0:
            return nothing()
        value, low, high = (min(end / found.n, 1.0) for end in (found.value, found.low, found.high))
        return between(value, low, high, found.n)

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The keys and identifiers."""
        return layout.keys


METRIC = Uniqueness()
