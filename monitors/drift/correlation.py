"""How much a column's rank correlations have changed."""

from __future__ import annotations

from math import atanh, sqrt, tanh

from scipy.special import ndtri

from monitors.estimate import Estimate
from monitors.intervals import MISS, between, difference, largest, nothing
from monitors.metric import ORDERED, Alert, Metric, Severity
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window
from schemas.row_counts import Moments

TIED = 1.06
"""The variance of a rank correlation's Fisher transform over that of a normal sample's (Fieller and others 1957)."""

NEARLY_ONE = 1 - 1e-12


class CorrelationChange(Metric):
    """The largest change of the column's rank correlations with the other numbers, over rows where both are present.

    Ranks are those of the cells by the profile. Each correlation's interval is Fisher's, at the miss divided by the
    number of pairs, so that the interval holds the largest change whichever pair it is.
    """

    NAME = "drift_correlation"
    HELP = "Largest change of the column's rank correlations with other numeric columns against the reference."
    UNIT = ""
    RANGE = (0.0, 2.0)
    SOURCE = "Zou, Toward using confidence intervals to compare correlations, Psychological Methods 2007"
    APPLIES = ORDERED
    COMPARES = True
    ALERT = Alert(
        "SynthstreamCorrelationChanged",
        Severity.PAGE,
        "{{ $labels.column }} of {{ $labels.stream }} no longer goes together with other numbers as it did",
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`; a reference that knows columns only has nothing to compare with."""
        if reference.moments is None:
            return nothing()
        return change(subject, window.moments, reference.moments, MISS)

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The columns that have ranks, where there are two."""
        return layout.rows.scored if len(layout.rows.scored) > 1 else ()


def change(name: str, one: Moments, other: Moments, miss: float) -> Estimate:
    """The largest change of a column's rank correlations from one sample to another.

    Args:
        name: the column.
        one: the sums of one sample's ranks; other: of the other's, both with the same columns.
        miss: how often the interval may miss.

    Returns:
        The change; not a number where the column varies with no other in both samples.
    """
    me = one.columns.index(name)
    r, n = (each[me] for each in one.correlations)
    r0, n0 = (each[me] for each in other.correlations)
    others = [i for i in range(len(r)) if i != me and min(n[i], n0[i]) > 3 and r[i] == r[i] and r0[i] == r0[i]]
    if not others:
        return nothing()
    share = miss / len(others)
    changes = [
        difference(fisher(float(r[i]), int(n[i]), share), fisher(float(r0[i]), int(n0[i]), share)) for i in others
    ]
    return largest(changes, max(int(n[i]) for i in others))


def fisher(r: float, n: int, miss: float) -> Estimate:
    """A rank correlation with the interval of Fisher's transform.

    Args:
        r: the correlation; n: of how many rows, at least 4.
        miss: how often the interval may miss.
    """
    middle = atanh(max(min(r, NEARLY_ONE), -NEARLY_ONE))
    reach = float(ndtri(1 - miss / 2)) * sqrt(TIED / (n - 3))
    return between(r, tanh(middle - reach), tanh(middle + reach), n)


METRIC = CorrelationChange()
