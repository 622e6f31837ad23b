"""Brings what a network gives to the profile's marginals, so that these are right whatever it has learned.

States get biases by which their shares are the profile's. A number goes through the distribution function of the
network's own numbers, tabulated, and then through the inverse of the profile's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np
import numpy.typing as npt

from generators.columns import Floats
from generators.discrete.cells import Codes
from generators.encoded.layout import Floats32, Layout
from schemas.errors import InputError

STEPS = 1_024
"""A number's distribution function is tabulated at so many steps of equal probability."""

ROUNDS, SETTLED = 40, 1e-4
"""Biases are brought nearer so often, or until none moves by more than so much."""

CALIBRATION_ROWS, FEWEST_ROWS, MOST_LOGITS = 32_768, 4_096, 2**26
"""So many rows of a network's own say how its marginals are; fewer where they would have more logits than that."""

NEVER = -1e30
"""The bias of a state that no row is in."""

Spread = Callable[[Floats32, Floats], Floats32]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is learned of a network's own marginals.

    Args:
        biases: added to the states' logits, shape (states,).
        knots: the numbers that a share of 0, 1 / STEPS, …, 1 of the network's own are below, shape
            (numbers, STEPS + 1).
    """

    biases: Floats32
    knots: Floats

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {"calibration.biases": self.biases, "calibration.knots": self.knots}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        return cls(arrays["calibration.biases"], arrays["calibration.knots"])


def calibration_rows(layout: Layout) -> int:
    """By how many rows of its own a network is calibrated."""
    return min(CALIBRATION_ROWS, max(FEWEST_ROWS, MOST_LOGITS // max(layout.states, 1)))


def calibrated(
    layout: Layout, numbers: Floats32, logits: Floats32, u: Floats, spread: Spread = lambda numbers, into: numbers
) -> Calibration:
    """Calibrate a network by rows that it gave.

    Args:
        layout: its variables.
        numbers: as the network has them, shape (n, numbers).
        logits: of the states, shape (n, states).
        u: the uniforms that states are drawn by, shape (n, variables).
        spread: adds to the numbers what the network leaves open, by a uniform a variable, shape (n, variables).

    Raises:
        InputError: the network has lost itself: there are numbers among its own that are none.
    """
    if not (np.isfinite(numbers).all() and np.isfinite(logits).all()):
        raise InputError("training lost itself in numbers too large; train anew with another --seed, or for less long")
    biases = _balanced(logits, layout)
    codes, into = states(logits, biases, layout.first, u)
    found = raw_values(layout, spread(numbers, into), codes)
    knots = np.zeros((layout.numbers, STEPS + 1))
    at = np.linspace(0.0, 1.0, STEPS + 1)
    for j in np.flatnonzero(layout.number >= 0).tolist():
        there = found[codes[:, j] != layout.null[j], layout.number[j]]
        knots[layout.number[j]] = np.quantile(there, at) if len(there) else 0.0
    return Calibration(biases, knots)


def raw_values(layout: Layout, numbers: Floats32, codes: Codes) -> Floats:
    """What a network's numbers are in their states, on the scale that calibration is on, shape (n, numbers)."""
    found = numbers.astype(np.float64)
    for j in np.flatnonzero(layout.number >= 0).tolist():
        at = layout.first[j] + codes[:, j]
        found[:, layout.number[j]] = layout.centre[at] + layout.spread[at] * found[:, layout.number[j]]
    return found


def _balanced(logits: Floats32, layout: Layout) -> Floats32:
    """Biases by which the mean chance of each state is its share."""
    share, biases = layout.share, np.zeros(layout.states, np.float32)
    biases[share == 0.0] = NEVER
    floor = 1.0 / max(len(logits), 1)
    for _ in range(ROUNDS if len(logits) else 0):
        drawn = _mean_chances(logits, biases, layout.first)
        off = np.where(share > 0.0, np.log((share + 1e-3 * floor) / (drawn + 1e-3 * floor)).clip(-3.0, 3.0), 0.0)
        biases = (biases + off).astype(np.float32)
        if np.abs(off).max(initial=0.0) < SETTLED:
            break
    return biases


