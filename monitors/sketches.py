"""How many distinct values a column of keys holds, in 4,096 bytes: sketches that can be joined and not subtracted."""

from __future__ import annotations

from math import exp, inf, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitors.estimate import Estimate
from monitors.intervals import Z, between, nothing
from monitors.sketch_kernels import INDEX_BITS, hash_texts, hash_words, note_hashes
from schemas.arrow_views import bytes_of, offsets_of, present_of, values_of

REGISTERS = 1 << INDEX_BITS

Registers = npt.NDArray[np.uint8]


def note(array: pa.Array[Any], slots: npt.NDArray[np.int64], registers: Registers) -> None:
    """Note the values of a column.

    Args:
        array: whole numbers or texts, shape (rows,); other types are noted by their texts.
        slots: the slot of each row, shape (rows,); shape (0,) when all are in the first.
        registers: raised, shape (slots, REGISTERS).
    """
    present, hashes = present_of(array), np.empty(len(array), np.uint64)
    if pa.types.is_int64(array.type):
        hash_words(values_of(array, np.int64), hashes)
    else:
        texts = array.cast(pa.string())
        hash_texts(bytes_of(texts.buffers()[2]), offsets_of(texts), hashes)
    note_hashes(hashes, present, slots, registers)


def distinct(registers: Registers) -> float:
    """How many distinct values were noted, about (Ertl, New cardinality estimation algorithms for HyperLogLog, 2017).

    Args:
        registers: shape (REGISTERS,).
    """
    most = 64 - INDEX_BITS
    runs = np.bincount(registers, minlength=most + 2).astype(np.float64)
    z = REGISTERS * _tau(1 - runs[most + 1] / REGISTERS)
    for k in range(most, 0, -1):
        z = 0.5 * (z + runs[k])
    z += REGISTERS * _sigma(runs[0] / REGISTERS)
    return float(REGISTERS**2 / (2 * np.log(2) * z)) if z < inf else 0.0


def _sigma(x: float) -> float:
    if x == 1:
        return inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z, y = z + x * y, 2 * y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x, y, before = sqrt(x), y / 2, z
        z -= (1 - x) ** 2 * y
    return z / 3


def estimated(registers: Registers | None, n: int) -> Estimate:
    """How many distinct values were noted, with the interval of the sketch's own error.

    The error is 1.04 over the root of the registers, or while there are few values that of counting the registers they
    leave empty (Whang and others 1990), whichever is smaller.

    Args:
        registers: shape (REGISTERS,); None where nothing was noted.
        n: how many values were noted.
    """
    if registers is None or n == 0:
        return nothing()
    found = distinct(registers)
    load = min(found / REGISTERS, 50.0)
    few = sqrt(REGISTERS * max(exp(load) - load - 1, 0.0)) / max(found, 1.0)
    error = min(1.04 / sqrt(REGISTERS), few)
    return between(found, found * (1 - Z * error), found * (1 + Z * error), n)
