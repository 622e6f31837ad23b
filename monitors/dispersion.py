"""By how much counts spread more than independent records would: what dependence between records costs a test.

Records that follow on each other alike (a random walk, a Markov chain, entities that come again) make a pane of n
records worth fewer than n. The generator itself says how many: it draws blocks of records that go together, and the
spread of the counts from block to block, over that of independent records, is the factor. Where a window has larger
groups than that, or smaller ones, it is Kish's design effect: 1 + (m - 1) rho, with m the mean size of a record's group
and rho the correlation within groups (Kish, "Survey Sampling", 1965, section 8.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from monitors.distances import Counts, Numbers
from monitors.drift.chi_square import METRIC as CHI_SQUARE
from monitors.drift.classifier import METRIC as CLASSIFIER
from monitors.drift.ks import METRIC as KS
from monitors.evidence import Subject
from monitors.pane import PaneLayout
from monitors.quality.null_share import METRIC as NULL_SHARE
from monitors.quality.unseen_share import METRIC as UNSEEN_SHARE
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE

INNER = 0.05
"""Cuts that split the records more unevenly than so (share times rest) say little about their spread."""

COMMON = 400
"""Cells with fewer records in all blocks together say little about their spread."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Records that go together, counted.

    Args:
        counts: of blocks of records that depend on each other and on none of another block, each of shape
            (layout.size,): 50 blocks or more.
        together: how many records of a window go together, on average over its records; None for as many as in a block.
    """

    counts: Sequence[Counts]
    together: float | None = None


def factors(asked: float | Literal["auto"], layout: PaneLayout, blocks: Blocks | None) -> Mapping[Subject, float]:
    """By subject, how many records count as one; subjects whose records count whole are left out.

    Args:
        asked: for every subject alike, or "auto" to go by the blocks.
        layout: the stream's cells.
        blocks: the stream's own records; None where they do not depend on each other.
    """
    if asked == "auto":
        return {} if blocks is None else inflation(layout, blocks)
    if asked == 1:
        return {}
    columns = [Subject(m.NAME, name) for m in (KS, CHI_SQUARE, NULL_SHARE, UNSEEN_SHARE) for name in layout.bins]
    rules = [Subject(VIOLATION_RATE.NAME, name) for name in layout.rule_names]
    return dict.fromkeys([*columns, *rules, Subject(CLASSIFIER.NAME, "")], float(asked))


def inflation(layout: PaneLayout, blocks: Blocks) -> dict[Subject, float]:
    """Estimate the factor of every subject; those whose counts spread by no more than chance are left out."""
    table = np.array(blocks.counts, float).reshape(len(blocks.counts), layout.size)
    each = table[:, 0].mean() if len(table) else 0.0
    more = 1.0 if blocks.together is None else (blocks.together - 1) / max(each - 1, 1e-9)
    return {subject: float(1 + (factor - 1) * more) for subject, factor in _spreads(layout, table).items() if more > 0}


def _spreads(layout: PaneLayout, table: Numbers) -> dict[Subject, float]:
    """By how much the counts of blocks spread more than those of independent records, where it is beyond chance."""
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
    common = counts.sum(0) >= COMMON
    counts, share = counts[:, common], share[common]
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
