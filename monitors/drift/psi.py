"""The population stability index."""

from __future__ import annotations

import numpy as np

from monitors.burn_rates import FIDELITY_BUDGET
from monitors.distances import ONE, Contingency, contingency, effective
from monitors.estimate import Estimate
from monitors.intervals import Z, between, noncentrality, nothing
from monitors.metric import Alert, Metric, Severity
from monitors.reference import FIDELITY, Reference
from monitors.window import Window

PRIOR = 0.5
"""Added to every cell of both samples (Jeffreys), so that an empty cell does not make the index infinite."""


class PopulationStabilityIndex(Metric):
    """The sum of (p - q) ln(p / q) over all cells, nulls included, less what chance alone adds to it.

    For two samples of one distribution the index is chi-square distributed about (cells - 1)(1/n + 1/m), which is taken
    off: thresholds mean the same at every n. The interval is the wider of the noncentral chi-square's (right near 0)
    and the delta method's (right far from 0).
    """

    NAME = "drift_psi"
    HELP = "Population stability index of the window against the reference, nulls included, its noise taken off."
    UNIT = ""
    SOURCE = "Yurdakul, Statistical Properties of Population Stability Index, 2018"
    COMPARES = True
    ALERT = Alert(
        "SynthstreamFidelityBurns",
        Severity.PAGE,
        "{{ $labels.column }} of {{ $labels.stream }} is too often far from the training data (PSI surely above 0.25)",
        threshold=0.25,
        reference=FIDELITY,
        budget=FIDELITY_BUDGET,
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        a, b = window.pane.column(subject), reference.counts[subject]
        if a.sum() == 0 or b.sum() == 0:
            return nothing()
        table = contingency(a, b, ONE)
        index, spread = _index(table)
        size = float(effective(table.n, table.m)[0])
        ends = noncentrality(index * size, max(int(table.df[0]), 1))
        value, low, high = (end / size for end in ends)
        return between(value, max(min(low, value - Z * spread), 0), max(high, value + Z * spread), int(a.sum()))


def _index(table: Contingency) -> tuple[float, float]:
    """The plain index and its standard error by the delta method."""
    held = table.a + table.b > 0
    a, b = table.a[held] + PRIOR, table.b[held] + PRIOR
    n, m = a.sum(), b.sum()
    p, q = a / n, b / m
    log_ratio = np.log(p / q)
    by_p, by_q = log_ratio + 1 - q / p, -log_ratio + 1 - p / q  # the index's derivatives
    variance = (p @ by_p**2 - (p @ by_p) ** 2) / n + (q @ by_q**2 - (q @ by_q) ** 2) / m
    return float((p - q) @ log_ratio), float(np.sqrt(max(variance, 0.0)))


METRIC = PopulationStabilityIndex()
