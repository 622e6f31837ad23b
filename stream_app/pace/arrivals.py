"""Random arrivals of rate one: a Poisson process in which any arrival is found without drawing those before it.

The time of 4,096 arrivals together is gamma distributed, and how they share it is independent of how long it is. So
times are drawn from the top: of 2^36 arrivals at once, then of the 4,096 parts of those, and so on down to each.

Source: Devroye 1986, "Non-Uniform Random Variate Generation", IX.3 and XI.3: gammas over their sum are Dirichlet.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property

import numpy as np
import numpy.typing as npt

from generators.randomness import Key, uniforms
from stream_app.pace.segments import Floats

FAN = 4_096
"""Parts that every stretch has."""

TOP = 3
"""The level of the whole: a stretch there has FAN ** 3 arrivals."""

KEPT = 8
"""Stretches that stay in memory at every level."""


class Arrivals:
    """A Poisson process of rate one from time 0 on.

    Args:
        key: selects the numbers it is drawn from.

    >>> process = Arrivals((1, 2))
    >>> bool(process.times(np.array([10**12]))[0] / 1e12 - 1 < 1e-5)
    True
    """

    def __init__(self, key: Key) -> None:
        self._key = key
        self._kept: OrderedDict[tuple[int, int], Floats] = OrderedDict()

    def times(self, numbers: npt.NDArray[np.int64]) -> Floats:
        """When arrivals come, the first of them number 0, shape (n,); number -1 is the beginning."""
        times = np.zeros(len(numbers))
        stretch = numbers // FAN
        for each in np.unique(stretch).tolist():
            if each >= 0:
                inside = stretch == each
                times[inside] = self._edges(0, each)[numbers[inside] % FAN + 1]
        return times

    def count(self, until: float) -> int:
        """How many arrivals there are up to and including a time."""
        if until < 0:
            return 0
        whole = 0
        while self._tops[whole] <= until:
            whole += 1
            self._drawn_to(whole)
        number = whole - 1
        for level in range(TOP - 1, -1, -1):
            within = int(np.searchsorted(self._edges(level, number), until, side="right")) - 1
            number = number * FAN + min(max(within, 0), FAN - 1 + (level == 0))
        return number

    @cached_property
    def _tops(self) -> list[float]:
        return [0.0]

    def _drawn_to(self, number: int) -> None:
        from scipy.special import gammaincinv  # noqa: PLC0415  # half a second that only random streams pay

        while len(self._tops) <= number:
            chance = uniforms(self._key, TOP << 56 | len(self._tops), 1, 1)[0, 0]
            self._tops.append(self._tops[-1] + float(gammaincinv(float(FAN**TOP), chance)))

    def _edges(self, level: int, number: int) -> Floats:
        """Where the parts of a stretch begin and its last ends, shape (FAN + 1,)."""
        known = self._kept.get((level, number))
        if known is not None:
            return known
        if level == TOP - 1:
            self._drawn_to(number + 1)
            low, high = self._tops[number], self._tops[number + 1]
        else:
            above = self._edges(level + 1, number // FAN)
            low, high = above[number % FAN], above[number % FAN + 1]
        total = np.concatenate(
            [[0.0], np.cumsum(_gammas(FAN**level, uniforms(self._key, level << 56 | number, FAN, 1)[:, 0]))]
        )
        edges: Floats = low + total * ((high - low) / total[-1])
        edges[-1] = high
        self._kept[level, number] = edges
        if len(self._kept) > KEPT * TOP:
            self._kept.popitem(last=False)
        return edges


def _gammas(shape: int, chance: Floats) -> Floats:
    """Gamma variates of an integer shape by inversion; of shape one, exponentials."""
    if shape == 1:
        return -np.asarray(np.log1p(-chance), np.float64)
    from scipy.special import gammaincinv  # noqa: PLC0415  # as above

    gammas: Floats = np.asarray(gammaincinv(float(shape), chance), np.float64)
    return gammas
