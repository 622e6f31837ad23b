"""How many distinct values there are, from hashes: one pass, a byte a register.

Source: Flajolet and others, HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm, 2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.kernel import inlined, kernel

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

U64 = np.uint64

INDEX_BITS = 12
"""A hash's first bits, which say in which register it is noted."""


@inlined
def mixed(word: Any) -> Any:
    """A word whose bits all depend on all bits of another (Steele and others, SplitMix64, 2014)."""
    word = (word ^ (word >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> U64(27))) * U64(0x94D049BB133111EB)
    return word ^ (word >> U64(31))


@kernel
def hash_words(values: Longs, hashes: Words) -> None:
    """Hash whole numbers; both of shape (rows,)."""
    for row in range(values.shape[0]):
        hashes[row] = mixed(U64(values[row]) + U64(0x9E3779B97F4A7C15))


@kernel
def hash_texts(data: Bytes, offsets: Longs, hashes: Words) -> None:
    """Hash texts that lie one behind the other in `data`: `offsets` has shape (rows + 1,), `hashes` (rows,)."""
    for row in range(hashes.shape[0]):
        word = U64(14695981039346656037)
        for at in range(offsets[row], offsets[row + 1]):
            word = (word ^ U64(data[at])) * U64(1099511628211)
        hashes[row] = mixed(word)


@kernel
def note_hashes(hashes: Words, present: Bytes, slots: Longs, registers: npt.NDArray[np.uint8]) -> None:
    """Note by slot, in the register that a hash's first bits name, the longest run of zeros behind them, plus 1.

    Args:
        hashes: shape (rows,).
        present: 0 where the value is null, shape (rows,); shape (0,) when none is.
        slots: the slot of each row, shape (rows,); shape (0,) when all are in the first.
        registers: raised, shape (slots, 2 ** INDEX_BITS).
    """
    one, some = slots.shape[0] == 0, present.shape[0] == 0
    for row in range(hashes.shape[0]):
        if not (some or present[row] == 1):
            continue
        rest = hashes[row] << U64(INDEX_BITS)
        run = 1
        while run <= 64 - INDEX_BITS and rest >> U64(63) == U64(0):
            rest = rest << U64(1)
            run += 1
        register = np.int64(hashes[row] >> U64(64 - INDEX_BITS))
        slot = 0 if one else slots[row]
        registers[slot, register] = max(registers[slot, register], run)
