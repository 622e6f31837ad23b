"""Rules that a share of records may break: evidence warns, the rate at which that budget burns pages.

A page takes two windows: the long one says that much was spent, the short one that it is being spent now (the
multi-window alerts of Google's Site Reliability Workbook, chapter 5).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitors.detector import SCALES
from monitors.distances import Counts
from monitors.metric import Metric
from monitors.pane import PaneLayout
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from monitors.questions import Answer, log_more

BURNS = ((16, 1, 14.4), (64, 4, 6.0))
"""Long window and short one, in panes, and how many times the tolerated rate both must exceed."""


class Tolerated:
    """Whether rules are broken more often than they may be: the exact binomial tail at the tolerated rate.

    Args:
        layout: the stream's cells.
        rates: by rule, the share of records that may break it.
        inflation: by rule, how many records count as one (`monitors.dispersion`); 1 where it is not there.
    """

    def __init__(
        self, layout: PaneLayout, rates: Mapping[str, float], inflation: Mapping[str, float] | None = None
    ) -> None:
        self.metric: Metric = VIOLATION_RATE
        self.names = tuple(rates)
        first = layout.violations.start
        self._cells = np.array([first + layout.rule_names.index(name) for name in rates], np.intp)
        self._rates = np.array(list(rates.values()))
        factors = {} if inflation is None else inflation
        self._inflation = np.array([factors.get(name, 1.0) for name in rates])

    def answer(self, counts: Counts) -> Answer:
        """Answer for windows; a change has any size where the budget burns, and none elsewhere.

        Args:
            counts: panes' counts, summed over the windows of `SCALES`, shape (scales, layout.size).
        """
        hits = counts[:, self._cells].astype(float)
        n = np.broadcast_to(counts[:, :1], hits.shape).astype(float)
        burn = hits / np.maximum(n, 1) / self._rates
        burns = np.zeros(len(self.names), bool)
        for long, short, times in BURNS:
            burns |= (burn[SCALES.index(long)] >= times) & (burn[SCALES.index(short)] >= times)
        least = np.where(burns, np.inf, -np.inf)
        return Answer(
            log_more(hits / self._inflation, n / self._inflation, self._rates), np.broadcast_to(least, hits.shape), n
        )
