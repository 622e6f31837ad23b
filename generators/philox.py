"""Uniforms by address: every row has a counter of its own, so that any version of any entity is drawn alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from generators.randomness import Key
from schemas.kernel import kernel

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

ROUNDS = 10

_WORD = 2**64
_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_SPARE = np.uint64(11)
_FIRST_LOW, _FIRST_HIGH = np.uint64(0xE14C6C93), np.uint64(0xD2E7470E)
_SECOND_LOW, _SECOND_HIGH = np.uint64(0x95121157), np.uint64(0xCA5A8263)
_UNIT = 2.0**-53


def addressed(key: Key, rows: tuple[Longs, Longs], width: int) -> Floats:
    """Draw uniforms in [0, 1) with 53 bits each, each row by its own address; shape (rows, width).

    Row (a, b) has the words that `numpy.random.Philox(key=key, counter=[0, b, a, 0])` draws.

    Args:
        key: selects the stream.
        rows: the two parts of every row's address, at least 0, each of shape (rows,).
        width: how many uniforms a row takes.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".

    >>> first, again = addressed((1, 2), (np.array([7, 8]), np.array([0, 0])), 3)
    >>> bool((addressed((1, 2), (np.array([8]), np.array([0])), 3)[0] == again).all())
    True
    """
    entities, numbers = (np.ascontiguousarray(part, np.int64).view(np.uint64) for part in rows)
    bumped = [[(k + i * step) % _WORD for k, step in zip(key, _STEPS, strict=True)] for i in range(ROUNDS)]
    return _drawn(np.array(bumped, np.uint64), entities, numbers, width)


@kernel
def _drawn(schedule: Words, entities: Words, numbers: Words, width: int) -> Floats:
    """Philox 4x64 with the counters (1, b, a, 0), (2, b, a, 0), …; products are put together from 32-bit halves."""
    out = np.empty((len(entities), width))
    for i in range(len(entities)):
        for group in range((width + 3) // 4):
            w = np.uint64(group + 1)
            x = numbers[i]
            y = entities[i]
            z = np.uint64(0)
            for r in range(len(schedule)):
                low, high = w & _LOW, w >> _HALF
                least, cross = _FIRST_LOW * low, _FIRST_HIGH * low
                middle = (least >> _HALF) + (cross & _LOW) + ((_FIRST_LOW * high) & _LOW)
                top = _FIRST_HIGH * high + (cross >> _HALF) + ((_FIRST_LOW * high) >> _HALF) + (middle >> _HALF)
                bottom = ((middle & _LOW) << _HALF) | (least & _LOW)
                low, high = y & _LOW, y >> _HALF
                least, cross = _SECOND_LOW * low, _SECOND_HIGH * low
                middle = (least >> _HALF) + (cross & _LOW) + ((_SECOND_LOW * high) & _LOW)
                over = _SECOND_HIGH * high + (cross >> _HALF) + ((_SECOND_LOW * high) >> _HALF) + (middle >> _HALF)
                w, x, y, z = (
                    over ^ x ^ schedule[r, 0],
                    ((middle & _LOW) << _HALF) | (least & _LOW),
                    top ^ z ^ schedule[r, 1],
                    bottom,
                )
            at = 4 * group
            out[i, at] = np.float64(w >> _SPARE) * _UNIT
            if at + 1 < width:
                out[i, at + 1] = np.float64(x >> _SPARE) * _UNIT
            if at + 2 < width:
                out[i, at + 2] = np.float64(y >> _SPARE) * _UNIT
            if at + 3 < width:
                out[i, at + 3] = np.float64(z >> _SPARE) * _UNIT
    return out
