"""Numbers cut into a few ordered states: what depends on a number's size, or on a frequent value, is told at once.

A value that many rows hold has a state of its own. The others share theirs with their neighbours, and where in its
state a number lies, its normal says. Numbers of few values are told by their states alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from generators.columns import Floats, Pieces
from generators.encoded.layout import Layout

LEAST_SHARE = 0.002
"""No state that several values share is of fewer rows."""


def cut(layout: Layout, states: int) -> Layout:
    """The layout with the numbers' states cut, those of few values without a number any more.

    Args:
        layout: of a table, each number with one state beside that for missing values.
        states: about how many a number gets, beside those of its frequent values.
    """
    first, number, share, spans = [0], list[int](), [np.empty(0)], [np.empty((0, 2))]
    for j in range(layout.count):
        start, end = layout.first[j : j + 2].tolist()
        own, within, numeric = layout.share[start:end], layout.spans[start:end], layout.number[j] >= 0
        if numeric:
            edges, whole = _edges(layout.pieces, int(layout.drawn[j]), states)
            parts, gone = np.diff(edges), int(layout.null[j] >= 0)
            own = np.append(parts * own[0], own[1:])
            within = np.vstack([np.column_stack([edges[:-1], parts]), np.zeros((gone, 2))])
            numeric = not whole.all()
        number.append(sum(n >= 0 for n in number) if numeric else -1)
        share.append(own)
        spans.append(within)
        first.append(first[-1] + len(own))
    sizes = np.diff(first)
    return replace(
        layout,
        first=np.array(first, np.int64),
        number=np.array(number, np.int64),
        null=np.where(layout.null >= 0, sizes - 1, -1),
        share=np.concatenate(share),
        spans=np.concatenate(spans),
        centre=np.zeros(first[-1]),
        spread=np.ones(first[-1]),
    )


def _edges(pieces: Pieces, drawn: int, states: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Where in [0, 1] the states of a number begin and end, shape (k + 1,), and which hold one value, shape (k,)."""
    rows = slice(pieces.first[drawn], pieces.first[drawn + 1])
    upto, below = pieces.table[rows, :2].T
    alone = pieces.span[rows] <= np.where(pieces.table[rows, 5] > 0, 1.0, 0.0)
    mass = upto - below
    if len(mass) <= states:
        return np.append(below, 1.0), alone
    rest = 1.0 - mass[alone & (mass >= 1.0 / states)].sum()
    least = max(rest / states, LEAST_SHARE)
    firsts, opened = [], 0.0
    for k in range(len(mass)):
        own = bool(alone[k]) and mass[k] >= least
        if own or k == 0 or opened >= least:
            firsts.append(k)
            opened = 0.0
        opened = least if own else opened + mass[k]
    counts = np.diff(np.append(firsts, len(mass)))
    return np.append(below[firsts], 1.0), (counts == 1) & alone[firsts]
