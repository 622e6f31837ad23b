"""The 95 % intervals that estimates carry, each by a published method."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, inf, log, nan, sqrt
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrik, betaincinv, chdtr, chndtrinc, gammaincinv, ndtri

from monitors.estimate import Estimate

MISS = 0.05
"""How often an interval may miss: 5 %."""

EXACT_UP_TO = 20_000.0
"""The largest chi-square statistic whose interval is found by inverting the law itself."""

Z = 1.959963984540054
"""The normal quantile at 97.5 %."""


def widened(together: float) -> float:
    """How many times as wide 95 % intervals are when so many are to hold at once (Bonferroni).

    >>> widened(1), round(widened(20), 3)
    (1.0, 1.543)
    """
    return float(ndtri(1 - MISS / 2 / together)) / Z


def nothing() -> Estimate:
    """The answer when no record was seen: not a number, on n = 0."""
    return Estimate(nan, nan, nan, 0)


def between(value: SupportsFloat, low: SupportsFloat, high: SupportsFloat, n: int) -> Estimate:
    """An estimate whose interval is widened, if rounding asks for it, to hold the value."""
    middle = float(value)
    return Estimate(middle, min(float(low), middle), max(float(high), middle), n)


def proportion(hits: float, n: int, miss: float = MISS) -> Estimate:
    """A share with its exact interval (Clopper and Pearson 1934).

    Args:
        hits: how many, one that is undecided counting half; n: of how many.
        miss: how often the interval may miss.

    >>> proportion(0, 10).high.__round__(4)
    0.3085
    """
    if n == 0:
        return nothing()
    low = betaincinv(hits, n - hits + 1, miss / 2) if hits > 0 else 0.0
    high = betaincinv(hits + 1, n - hits, 1 - miss / 2) if hits < n else 1.0
    return between(hits / n, low, high, n)


def poisson_rate(count: int, seconds: float) -> Estimate:
    """Events a second with the exact interval of a Poisson count (Garwood 1936).

    Args:
        count: how many events.
        seconds: in how long.
    """
    low = gammaincinv(count, MISS / 2) if count > 0 else 0.0
    high = gammaincinv(count + 1, 1 - MISS / 2)
    return between(count / seconds, low / seconds, high / seconds, count)


def sup_distance(n: int, m: int, miss: float = MISS) -> float:
    """How far a difference of two empirical distribution functions may lie from the true one, anywhere.

    Two bounds of Dvoretzky, Kiefer and Wolfowitz with Massart's constant (1990), each at half the miss.

    Args:
        n: rows of one sample; m: rows of the other.
        miss: how often it may lie further.
    """
    return sqrt(log(4 / miss) / (2 * n)) + sqrt(log(4 / miss) / (2 * m))


def difference(one: Estimate, other: Estimate) -> tuple[float, float, float]:
    """How far two numbers lie apart, whichever is larger, from the interval of each: value, low and high.

    The square-and-add limits of the difference (Zou and Donner, Statistics in Medicine 2008), folded at 0; the miss is
    that of the intervals given.

    >>> difference(Estimate(0.5, 0.4, 0.6, 9), Estimate(0.5, 0.4, 0.6, 9))[:2]
    (0.0, 0.0)
    """
    gap = one.value - other.value
    low = gap - hypot(one.value - one.low, other.high - other.value)
    high = gap + hypot(one.high - one.value, other.value - other.low)
    return abs(gap), max(low, -high, 0.0), max(high, -low)


def largest(differences: Sequence[tuple[float, float, float]], n: int) -> Estimate:
    """The largest of some differences; the interval holds it if each interval holds its own, all at once."""
    value, low, high = (max(ends) for ends in zip(*differences, strict=True))
    return between(value, low, high, n)


def noncentrality(statistic: float, df: int, miss: float = MISS) -> tuple[float, float, float]:
    """What a chi-square statistic says about its noncentrality: estimate, low and high.

    The estimate is the statistic less its degrees of freedom, not below 0. The interval inverts the noncentral
    chi-square law exactly; beyond `EXACT_UP_TO`, where that is slow, by Sankaran's square-root approximation
    (Biometrika 1963), which agrees there to five digits.

    Args:
        statistic: the chi-square statistic.
        df: its degrees of freedom.
        miss: how often the interval may miss.
    """
    value = max(statistic - df, 0.0)
    if statistic <= EXACT_UP_TO:
        central = chdtr(df, statistic)  # what the law without noncentrality gives; below it, 0 is the answer
        low, high = (
            float(chndtrinc(statistic, df, share)) if central > share else 0.0 for share in (1 - miss / 2, miss / 2)
        )
        return value, low, high
    shift = (df - 1) / 2
    root, z = sqrt(statistic - shift), float(ndtri(1 - miss / 2))
    return value, max((root - z) ** 2 - shift, 0.0), (root + z) ** 2 - shift


def quantile(counts: npt.NDArray[np.int64], edges: npt.NDArray[np.float64], q: float) -> Estimate:
    """A quantile of binned values, with the exact order-statistic interval widened to the cells' edges.

    The ranks are binomial (Conover, Practical Nonparametric Statistics, 3.2), so nothing is assumed of the values'
    distribution; with too few values for an upper rank the interval is open above.

    Args:
        counts: how many values fell in each cell, shape (cells,).
        edges: the cells' edges, ascending, shape (cells,); the last cell has no upper edge.
        q: which quantile, between 0 and 1.
    """
    n = int(counts.sum())
    if n == 0:
        return nothing()
    below = np.cumsum(counts)
    upper = np.append(edges[1:], inf)

    def cell(rank: float) -> int:
        return int(np.searchsorted(below, rank, side="left"))

    # bdtrik answers for which real k the binomial sum reaches a probability; the rank is the next whole number.
    first, last = np.ceil(bdtrik(np.array([MISS / 2, 1 - MISS / 2]), n, q)) + np.array([0, 1])
    middle = cell(max(np.ceil(q * n), 1))
    value = edges[middle] if upper[middle] == inf else (edges[middle] + upper[middle]) / 2
    low = edges[cell(first)] if first >= 1 else 0.0
    high = upper[cell(last)] if last <= n else inf
    return between(value, low, high, n)
