"""What networks over cells are drawn by, besides products: layers in between, and a cell picked by its chance.

Kernels of other files call these, and numba keeps those by their own files: after a change here, remove its cache.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes
from generators.discrete.products import LANES, dot

CHUNK = 256
"""Rows are worked on so many at a time, which the processor's second cache holds."""

STABLE = np.float32(1e-5)
"""What is added to a variance before its root is taken, as torch does."""

SIXTH = np.float32(1 / 6)

NEVER = np.float32(-60.0)
"""A cell whose logit is so far below the largest is never drawn."""

NOTHING = np.float32(-3.0e38)
"""The bias of what fills a column's cells up to whole tiles."""

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def hardswish(x: Any) -> Any:
    """x * relu6(x + 3) / 6."""
    return x * min(max(x * SIXTH + np.float32(0.5), np.float32(0.0)), np.float32(1.0))


@numba.njit(cache=True, nogil=True)
def normalise(row: Floats32, ones: Floats32) -> None:
    """Bring numbers to mean 0 and variance 1, in place."""
    width = np.float32(len(row))
    mean = dot(row, ones) / width
    for k in range(len(row)):
        row[k] -= mean
    scale = np.float32(1.0) / np.sqrt(dot(row, row) / width + STABLE)
    for k in range(len(row)):
        row[k] *= scale


@numba.njit(cache=True, nogil=True)
def exponentials(logits: Floats32, biases: Floats32, sums: Floats32) -> None:
    """Turn logits into what their chances are proportional to, in place: 2^n times a polynomial, without branches.

    Args:
        logits: shape (rows, cells), cells a multiple of LANES.
        biases: added first, shape (cells,).
        sums: takes what each row adds up to, shape (rows,).

    Source: Cephes, expf (the polynomial).
    """
    n, cells = logits.shape
    whole = np.empty(cells, np.int32)
    powers, lanes, ones = whole.view(np.float32), np.empty(LANES, np.float32), np.ones(cells, np.float32)
    for i in range(n):
        row = logits[i]
        lanes[:] = NOTHING
        for k in range(0, cells, LANES):
            for lane in range(LANES):
                row[k + lane] += biases[k + lane]
                lanes[lane] = max(lanes[lane], row[k + lane])
        most = lanes.max()
        for k in range(cells):
            x = max(row[k] - most, NEVER) * np.float32(1.44269504)
            nearest = np.floor(x + np.float32(0.5))
            f = (x - nearest) * np.float32(0.693147181)
            p = np.float32(1.9875691500e-4)
            p = p * f + np.float32(1.3981999507e-3)
            p = p * f + np.float32(8.3334519073e-3)
            p = p * f + np.float32(4.1665795894e-2)
            p = p * f + np.float32(1.6666665459e-1)
            p = p * f + np.float32(5.0000001201e-1)
            row[k] = p * f * f + f + np.float32(1.0) if row[k] - most > NEVER else np.float32(0.0)
            whole[k] = (np.int32(nearest) + np.int32(127)) << np.int32(23)
        for k in range(cells):
            row[k] *= powers[k]
        sums[i] = dot(row, ones)


@numba.njit(cache=True, nogil=True)
def pick(chances: Floats32, sums: Floats32, u: Floats, codes: Codes, into: Floats) -> None:
    """Draw a cell a row.

    Args:
        chances: what the cells' chances are proportional to, shape (rows, cells).
        sums: what each row adds up to, shape (rows,).
        u: a uniform a row, shape (rows,).
        codes: takes the cells, shape (rows,).
        into: takes how far into the cell's chance the uniform is, shape (rows,).
    """
    n, cells = chances.shape
    for i in range(n):
        row, left, k = chances[i], u[i] * sums[i], 0
        while k < cells - 1 and left >= row[k]:
            left -= row[k]
            k += 1
        while row[k] == 0.0 and k > 0:
            k -= 1
        codes[i] = k
        into[i] = min(left / row[k], 1.0)
