"""Whether a classifier tells records from the generator's rows: the catch-all among the questions."""

from __future__ import annotations

import numpy as np

from monitors.distances import Counts
from monitors.drift.classifier import METRIC as CLASSIFIER
from monitors.intervals import MISS
from monitors.metric import Metric
from monitors.pane import PaneLayout
from monitors.questions import Answer, log_more


class Telling:
    """Whether more pairs are told right than wrong: the exact binomial tail at one half, ties left out.

    The rows a record is told from are drawn for it alone, so no reference errs.

    Args:
        layout: the stream's cells.
        inflation: how many records count as one (`monitors.dispersion`).
    """

    metric: Metric = CLASSIFIER
    names: tuple[str, ...] = ("",)

    def __init__(self, layout: PaneLayout, inflation: float = 1.0) -> None:
        self._where, self._inflation = layout.told, inflation

    def answer(self, counts: Counts) -> Answer:
        """See `Question.answer`; the size is by how much more pairs are told right than wrong."""
        right, wrong, tied = (counts[:, self._where].T[:, :, None]).astype(float)  # each (windows, 1)
        n = right + wrong + tied
        reach = np.sqrt(2 * np.log(2 / MISS) / np.maximum(n / self._inflation, 1))
        least = np.where(n > 0, (right - wrong) / np.maximum(n, 1) - reach, -np.inf)
        return Answer(log_more(right / self._inflation, (right + wrong) / self._inflation, np.array(0.5)), least, n)
