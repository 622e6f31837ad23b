"""Surrogate keys that hash to their shard, so that they land where everyone's partitioner puts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.arrow_views import bytes_of, offsets_of
from schemas.blobs import Blobs
from schemas.errors import InputError

DEFAULT_BASE = 10**9
"""Where keys start in a table that has no key column."""

ROOM = 64
"""Each key may look for its shard among this many numbers a shard; none fails with probability e^-64."""

_DIGITS = 20
_LOW = 0xFFFFFFFF


@dataclass(frozen=True, eq=False)
class Keys:
    """Consecutive surrogate keys of one shard.

    Args:
        numbers: the keys, shape (n,).
        buffer: their decimal digits in ASCII, one after the other.
        offsets: where each begins in the buffer, and where the last one ends, shape (n + 1,).
    """

    numbers: npt.NDArray[np.int64]
    buffer: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def values(self) -> Blobs:
        """The keys as they are sent."""
        return Blobs.cut(self.buffer, self.offsets)

    def strings(self) -> pa.Array[Any]:
        """The keys as an Arrow string array."""
        offsets = pa.py_buffer(self.offsets.astype(np.int32).tobytes())
        return pa.StringArray.from_buffers(len(self.numbers), offsets, pa.py_buffer(self.buffer.tobytes()))


def surrogate_keys(base: int, shard: int, shards: int, start: int, count: int) -> Keys:
    """Make the keys of consecutive records.

    The key of a record is base + (sequence * shards + shard) * 64 * shards + the smallest nonce with which the decimal
    digits hash to the shard: distinct over all shards, and found without looking at any other key.

    Args:
        base: no key is smaller.
        shard: the shard, in [0, shards).
        shards: how many shards, that is partitions, there are.
        start: the sequence number of the first record.
        count: how many keys.

    Raises:
        InputError: the keys no longer fit 64 bits.

    >>> surrogate_keys(1_000, 0, 1, 0, 3).numbers.tolist()
    [1000, 1064, 1128]
    """
    last = base + ((start + count) * shards + shard + 1) * ROOM * shards
    if last > np.iinfo(np.int64).max:
        raise InputError(f"shards={shards}: record {start + count} has no key within 64 bits; publish without a key")
    numbers, buffer, offsets = _search(base, shard, shards, start, count)
    return Keys(numbers, buffer, offsets)


def murmur2(data: bytes) -> int:
    """Hash as Kafka's default partitioner does (murmur2, seed 0x9747b28c), as an unsigned 32-bit number.

    >>> (murmur2(b"21") & 0x7FFFFFFF) % 1_000
    340
    """
    return int(_murmur2(np.frombuffer(data, np.uint8), len(data)))


def partitions_of(texts: pa.Array[Any], shards: int) -> npt.NDArray[np.int64]:
    """Where everybody's murmur2 partitioner puts keys.

    Args:
        texts: the keys, an array of n strings without null.
        shards: how many partitions there are.

    >>> partitions_of(pa.array(["21", "foobar"]), 1_000).tolist()
    [340, 166]
    """
    return _partitions(bytes_of(texts.buffers()[2]), offsets_of(texts), shards)


@numba.njit(cache=True, nogil=True)
def _partitions(data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], shards: int) -> npt.NDArray[np.int64]:
    found = np.empty(len(ends) - 1, np.int64)
    for i in range(len(found)):
        found[i] = (_murmur2(data[ends[i] : ends[i + 1]], ends[i + 1] - ends[i]) & 0x7FFFFFFF) % shards
    return found


@numba.njit(cache=True, nogil=True)
def _murmur2(data: npt.NDArray[np.uint8], size: int) -> int:
    m = 0x5BD1E995  # below 2^31, so that products with 32 bits fit 63 and the same source runs uncompiled
    h = 0x9747B28C ^ size
    whole = size // 4
    for i in range(whole):
        k = 0
        for j in range(4):
            k |= int(data[4 * i + j]) << (8 * j)
        k = (k * m) & _LOW
        k ^= k >> 24
        k = (k * m) & _LOW
        h = ((h * m) & _LOW) ^ k
    rest = size - 4 * whole
    if rest > 0:
        for j in range(rest):
            h ^= int(data[4 * whole + j]) << (8 * j)
        h = (h * m) & _LOW
    h ^= h >> 13
    h = (h * m) & _LOW
    return h ^ (h >> 15)


@numba.njit(cache=True, nogil=True)
def _digits(number: int, out: npt.NDArray[np.uint8]) -> int:
    """Write the decimal digits of a number to the front of `out`; returns how many characters."""
    size = 0
    rest = -number if number < 0 else number
    while True:
        out[size] = np.uint8(48 + rest % 10)
        size += 1
        rest //= 10
        if rest == 0:
            break
    if number < 0:
        out[size] = np.uint8(45)
        size += 1
    for i in range(size // 2):
        out[i], out[size - 1 - i] = out[size - 1 - i], out[i]
    return size


@numba.njit(cache=True, nogil=True)
def _search(
    base: int, shard: int, shards: int, start: int, count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    numbers = np.empty(count, np.int64)
    buffer = np.empty(count * _DIGITS, np.uint8)
    offsets = np.zeros(count + 1, np.int64)
    text = np.empty(_DIGITS, np.uint8)
    for i in range(count):
        number = base + ((start + i) * shards + shard) * ROOM * shards
        for _ in range(ROOM * shards):
            size = _digits(number, text)
            if (_murmur2(text, size) & 0x7FFFFFFF) % shards == shard:
                break
            number += 1
        numbers[i] = number
        end = offsets[i] + size
        buffer[offsets[i] : end] = text[:size]
        offsets[i + 1] = end
    return numbers, buffer[: offsets[count]].copy(), offsets
