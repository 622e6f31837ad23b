"""Where in its state a number lies, as evenly as in the table: by the distribution of the denoiser's own numbers."""

from __future__ import annotations

import numba
import numpy as np
from scipy.special import ndtri

from generators.columns import Floats
from generators.discrete.cells import Codes
from generators.encoded.layout import OUTERMOST, Floats32, Layout

PARTS = 32
"""The distribution of the numbers in each state is tabulated at so many steps of equal probability."""

ASSUMED = 16
"""So many numbers a state are taken to be as the table has them, beside those that were drawn."""

BELOW_ONE = 1.0 - 1e-9
"""No value is put where the next state begins."""


def tabulated(layout: Layout, codes: Codes, numbers: Floats32) -> Floats32:
    """The numbers in each state that a share of 0, 1 / PARTS, …, 1 of the denoiser's own are below.

    Args:
        layout: the variables.
        codes: the states of rows that were drawn, shape (n, d).
        numbers: their numbers, shape (n, m).

    Returns:
        shape (states, PARTS + 1); zero for states without numbers.
    """
    knots = np.zeros((layout.states, PARTS + 1), np.float32)
    shares, assumed = np.linspace(0.0, 1.0, PARTS + 1), (np.arange(ASSUMED) + 0.5) / ASSUMED
    for j in np.flatnonzero(layout.number >= 0).tolist():
        drawn = numbers[:, layout.number[j]]
        for state in range(layout.sizes[j]):
            if state == layout.null[j]:
                continue
            low, span = layout.spans[layout.first[j] + state]
            usual = ndtri((low + span * assumed).clip(OUTERMOST, 1.0 - OUTERMOST))
            knots[layout.first[j] + state] = np.quantile(np.append(drawn[codes[:, j] == state], usual), shares)
    return knots


@numba.njit(cache=True, nogil=True)
def put(numbers: Floats32, codes: Codes, knots: Floats32, into: Floats) -> None:
    """Work out how far into its state each number is.

    Args:
        numbers: of one variable, shape (n,).
        codes: its states, shape (n,).
        knots: as `tabulated` has those of the variable's states.
        into: takes it, from 0 to 1, shape (n,).
    """
    last = knots.shape[1] - 1
    for i in range(len(numbers)):
        row, x = knots[codes[i]], numbers[i]
        low, high = 0, last + 1
        while low < high:  # the first knot that is not below
            middle = (low + high) // 2
            if row[middle] < x:
                low = middle + 1
            else:
                high = middle
        if low == 0 or low > last:
            into[i] = 0.0 if low == 0 else 1.0
        else:
            into[i] = (low - 1 + (x - row[low - 1]) / (row[low] - row[low - 1])) / last


def placed(layout: Layout, numbers: Floats32, codes: Codes, into: Floats, knots: Floats32) -> Floats:
    """Where in its column's marginal each value lies, in [0, 1), shape (n, d); those of missing ones mean nothing.

    Args:
        layout: the variables.
        numbers: shape (n, m).
        codes: the states, shape (n, d).
        into: how far into their states values without a number are, from 0 to 1, shape (n, d).
        knots: see `tabulated`.
    """
    found = np.empty(into.shape)
    for j in range(layout.count):
        part, states = into[:, j], slice(layout.first[j], layout.first[j + 1])
        if layout.number[j] >= 0:
            part = np.empty(len(into))
            put(np.ascontiguousarray(numbers[:, layout.number[j]]), codes[:, j], knots[states], part)
        at = layout.first[j] + codes[:, j]
        found[:, j] = layout.spans[at, 0] + np.minimum(part, BELOW_ONE) * layout.spans[at, 1]
    return found.clip(0.0, np.nextafter(1.0, 0.0))
