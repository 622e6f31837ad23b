"""How alike the correlations of numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import atanh, sqrt, tanh

import numpy as np
import numpy.typing as npt

from monitors.estimate import Estimate
from monitors.intervals import Z, between, difference
from schemas.row_counts import scores
from stream_app.assessment.score import TABLE, Score, Subject
from stream_app.assessment.tables import Floats, Side, Tables
from stream_app.assessment.witness import similarity

ROWS = 50_000
"""Rows of each table from which the error of the mean over pairs is taken."""


class Correlation(Score):
    """One less the difference of Spearman's rank correlations, a pair of numeric columns each.

    The difference is not halved. Ranks are those of cells of the real column. A column that never varies in one of the
    tables goes with nothing there.
    """

    NAME = "correlation"
    TITLE = "Correlations"
    HELP = (
        "1 less the difference of the rank correlations (Spearman) of two numeric columns, not halved; over rows "
        "that have both values."
    )
    INTERVAL = (
        "Fisher's z of each correlation, with Bonett and Wright's error for ranks, and the limits of a difference "
        "by Zou and Donner; of the mean over pairs from the errors row by row."
    )
    SOURCE = "Bonett and Wright, Psychometrika 2000; Zou and Donner, Statistics in Medicine 2008"
    LIMIT = "correlation"
    WITHHOLDS = True
    PLACE = 40

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        names = tables.ground.numbers
        (one, n), (other, m) = (each.counts.moments.of(names).correlations for each in (tables.real, side))
        found: dict[Subject, Estimate] = {}
        signs, chance, gaps = np.zeros(one.shape), 0.0, 0.0
        for i, j in combinations(range(len(names)), 2):
            both = int(min(n[i, j], m[i, j]))
            if both < 5 or np.isnan(one[i, j]):
                continue
            real, here = _correlation(one[i, j], int(n[i, j])), _correlation(other[i, j], int(m[i, j]))
            gap, low, high = difference(here, real)
            found[names[i], names[j]] = between(1 - gap, max(1 - high, 0.0), 1 - low, both)
            signs[i, j] = signs[j, i] = 1.0 if here.value >= real.value else -1.0
            chance += sqrt(2 / np.pi) * sqrt(1 / n[i, j] + 1 / m[i, j]) * (1 - real.value**2)
            gaps += gap
        if not found:
            return {}
        pairs, error = len(found), 0.0
        for each, r in ((tables.real, one), (side, np.nan_to_num(other))):
            error += _error(each, names, signs / pairs, r) ** 2
        table = similarity(gaps / pairs, chance / pairs, sqrt(error), min(tables.real.rows, side.rows))
        return {TABLE: table, **found}


def _correlation(r: float, n: int) -> Estimate:
    value = 0.0 if np.isnan(r) else float(r)
    z, off = atanh(max(min(value, 1 - 1e-9), -1 + 1e-9)), Z * sqrt((1 + value**2 / 2) / max(n - 3, 1))
    return between(value, tanh(z - off), tanh(z + off), n)


def _error(side: Side, names: tuple[str, ...], weights: Floats, r: Floats) -> float:
    """The standard error of a weighted sum of correlations, by the rows' influence on it.

    Args:
        side: the rows.
        names: the columns.
        weights: of the correlations, symmetric, with an empty diagonal, shape (columns, columns).
        r: the correlations, shape (columns, columns).
    """
    chosen = side.some(ROWS, "correlation")
    ranks = np.stack([_standard(side, name, chosen) for name in names], axis=1)  # (rows, columns)
    products = ((ranks @ weights) * ranks).sum(axis=1) / 2
    squares = ranks**2 @ (weights * np.nan_to_num(r)).sum(axis=1) / 2
    return float(np.std(products - squares)) / sqrt(side.rows)


def _standard(side: Side, name: str, chosen: npt.NDArray[np.int64]) -> Floats:
    """The ranks of a column with mean 0 and deviation 1, 0 where missing, shape (chosen,)."""
    bins = side.ground.layout.bins[name]
    codes = side.codes[name][chosen]
    present = codes != bins.null
    ranks = scores(bins).astype(np.float64)[codes]
    own = ranks[present]
    spread = float(own.std()) if len(own) else 0.0
    if spread == 0:
        return np.zeros(len(codes))
    return np.where(present, (ranks - own.mean()) / spread, 0.0)


SCORE = Correlation()
