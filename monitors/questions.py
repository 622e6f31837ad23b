"""What is asked of every window: one question a column and kind of change, each answered by a p-value.

The reference is a sample too, and the same one in every pane, so its error does not average out. Each question
therefore allows for every truth that the reference does not rule out: the p-value is the largest over all of these,
and holds for each pane whatever came before. The chance that the truth is none of them is `REFERENCE_MISS`, once in a
reference's life and for the whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, chdtrc, chdtri
from scipy.stats import ncx2

from monitors.bridge import BridgeTails
from monitors.distances import SMALL, Counts, Numbers, Starts, kolmogorov_smirnov
from monitors.intervals import MISS
from monitors.metric import Metric

REFERENCE_MISS = 1e-3
"""The chance that the reference misleads about any column of a table by more than is allowed for."""

SURE_OF = 20
"""Cells of which the reference holds fewer rows are pooled: their shares are hardly known."""

TINY = 1e-280
"""Below it a p-value is bounded by formula."""


@dataclass(frozen=True)
class Answer:
    """What windows say to one question, each of shape (windows, subjects).

    Args:
        log_p: the logarithm of the p-value.
        least: the lower 95 % bound of the change's size; infinite where a change of any size matters.
        n: how many records it rests on.
    """

    log_p: Numbers
    least: Numbers
    n: Numbers


class Question(Protocol):
    """A question about several columns or rules, its subjects."""

    metric: Metric
    names: tuple[str, ...]

    def answer(self, counts: Counts) -> Answer:
        """Answer for windows.

        Args:
            counts: panes' counts, summed over each window, shape (windows, layout.size).
        """
        ...


@dataclass(frozen=True)
class Asked:
    """The columns a question is about.

    Args:
        metric: names the question.
        names: the columns.
        cells: where their cells lie in a pane, one column behind the other.
        starts: where each column begins in `cells`.
        expected: the reference's rows in each cell.
        inflation: by how much each column's counts spread more than independent records would, shape (columns,).
        miss: the chance that a column's reference misleads by more than is allowed for.
    """

    metric: Metric
    names: tuple[str, ...]
    cells: npt.NDArray[np.intp]
    starts: Starts
    expected: Counts
    inflation: Numbers
    miss: float

    def per_cell(self, per_column: Numbers) -> Numbers:
        """A number a column repeated over the column's cells, on the last axis."""
        lengths = np.diff(np.append(self.starts, len(self.cells)))
        return np.repeat(per_column, lengths, axis=-1)

    def total(self, values: npt.NDArray[np.generic]) -> Numbers:
        """Sums over each column's cells, on the last axis."""
        found: Numbers = np.add.reduceat(values, self.starts, axis=-1).astype(float)
        return found


class Order:
    """Whether values follow another distribution function: the largest gap between cumulative shares.

    The noise is that of the cells (`BridgeTails`), raised by Bernstein's term where few records could make the gap.
    """

    def __init__(self, asked: Asked) -> None:
        self.metric, self.names, self._asked = asked.metric, asked.names, asked
        self._rows = np.maximum(asked.total(asked.expected), 1)
        rare = -np.log(asked.miss)  # rows that an empty cell may yet stand for
        shares = [_held(part, rare) for part in np.split(asked.expected, asked.starts[1:])]
        self._spread = np.array([float((np.cumsum(s) * (1 - np.cumsum(s))).max()) for s in shares])
        self._tails = BridgeTails(shares)
        m = self._rows / asked.inflation
        self._allowed = self._tails.quantile(np.log(asked.miss)) / np.sqrt(m) + rare / self._rows

    def answer(self, counts: Counts) -> Answer:
        """See `Question.answer`; the size is the Kolmogorov-Smirnov distance."""
        asked, windows = self._asked, len(counts)
        inside = counts[:, asked.cells]
        n = asked.total(inside)
        starts = (asked.starts + len(asked.cells) * np.arange(windows)[:, None]).ravel()
        flat = kolmogorov_smirnov(inside.ravel(), np.tile(asked.expected, windows), starts)
        gap = flat.reshape(windows, len(self.names))
        root = np.sqrt(n / asked.inflation)
        beyond = np.maximum(gap - self._allowed, 0.0) * root
        few = beyond / (3 * np.maximum(root, 1))
        log_p = self._tails.log_p(beyond * np.sqrt(self._spread / (self._spread + few)))
        return Answer(log_p, gap - _reach(n / asked.inflation, self._rows / asked.inflation), n)


