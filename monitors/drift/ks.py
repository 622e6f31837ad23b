"""The Kolmogorov-Smirnov distance: the largest gap between two cumulative distributions."""

from __future__ import annotations

import numpy as np

from monitors.distances import ONE, kolmogorov_smirnov
from monitors.estimate import Estimate
from monitors.intervals import between, nothing, sup_distance
from monitors.metric import ORDERED, Alert, Metric, Severity
from monitors.reference import Reference
from monitors.window import Window


class KolmogorovSmirnov(Metric):
    """The largest gap between the window's and the reference's cumulative shares, over values that are present.

    Taken at the edges of the cells, so a gap inside a cell can be larger by at most the cell's share. The interval is
    the Dvoretzky-Kiefer-Wolfowitz band with Massart's constant, for the window's and the reference's error together:
    it holds for every distribution and every n.
    """

    NAME = "drift_ks"
    HELP = "Largest gap between the cumulative distributions of window and reference, present values only."
    UNIT = "ratio"
    RANGE = (0.0, 1.0)
    SOURCE = "Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, Annals of Probability 1990"
    APPLIES = ORDERED
    COMPARES = True
    ALERT = Alert(
        "SynthstreamNumberDrift",
        Severity.PAGE,
        "{{ $labels.column }} of {{ $labels.stream }} no longer follows the distribution of its generator's release",
    )

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        cells = window.pane.layout.present[subject]
        a, b = window.pane.column(subject)[cells], reference.counts[subject][cells]
        n, m = int(a.sum()), int(b.sum())
        if n == 0 or m == 0:
            return nothing()
        gap = float(kolmogorov_smirnov(a, b, ONE)[0])
        band = sup_distance(n, m)
        return between(gap, np.clip(gap - band, 0, 1), np.clip(gap + band, 0, 1), n)


METRIC = KolmogorovSmirnov()
