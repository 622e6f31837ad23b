"""Slots of event time: which one each record is in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitors.pane_kernels import bounds_of
from schemas.errors import InputError

SLOTS_IN_TURN = 4_096
"""A batch that lies within so many slots is told apart without sorting it."""


def slots_of(times_ms: npt.NDArray[np.int64], pane_ms: int) -> tuple[list[int], npt.NDArray[np.int64]]:
    """The slots that times lie in, ascending, and which of them each is in: shape (rows,), or (0,) when it is one."""
    first, last = (at // pane_ms for at in bounds_of(times_ms))
    if first == last:
        return [first], np.zeros(0, np.int64)
    if last - first >= SLOTS_IN_TURN:
        scattered, row_slot = np.unique(times_ms // pane_ms, return_inverse=True)
        return scattered.tolist(), row_slot.astype(np.int64)
    since_first = times_ms // pane_ms - first
    there = np.bincount(since_first, minlength=last - first + 1) > 0
    return (np.flatnonzero(there) + first).tolist(), (np.cumsum(there) - 1)[since_first]


def pane_milliseconds(pane_s: float) -> int:
    """The length of a slot in whole milliseconds.

    Raises:
        InputError: it is shorter than one, or not whole.
    """
    pane_ms = round(pane_s * 1_000)
    if pane_ms < 1 or abs(pane_ms - pane_s * 1_000) > 1e-6:
        raise InputError(f"pane_s={pane_s}: must be at least 0.001 and whole milliseconds")
    return pane_ms