def states(logits: Floats32, biases: Floats32, first: npt.NDArray[np.int64], u: Floats) -> tuple[Codes, Floats]:
    """Draw the state of every variable.

    Args:
        logits: shape (n, states).
        biases: added to them, shape (states,).
        first: where each variable's states begin, and where the last one's end, shape (d + 1,).
        u: a uniform a variable, in [0, 1), shape (n, d).

    Returns:
        The states, counted from their variable's first, and how far into its state's chance each uniform is, from 0 to
        1, both of shape (n, d).
    """
    codes, into = np.zeros(u.shape, np.int32), np.zeros(u.shape)
    _pick(logits, biases, first, u, codes, into)
    return codes, into


@numba.njit(cache=True, nogil=True)
def _chances(row: Floats32, biases: Floats32, start: int, end: int, room: Floats) -> float:
    """What the chances of one variable's states are proportional to, and what they add up to."""
    most = row[start] + biases[start]
    for k in range(start + 1, end):
        most = max(most, row[k] + biases[k])
    total = 0.0
    for k in range(start, end):
        chance = math.exp(row[k] + biases[k] - most)
        room[k - start] = chance
        total += chance
    return total


@numba.njit(cache=True, nogil=True)
def _mean_chances(logits: Floats32, biases: Floats32, first: npt.NDArray[np.int64]) -> Floats:
    """The mean chance of each state, shape (states,)."""
    n, count = logits.shape
    found, room = np.zeros(count), np.empty(count)
    for i in range(n):
        for j in range(len(first) - 1):
            total = _chances(logits[i], biases, first[j], first[j + 1], room)
            for k in range(first[j + 1] - first[j]):
                found[first[j] + k] += room[k] / total
    found /= n
    return found


@numba.njit(cache=True, nogil=True)
def _pick(
    logits: Floats32, biases: Floats32, first: npt.NDArray[np.int64], u: Floats, codes: Codes, into: Floats
) -> None:
    """See `states`."""
    room = np.empty(logits.shape[1])
    for i in range(len(u)):
        for j in range(len(first) - 1):
            size = first[j + 1] - first[j]
            if size == 1:
                into[i, j] = u[i, j]
                continue
            left, k = u[i, j] * _chances(logits[i], biases, first[j], first[j + 1], room), 0
            while k < size - 1 and left >= room[k]:
                left -= room[k]
                k += 1
            while room[k] == 0.0 and k > 0:
                k -= 1
            codes[i, j] = k
            into[i, j] = min(left / room[k], 1.0)


@numba.njit(cache=True, nogil=True)
def ranked(values: Floats, knots: Floats, into: Floats, found: Floats) -> None:
    """The distribution function of a network's own numbers.

    Args:
        values: shape (n,).
        knots: as `Calibration` has those of one number.
        into: where in its part a value is put that many of its own are, from 0 to 1, shape (n,).
        found: takes uniforms in [0, 1), shape (n,).
    """
    last = len(knots) - 1
    below_one = 1.0 - 2.0**-53
    for i in range(len(values)):
        x = values[i]
        low, high = 0, last + 1
        while low < high:  # the first knot that is not below
            middle = (low + high) // 2
            if knots[middle] < x:
                low = middle + 1
            else:
                high = middle
        end = low
        high = last + 1
        while end < high:  # the first that is above
            middle = (end + high) // 2
            if knots[middle] <= x:
                end = middle + 1
            else:
                high = middle
        if end > low + 1:
            u = low + into[i] * (end - 1 - low)
        elif low == 0:
            u = 0.0
        elif low > last:
            u = float(last)
        else:
            u = low - 1 + (x - knots[low - 1]) / (knots[low] - knots[low - 1])
        found[i] = min(u / last, below_one)
