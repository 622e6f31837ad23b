"""The chi-square effect size: Cohen's w."""

from __future__ import annotations

from math import sqrt

from monitors.distances import ONE, contingency, effective
from monitors.estimate import Estimate
from monitors.intervals import between, noncentrality, nothing
from monitors.metric import NAMED, Alert, Metric, Severity
from monitors.reference import Reference
from monitors.window import Window


class ChiSquare(Metric):
    """Cohen's w, the square root of chi-square per record, over values that are present: 0.1 is small, 0.5 large.

    Pearson's statistic grows with n; w does not. Its mean under no change is taken off first, so two samples of one
    distribution give 0 on most windows. The interval inverts the noncentral chi-square law.
    """

    NAME = "drift_chi_square"
    HELP = "Cohen's w: square root of the chi-square statistic per record, its noise taken off, present values only."
    UNIT = ""
    SOURCE = "Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, 7.2"
    APPLIES = NAMED
    COMPARES = True
    ALERT = Alert(
        "SynthstreamCategoryDrift",
        Severity.PAGE,
        "{{ $labels.column }} of {{ $labels.stream }} no longer has the shares of its generator's release",
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        cells = window.pane.layout.present[subject]
        a, b = window.pane.column(subject)[cells], reference.counts[subject][cells]
        if a.sum() == 0 or b.sum() == 0:
            return nothing()
        table = contingency(a, b, ONE)
        size = float(effective(table.n, table.m)[0])
        ends = noncentrality(float(table.pearson()[0]), max(int(table.df[0]), 1))
        value, low, high = (sqrt(end / size) for end in ends)
        return between(value, low, high, int(a.sum()))


METRIC = ChiSquare()
