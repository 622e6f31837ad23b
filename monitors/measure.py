"""Everything there is to say about a window: every metric on every subject against every reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import monitors
from monitors.estimate import Estimate
from monitors.metric import Metric
from monitors.reference import Reference
from monitors.window import Window


@dataclass(frozen=True)
class Measurement:
    """One estimate and what it is of.

    Args:
        metric: the metric's NAME.
        subject: the column or rule; "" for the stream as a whole.
        reference: the reference's name; "" when the metric compares with none.
        estimate: the number.
    """

    metric: str
    subject: str
    reference: str
    estimate: Estimate


def metrics() -> tuple[Metric, ...]:
    """Every metric there is."""
    return tuple(monitors.load(name) for name in monitors.names())


def measure(window: Window, references: Sequence[Reference]) -> list[Measurement]:
    """Measure a window.

    Args:
        window: the counts.
        references: at least one; metrics that compare are taken against each.
    """
    layout = window.pane.layout
    return [
        Measurement(
            metric.NAME,
            subject,
            reference.name if metric.COMPARES else "",
            metric.estimate(window, reference, subject),
        )
        for metric in metrics()
        for subject in metric.subjects(layout)
        for reference in (references if metric.COMPARES else references[:1])
    ]
