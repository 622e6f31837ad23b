"""How far two windows of the same cells lie apart: a size with its lower bound, for every column and kind of change.

Both windows are samples, so every bound allows for the error of both. Sizes lie between 0 and 1 and are comparable:
the largest gap between distribution functions, the total variation of shares, differences of shares, half the change
of a rank correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import sqrt

from scipy.special import ndtri

from monitors.distances import ONE, Counts, kolmogorov_smirnov
from monitors.drift.correlation import TIED, change
from monitors.drift.total_variation import distance
from monitors.estimate import Estimate
from monitors.intervals import proportion, sup_distance
from monitors.pane import Pane, PaneLayout
from schemas.row_counts import Moments
from schemas.table import Kind

FEWEST = 4
"""Fewer rows have no interval for a correlation."""


class Change(StrEnum):
    """In what two feeds may differ."""

    DISTRIBUTION = "distribution"
    SHARES = "shares"
    NULLS = "nulls"
    UNSEEN = "unseen"
    CORRELATION = "correlation"


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Args:
        column: the column; change: in what.
    """

    column: str
    change: Change


@dataclass(frozen=True)
class Gap:
    """How far two windows lie apart in one respect.

    Args:
        size: the distance, between 0 and 1, what chance alone adds on average taken off where that is much.
        low: its lower bound.
        reach: how far a bound lies from the size at the most; the finest that so many records can tell.
    """

    size: float
    low: float
    reach: float


def subjects(layout: PaneLayout) -> tuple[Subject, ...]:
    """What can be compared of a layout's columns.

    Of timestamps only whether they are there: where they lie, time alone moves. The same goes for columns whose values
    are invented or not told apart.
    """
    found = []
    for column in layout.columns:
        bins, timed = layout.bins[column.name], column.kind is Kind.TIMESTAMP
        if not column.is_surrogate and not timed and bins.ordered:
            found.append(Subject(column.name, Change.DISTRIBUTION))
        if not column.is_surrogate and bins.unseen is not None:
            found += [Subject(column.name, Change.SHARES), Subject(column.name, Change.UNSEEN)]
        found.append(Subject(column.name, Change.NULLS))
    related = [s.column for s in found if s.change is Change.DISTRIBUTION]
    if len(related) > 1:
        found += [Subject(name, Change.CORRELATION) for name in related]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class TwoSamples:
    """Two windows to be compared.

    Args:
        one: the counts of one window; other: of the other, in the same layout.
        miss: how often each lower bound may lie above the truth.
    """

    one: Pane
    other: Pane
    miss: float

    def gap(self, subject: Subject) -> Gap | None:
        """How far they lie apart in one respect; unseen values count where `one` has them.

        Returns:
            The gap; None where a window has nothing to compare.
        """
        a, b = self.one.column(subject.column), self.other.column(subject.column)
        bins, known = self.one.layout.bins[subject.column], self.one.layout.present[subject.column]
        match subject.change:
            case Change.DISTRIBUTION:
                return _of_order(a[known], b[known], self.miss)
            case Change.SHARES:
                return _of_shares(a[: bins.null], b[: bins.null], self.miss)
            case Change.NULLS:
                return _of_rates((a[bins.null], a.sum()), (b[bins.null], b.sum()), self.miss, both_ways=True)
            case Change.UNSEEN:
                new, there = bins.null - 1, bins.null  # unseen's cell lies before null's
                return _of_rates((a[new], a[:there].sum()), (b[new], b[:there].sum()), self.miss, both_ways=False)
            case Change.CORRELATION:
                return self._of_correlations(subject.column)

    @cached_property
    def _moments(self) -> tuple[Moments, Moments]:
        """The sums of products of the columns that are compared by their distribution."""
        names = [s.column for s in subjects(self.one.layout) if s.change is Change.DISTRIBUTION]
        return self.one.moments.of(names), self.other.moments.of(names)

    def _of_correlations(self, name: str) -> Gap | None:
        n, m = self.one.records, self.other.records
        if min(n, m) < FEWEST:
            return None
        found = change(name, *self._moments, self.miss)
        if found.n == 0:
            return None
        pairs = len(self._moments[0].columns) - 1
        reach = float(ndtri(1 - self.miss / (2 * pairs))) * sqrt(TIED / (n - 3) + TIED / (m - 3))
        return Gap(found.value / 2, found.low / 2, reach / 2)


def _of_order(a: Counts, b: Counts, miss: float) -> Gap | None:
    n, m = int(a.sum()), int(b.sum())
    if n == 0 or m == 0:
        return None
    size, reach = float(kolmogorov_smirnov(a, b, ONE)[0]), sup_distance(n, m, miss)
    return Gap(size, size - reach, reach)


def _of_shares(a: Counts, b: Counts, miss: float) -> Gap | None:
    if a.sum() == 0 or b.sum() == 0:
        return None
    plain, lifted, reach = distance(a, b, miss)
    size = max(plain - lifted, 0.0)
    return Gap(size, plain - lifted - reach, lifted + reach)


def _of_rates(one: tuple[int, int], other: tuple[int, int], miss: float, both_ways: bool) -> Gap | None:
    """The difference of two rates, each given as hits and records; of exact intervals, each at half the miss."""
    if one[1] == 0 or other[1] == 0:
        return None
    p, q = (proportion(int(hits), int(n), miss / 2) for hits, n in (one, other))
    more, fewer = _above(p, q), _above(q, p)
    return max(more, fewer, key=lambda gap: gap.size) if both_ways else more


def _above(p: Estimate, q: Estimate) -> Gap:
    size, low = p.value - q.value, p.low - q.high
    return Gap(max(size, 0.0), low, max(size - low, (p.high - q.low) - size))
