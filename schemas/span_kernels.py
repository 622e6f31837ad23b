"""Stretches of bytes into columns: checked, told apart, and copied one behind the other.

Arguments shared by all:
    data: the bytes of all records, shape (bytes,).
    spans: where each row's value starts in `data`, and its length, shape (2, rows); all lie in it.
    present: 0 where a row has no value, and nothing is looked at, shape (rows,).
    cursor: set to `BROKEN` where the value is not what it should be, shape (rows,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.decode_kernels import BROKEN
from schemas.kernel import inlined, kernel

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

U64 = np.uint64
"""Every position is made unsigned where it indexes bytes, as in `schemas.encode_kernels`."""


@kernel
def is_utf8(data: Bytes, at: int, end: int) -> bool:
    """Whether bytes are well-formed UTF-8 (The Unicode Standard 16, table 3-7)."""
    while at < end:
        lead = np.int64(data[U64(at)])
        at += 1
        if lead < 0x80:
            continue
        more = 1 if 0xC2 <= lead <= 0xDF else 2 if 0xE0 <= lead <= 0xEF else 3 if 0xF0 <= lead <= 0xF4 else 0
        if more == 0 or end - at < more:
            return False
        low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        if data[U64(at)] < low or data[U64(at)] > high:
            return False
        for i in range(1, more):
            if data[U64(at + i)] < 0x80 or data[U64(at + i)] > 0xBF:
                return False
        at += more
    return True


@inlined
def get_half(data: Bytes, at: int) -> Any:
    """Four bytes as a number, lowest first; written out so that the compiler sees one load."""
    low = U64(data[U64(at)]) | U64(data[U64(at + 1)]) << U64(8)
    return low | U64(data[U64(at + 2)]) << U64(16) | U64(data[U64(at + 3)]) << U64(24)


@inlined
def get_word(data: Bytes, at: int) -> Any:
    """Eight bytes as a number, lowest first."""
    return get_half(data, at) | get_half(data, at + 4) << U64(32)


@inlined
def mixed(state: Any) -> Any:
    """A 64-bit number scrambled; both factors are below 2^31, so the products are below 2^63."""
    return (state & U64(0xFFFFFFFF)) * U64(0x5BD1E995) ^ (state >> U64(32)) * U64(0x2C1B3C6D)


@inlined
def hash_bytes(data: Bytes, at: int, end: int) -> Any:
    """A hash of 31 bits, eight bytes at a time: the first, the last, those between."""
    length = end - at
    state = U64(length)
    if length >= 8:
        state = mixed(state ^ get_word(data, at)) ^ get_word(data, end - 8)
        at += 8
        while at < end - 8:
            state = mixed(state) ^ get_word(data, at)
            at += 8
    elif length >= 4:
        state ^= get_half(data, at) << U64(32) | get_half(data, end - 4)
    else:
        while at < end:
            state = state << U64(8) | U64(data[U64(at)])
            at += 1
    state = mixed(state)
    return np.int64((state ^ state >> U64(31)) & U64(0x7FFFFFFF))


@inlined
def same_bytes(data: Bytes, one: int, other: int, length: int) -> bool:
    """Whether two stretches of the buffer hold the same bytes."""
    i = 0
    if length >= 8:
        if get_word(data, one + length - 8) != get_word(data, other + length - 8):
            return False
        while i < length - 8 and get_word(data, one + i) == get_word(data, other + i):
            i += 8
        return bool(i >= length - 8)
    while i < length and data[U64(one + i)] == data[U64(other + i)]:
        i += 1
    return bool(i == length)


@inlined
def find_slot(slots: Codes, entries: Longs, data: Bytes, string: tuple[int, int, int]) -> int:
    """Where a string (start, length, hash) is in the hash table, or the free slot where it belongs.

    Args:
        slots: numbers of entries, -1 where free, shape (a power of two,); never full.
        entries: start, length and hash of each distinct string, shape (room, 3).
        data: as for all.
        string: what to look for.
    """
    start, length, hashed = string
    mask: int = slots.shape[0] - 1
    slot = hashed & mask
    while slots[U64(slot)] >= 0:
        entry = U64(slots[U64(slot)])
        alike = entries[entry, 2] == hashed and entries[entry, 1] == length
        if alike and same_bytes(data, entries[entry, 0], start, length):
            return slot
        slot = (slot + 1) & mask
    return slot


@kernel
def check_texts(data: Bytes, spans: Longs, cursor: Longs) -> None:
    """Mark strings that are not UTF-8 as broken, and empty them."""
    for row in range(cursor.shape[0]):
        start = spans[0, row]
        if not is_utf8(data, start, start + spans[1, row]):
            spans[1, row] = 0
            cursor[row] = BROKEN


@kernel
def number_texts(data: Bytes, spans: Longs, present: Bytes, cursor: Longs, codes: Codes) -> Longs:
    """Number the distinct strings as they appear; two get one code only when every byte is the same.

    Strings that are not UTF-8 are broken.

    Args:
        data: as for all.
        spans: as for all.
        present: as for all.
        cursor: as for all.
        codes: set where there is a value, shape (rows,).

    Returns:
        Where each distinct string starts in `data`, its length and its hash, shape (distinct, 3).
    """
    rows = cursor.shape[0]
    entries = np.empty((rows, 3), np.int64)  # room for every row to be another string
    room = 2
    while room < 2 * rows:
        room *= 2
    slots = np.full(room, -1, np.int32)
    count = 0
    for row in range(rows):
        if present[row] == 0:
            continue
        at, length = spans[0, row], spans[1, row]
        hashed = hash_bytes(data, at, at + length)
        slot = find_slot(slots, entries, data, (at, length, hashed))
        if slots[U64(slot)] < 0:
            if not is_utf8(data, at, at + length):
                cursor[row] = BROKEN
                continue
            entries[count, 0], entries[count, 1], entries[count, 2] = at, length, hashed
            slots[U64(slot)] = count
            count += 1
        codes[row] = slots[U64(slot)]
    return entries[:count]


@kernel
def gather(data: Bytes, starts: Longs, offsets: Codes, out: Bytes) -> None:
    """Copy stretches of the buffer one behind the other.

    Args:
        data: as for all.
        starts: where each stretch starts in `data`, shape (stretches,).
        offsets: where each goes in `out`, and its end, shape (stretches + 1,).
        out: shape (offsets[-1],).
    """
    for entry in range(starts.shape[0]):
        start = starts[entry] - offsets[entry]
        for i in range(offsets[entry], offsets[entry + 1]):
            out[i] = data[U64(start + i)]
