"""Distances between counts of the same cells, for many columns at once: the arithmetic of drift, once.

Counts of several columns lie behind one another in one vector, split by `starts` (where each column begins), so that a
whole table is measured in a few numpy calls; a single column is the case starts = [0].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Starts = npt.NDArray[np.intp]

ONE = np.zeros(1, np.intp)
"""The starts of a single column."""

SMALL = 5.0
"""Cells where fewer records than this are expected are pooled into one."""


def kolmogorov_smirnov(a: Counts, b: Counts, starts: Starts) -> Numbers:
    """The largest gap between two cumulative shares at the cells' edges, shape (columns,); 0 for empty columns."""
    gap = np.abs(_cumulative_shares(a, starts) - _cumulative_shares(b, starts))
    gaps: Numbers = np.maximum.reduceat(gap, starts)
    empty = (np.add.reduceat(a, starts) == 0) | (np.add.reduceat(b, starts) == 0)
    return np.where(empty, 0.0, gaps)


def _cumulative_shares(counts: Counts, starts: Starts) -> Numbers:
    total = np.add.reduceat(counts, starts)
    run = np.cumsum(counts)
    before = run[starts] - counts[starts]
    lengths = np.diff(np.append(starts, len(counts)))
    shares: Numbers = (run - np.repeat(before, lengths)) / np.repeat(np.maximum(total, 1), lengths)
    return shares


@dataclass(frozen=True)
class Contingency:
    """Two samples over the same cells, the small ones pooled: what the chi-square family is computed from.

    Args:
        a: counts of one sample with a pool appended to each column, shape (cells + columns,).
        b: counts of the other, alike.
        starts: where each column begins in them.
        expected: records expected in a under the pooled shares, shape (cells + columns,).
        df: degrees of freedom: kept cells less one, shape (columns,).
        n: records of a; m: records of b, each of shape (columns,).
    """

    a: Numbers
    b: Numbers
    starts: Starts
    expected: Numbers
    df: npt.NDArray[np.int64]
    n: Numbers
    m: Numbers

    def spread(self, per_column: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """A number a column repeated over the column's cells."""
        return np.repeat(per_column, np.diff(np.append(self.starts, len(self.a))))

    def pearson(self) -> Numbers:
        """Pearson's chi-square of homogeneity, shape (columns,)."""
        gap = (self.a - self.expected) ** 2
        rest = np.maximum(self.a + self.b - self.expected, 0.0)
        terms = _ratio(gap, self.expected) + _ratio(gap, rest)
        statistic: Numbers = np.add.reduceat(terms, self.starts)
        return statistic


def contingency(a: Counts, b: Counts, starts: Starts) -> Contingency:
    """Line two samples up, pooling in each column the cells where fewer than `SMALL` records are expected.

    Args:
        a: counts of the window, shape (cells,).
        b: counts of the reference, shape (cells,).
        starts: where each column begins, shape (columns,).
    """
    lengths = np.diff(np.append(starts, len(a)))
    n, m = np.add.reduceat(a, starts).astype(float), np.add.reduceat(b, starts).astype(float)
    share = _ratio(n, n + m)  # (columns,)
    small = (a + b) * np.repeat(share, lengths) < SMALL
    ends = starts + lengths
    pooled = [
        np.insert(np.where(small, 0, x), ends, np.add.reduceat(np.where(small, x, 0), starts)).astype(float)
        for x in (a, b)
    ]
    moved = starts + np.arange(len(starts))
    both = pooled[0] + pooled[1]
    df = np.add.reduceat((both > 0).astype(np.int64), moved) - 1
    expected = both * np.repeat(share, lengths + 1)
    return Contingency(pooled[0], pooled[1], moved, expected, np.maximum(df, 0), n, m)


def effective(n: Numbers, m: Numbers) -> Numbers:
    """The size of the one sample that errs as much as two together do: nm / (n + m)."""
    return _ratio(n * m, n + m)


def _ratio(x: Numbers, y: Numbers) -> Numbers:
    """The quotient, 0 where the divisor is 0."""
    return np.divide(x, y, out=np.zeros(np.broadcast(x, y).shape), where=y > 0)
