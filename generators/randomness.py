"""Counter-based randomness: every number a record rests on can be drawn again, anywhere, in any order."""

from __future__ import annotations

import json
from enum import StrEnum
from hashlib import blake2b

import numpy as np
import numpy.typing as npt


class Purpose(StrEnum):
    """What numbers are for; no two uses ever share any."""

    DATA = "data"
    DISORDER = "disorder"
    ARRIVALS = "arrivals"
    REFERENCE = "reference"
    ENTITIES = "entities"
    LIVES = "lives"
    IMAGES = "images"
    TRAINING = "training"
    DRIFT = "drift"
    CLASSIFIER = "classifier"


Key = tuple[int, int]
"""128 bits that select one Philox stream."""


def stream_key(artifact: str, seed: int, epoch: int, shard: int, purpose: Purpose) -> Key:
    """Derive the key of a stream of numbers: 128 bits of BLAKE2b over all that tells it from others.

    >>> stream_key("a", 0, 0, 0, Purpose.DATA) == stream_key("a", 0, 0, 1, Purpose.DATA)
    False
    """
    text = json.dumps([artifact, seed, epoch, shard, purpose.value]).encode()
    digest = blake2b(text, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def words(key: Key, block: int, count: int) -> npt.NDArray[np.uint64]:
    """Draw raw 64-bit Philox words (4x64, 10 rounds); numpy promises this stream across versions.

    Args:
        key: selects the stream.
        block: the counter's high word: blocks never overlap.
        count: how many words.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """
    bits = np.random.Philox(key=np.array(key, np.uint64), counter=np.array([0, 0, 0, block], np.uint64))
    drawn: npt.NDArray[np.uint64] = bits.random_raw(count)
    return drawn


def uniforms(key: Key, block: int, rows: int, width: int) -> npt.NDArray[np.float64]:
    """Draw uniforms in [0, 1) with 53 bits each, shape (rows, width).

    Args:
        key: selects the stream.
        block: which block of it.
        rows: how many rows.
        width: how many uniforms a row takes.

    >>> uniforms((1, 2), 0, 2, 3).shape
    (2, 3)
    """
    raw = words(key, block, rows * width) >> np.uint64(11)
    return (raw.astype(np.float64) * 2.0**-53).reshape(rows, width)