def _held(counts: Counts, rare: float) -> Numbers:
    """Shares of cells, never all in one: another may hold what a reference of this size could miss."""
    rows = max(int(counts.sum()), 1)
    shares = np.append(counts, 0.0) if len(counts) < 2 else counts.astype(float)
    if shares.max() > rows - rare:
        shares = np.array([rows - rare, rare]) if rows > 2 * rare else np.ones(2)
    found: Numbers = shares / shares.sum()
    return found


class Shares:
    """Whether values have other shares: the likelihood ratio over cells, rare ones pooled.

    Shares that the reference does not rule out make the statistic noncentral chi-square at the most. The pool counts
    against a bound on its rate, and only when it is more than that, with two degrees of freedom: Chernoff's bound on a
    Poisson count is that law's tail.
    """

    def __init__(self, asked: Asked) -> None:
        self.metric, self.names, self._asked = asked.metric, asked.names, asked
        self._rows = np.maximum(asked.total(asked.expected), 1)

    def answer(self, counts: Counts) -> Answer:
        """See `Question.answer`; the size is the total variation distance."""
        asked = self._asked
        a, b = counts[:, asked.cells].astype(float), asked.expected.astype(float)
        n = asked.total(a)
        kept = (b >= SURE_OF) & (b * asked.per_cell(n / self._rows) >= SMALL)  # (windows, cells)
        held, known = asked.total(np.where(kept, a, 0)), asked.total(np.where(kept, b, 0))
        expected = np.where(kept, b * asked.per_cell(held / np.maximum(known, 1)), 0.0)
        g = 2 * asked.total(_deviance(np.where(kept, a, 0.0), expected))
        df = np.maximum(asked.total(kept) - 1, 0)
        error = held / np.maximum(known, 1) * np.where(df > 0, chdtri(np.maximum(df, 1), asked.miss), 0.0)
        pool, rate = n - held, asked.total(np.where(kept, 0, b))
        most = n / self._rows * (rate + _doubt(rate, asked.miss))
        g = g + 2 * np.where(pool > most, _deviance(pool, most) - pool + most, 0.0)
        log_p = log_ncx2_sf(np.maximum(g, 0.0) / asked.inflation, df + 2, error)
        p, q = a / asked.per_cell(np.maximum(n, 1)), b / asked.per_cell(self._rows)
        ours, theirs = np.maximum(n / asked.inflation, 1), np.maximum(self._rows / asked.inflation, 1)
        noise = np.sqrt(p * (1 - p) / asked.per_cell(ours) + q * (1 - q) / asked.per_cell(theirs))
        tv = asked.total(np.abs(p - q) - noise) / 2
        reach = np.sqrt(np.log(2 / MISS) * (1 / ours + 1 / theirs) / 2)
        return Answer(np.where(n > 0, log_p, 0.0), np.where(n > 0, tv - reach, 0.0), n)


class Rate:
    """Whether a rate differs: exact binomial tails against the highest, or lowest, rate the reference allows for.

    Args:
        asked: the columns, each with its one cell.
        rows: rows of the reference.
        both_ways: whether fewer hits count as much as more.
        any_size: whether a change of any size matters.
    """

    def __init__(self, asked: Asked, rows: int, *, both_ways: bool, any_size: bool) -> None:
        self.metric, self.names, self._asked = asked.metric, asked.names, asked
        self._rows, self._both_ways, self._any_size = (
            np.full(len(asked.names), float(max(rows, 1))),
            both_ways,
            any_size,
        )
        k, m = asked.expected / asked.inflation, self._rows / asked.inflation
        self._high = np.where(k < m, betaincinv(k + 1, np.maximum(m - k, 1e-9), 1 - asked.miss), 1.0)
        self._low = np.where(k > 0, betaincinv(np.maximum(k, 1e-9), m - k + 1, asked.miss), 0.0)

    def answer(self, counts: Counts) -> Answer:
        """See `Question.answer`; the size is the difference of the rates."""
        asked = self._asked
        hits = counts[:, asked.cells].astype(float)
        n = np.broadcast_to(counts[:, :1], hits.shape).astype(float)
        log_p = log_more(hits / asked.inflation, n / asked.inflation, self._high)
        if self._both_ways:
            fewer = log_more((n - hits) / asked.inflation, n / asked.inflation, 1 - self._low)
            log_p = np.minimum(np.log(2) + np.minimum(log_p, fewer), 0.0)
        gap, m = np.abs(hits / np.maximum(n, 1) - asked.expected / self._rows), self._rows / asked.inflation
        least = np.full(hits.shape, np.inf) if self._any_size else gap - _reach(n / asked.inflation, m)
        return Answer(log_p, least, n)


