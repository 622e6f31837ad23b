"""By how much counts spread more than independent records would: what dependence between records costs a test.

Records that follow on each other alike (a random walk, a Markov chain, entities that come again) make a pane of n
records worth fewer than n. The generator itself says how many: it draws blocks of records in their order, and the
spread of the counts from block to block, over that of independent records, is the factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

from monitors.distances import Counts, Numbers
from monitors.drift.chi_square import METRIC as CHI_SQUARE
from monitors.drift.ks import METRIC as KS
from monitors.evidence import Subject
from monitors.pane import PaneLayout
from monitors.quality.null_share import METRIC as NULL_SHARE
from monitors.quality.unseen_share import METRIC as UNSEEN_SHARE

INNER = 0.05
"""Cuts that split the records more unevenly than so (share times rest) say little about their spread."""


def inflation(layout: PaneLayout, blocks: Sequence[Counts]) -> dict[Subject, float]:
    """Estimate the factor of every subject; those whose counts spread by no more than chance are left out.

    Args:
        layout: the stream's cells.
        blocks: the counts of blocks of consecutive records, each of shape (layout.size,): as many records each as a
            pane will have, or enough that what depends on each other lies in one block, and 50 blocks or more.
    """
    table = np.array(blocks, float).reshape(len(blocks), layout.size)
    found: dict[Subject, float] = {}
    for metric, spread in ((KS, _of_order), (CHI_SQUARE, _of_shares)):
        for name in metric.subjects(layout):
            found[Subject(metric.NAME, name)] = spread(table[:, layout.cells[name]][:, layout.present[name]])
    for name, bins in layout.bins.items():
        cells = table[:, layout.cells[name]]
        found[Subject(NULL_SHARE.NAME, name)] = _of_rate(cells[:, bins.null], table[:, 0])
        if bins.unseen is not None:
            found[Subject(UNSEEN_SHARE.NAME, name)] = _of_rate(cells[:, bins.unseen], table[:, 0])
    return {subject: factor for subject, factor in found.items() if factor > 1}


def _of_order(counts: Numbers) -> float:
    """The largest factor of any cumulative share."""
    n = counts.sum(1)
    below = np.cumsum(counts, axis=1)[:, :-1]
    share = below.sum(0) / max(n.sum(), 1)
    inner = share * (1 - share) >= INNER
    ratios = _ratios(below[:, inner], n, share[inner], share[inner] * (1 - share[inner]))
    return _beyond_chance(float(ratios.max(initial=0.0)), sqrt(2 / max(len(counts), 1)) * 4)


def _of_shares(counts: Numbers) -> float:
    """The factor of the direction that spreads most."""
    n = counts.sum(1)
    share = counts.sum(0) / max(n.sum(), 1)
    counts, share = counts[:, share > 0], share[share > 0]
    root = np.sqrt(np.maximum(n, 1)[:, None] * share)
    scaled: npt.NDArray[np.float64] = (counts - n[:, None] * share) / root
    largest = float(np.linalg.eigvalsh(scaled.T @ scaled / max(len(counts), 1))[-1]) if len(share) else 0.0
    edge = (1 + sqrt(len(share) / max(len(counts), 1))) ** 2  # of independent directions (Marchenko and Pastur 1967)
    return _beyond_chance(largest, edge - 1 + sqrt(2 / max(len(counts), 1)))


def _of_rate(hits: Numbers, n: Numbers) -> float:
    rate = np.array([hits.sum() / max(n.sum(), 1)])
    if not 0 < rate[0] < 1:
        return 1.0
    return _beyond_chance(float(_ratios(hits[:, None], n, rate, rate * (1 - rate))[0]), sqrt(2 / max(len(n), 1)) * 3)


def _ratios(hits: Numbers, n: Numbers, share: Numbers, spread: Numbers) -> Numbers:
    """The mean square of hits about what is expected, over that of independent records, shape (cuts,)."""
    squares = (hits - n[:, None] * share) ** 2 / np.maximum(n, 1)[:, None]
    ratios: Numbers = squares.sum(0) / max(len(squares), 1) / spread
    return ratios


def _beyond_chance(factor: float, chance: float) -> float:
    return factor if factor > 1 + chance else 1.0
