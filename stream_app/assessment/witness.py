"""Distances of two distributions as the difference of one share, with intervals for a column and for the table.

The largest gap of cumulative shares, and the total variation, are both the largest difference of the shares that two
samples have in a set, over many sets: the one where it is reached is the *witness*. A share's error is known, and so
is, row by row, that of the mean over columns, whatever their dependence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import numpy.typing as npt

from monitors.estimate import Estimate
from monitors.intervals import Z, between
from stream_app.assessment.tables import Longs

Mask = npt.NDArray[np.bool_]

KOLMOGOROV_MEAN = 0.8687311606361592
"""The mean of Kolmogorov's distribution, sqrt(pi/2) log 2."""


@dataclass(frozen=True)
class Gap:
    """The distance of one column.

    Args:
        subject: the column.
        value: the distance.
        chance: about what chance alone adds to it.
        error: the standard error of the witness's difference.
        n: rows that have a value in the smaller sample.
    """

    subject: str
    value: float
    chance: float
    error: float
    n: int

    @property
    def similarity(self) -> Estimate:
        """One less the distance. Its upper end takes off what chance adds; its lower end never does."""
        return similarity(self.value, self.chance, self.error, self.n)


def similarity(value: float, chance: float, error: float, n: int) -> Estimate:
    """One less a distance, with its interval.

    The distance is at least the witness's difference in truth, so it is at most Z errors above what was seen. Seen is
    at most chance and Z errors more than what is true.
    """
    low, high = max(value - chance - Z * error, 0.0), min(value + Z * error, 1.0)
    return between(1.0 - value, 1.0 - high, 1.0 - low, n)


@dataclass
class Gaps:
    """The gaps of several columns of the same rows, and the rows' part in their mean.

    Args:
        rows: rows of one sample and of the other.
    """

    rows: tuple[int, int]
    found: list[Gap] = field(default_factory=list)
    _parts: list[npt.NDArray[np.float64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parts = [np.zeros(n) for n in self.rows]

    def add(self, subject: str, inside: tuple[Mask, Mask], present: tuple[Mask, Mask], chance: float) -> None:
        """Add a column.

        Args:
            subject: its name.
            inside: which rows lie in the witness, of either sample.
            present: which rows have a value at all.
            chance: what chance alone adds to the distance.
        """
        counts = [int(np.count_nonzero(each)) for each in present]
        if min(counts) == 0:
            return
        shares = [np.count_nonzero(each) / n for each, n in zip(inside, counts, strict=True)]
        error = sqrt(sum(max(p * (1 - p), 1 / (4 * n)) / n for p, n in zip(shares, counts, strict=True)))
        self.found.append(Gap(subject, abs(shares[0] - shares[1]), chance, error, min(counts)))
        sign = 1.0 if shares[0] >= shares[1] else -1.0
        for place, (mask, own, share, n) in enumerate(zip(inside, present, shares, counts, strict=True)):
            self._parts[place] += np.where(own, mask - share, 0.0) * (sign * self.rows[place] / n)

    def estimates(self) -> dict[tuple[str, ...], Estimate]:
        """The similarity of the table, which is the columns' mean, and of each column."""
        if not self.found:
            return {}
        columns = len(self.found)
        error = sqrt(sum(float(part @ part) / (len(part) * columns) ** 2 for part in self._parts))
        value, chance = (sum(getattr(gap, name) for gap in self.found) / columns for name in ("value", "chance"))
        mean = similarity(value, chance, max(error, 0.5 / min(self.rows)), min(self.rows))
        return {(): mean, **{(gap.subject,): gap.similarity for gap in self.found}}


def largest_gap(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """The value up to which the cumulative shares of two samples differ most.

    Args:
        one: rising, at least one value; other: alike.
    """
    best, where = -1.0, float(one[0])
    for at in (one, other):
        gap = np.abs(np.searchsorted(one, at, "right") / len(one) - np.searchsorted(other, at, "right") / len(other))
        most = int(np.argmax(gap))
        if gap[most] > best:
            best, where = float(gap[most]), float(at[most])
    return where


def chance_of_cells(one: Longs, other: Longs) -> float:
    """About what chance alone adds to the total variation of two samples, by their counts in the same cells.

    Half the sum of the cells' mean absolute errors, sqrt(2/pi) standard errors each.
    """
    n, m = float(one.sum()), float(other.sum())
    pooled = (one + other) / (n + m)
    return float(0.5 * np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m)).sum())