def log_more(hits: Numbers, n: Numbers, rate: Numbers) -> Numbers:
    """The logarithm of the chance of so many hits or more among n; far out, Chernoff's bound on it.

    >>> float(np.exp(log_more(np.array([2.0]), np.array([3.0]), np.array([0.5])))[0])
    0.5
    """
    p = np.where(hits > 0, betainc(np.maximum(hits, 1e-9), np.maximum(n - hits, 0) + 1, rate), 1.0)
    share = hits / np.maximum(n, 1e-9)
    with np.errstate(divide="ignore"):
        other = np.where(
            share < 1, (1 - share) * np.log(np.maximum(1 - share, 1e-300) / np.maximum(1 - rate, 1e-300)), 0
        )
        apart = np.where(share > 0, share * np.log(np.maximum(share, 1e-300) / np.maximum(rate, 1e-300)), 0.0) + other
    bound = np.where(share > rate, -n * apart, 0.0)
    return np.where(p > TINY, np.log(np.maximum(p, TINY)), bound)


def log_ncx2_sf(x: Numbers, df: Numbers, noncentrality: Numbers) -> Numbers:
    """The logarithm of the noncentral chi-square law's upper tail; far out, a bound on it (Birgé 2001, lemma 8.1)."""
    spread = df + 2 * noncentrality
    over = np.maximum(x - df - noncentrality, 0.0)
    bound = -((np.sqrt(spread + 2 * over) - np.sqrt(spread)) ** 2) / 4
    near = bound > -60.0
    p = np.ones(x.shape)
    central = near & (noncentrality <= 0)
    p[central] = chdtrc(df[central], x[central])
    rest = near & ~central & (x > 0)
    p[rest] = ncx2.sf(x[rest], df[rest], noncentrality[rest])
    found: Numbers = np.where(near & (p > TINY), np.log(np.maximum(p, TINY)), bound)
    return np.minimum(found, 0.0)


def _deviance(a: Numbers, expected: Numbers) -> Numbers:
    """The product a ln(a / expected), 0 where a is 0."""
    ratio = np.divide(a, expected, out=np.ones(np.broadcast(a, expected).shape), where=(a > 0) & (expected > 0))
    found: Numbers = a * np.log(ratio)
    return found


def _doubt(rows: Numbers, miss: float) -> Numbers:
    """How many more rows there might have been than a Poisson count of so many (Chernoff)."""
    log = -np.log(miss)
    found: Numbers = log + np.sqrt(2 * log * rows)
    return found


def _reach(n: Numbers, m: Numbers) -> Numbers:
    """How far two samples' shares may lie from the truth, together, at 95 % (see `monitors.intervals.sup_distance`)."""
    found: Numbers = np.sqrt(np.log(4 / MISS) / (2 * np.maximum(n, 1))) + np.sqrt(np.log(4 / MISS) / (2 * m))
    return found


def asked_of(
    metric: Metric,
    parts: Sequence[tuple[str, int, npt.NDArray[np.intp], Counts]],
    inflation: Numbers,
    miss: float,
) -> Asked:
    """Line columns up for a question.

    Args:
        metric: names the question.
        parts: by column: its name, where its cells begin in a pane, which of them are meant, the reference's rows in
            these.
        inflation: by column, see `Asked`.
        miss: see `Asked`.
    """
    none = np.zeros(0, np.int64)
    starts = np.cumsum([0, *(len(cells) for _, _, cells, _ in parts)])[: len(parts)].astype(np.intp)
    places = np.concatenate([none, *(first + cells for _, first, cells, _ in parts)]).astype(np.intp)
    expected = np.concatenate([none, *(rows for _, _, _, rows in parts)])
    return Asked(metric, tuple(name for name, _, _, _ in parts), places, starts, expected, inflation, miss)
