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
Words = npt.NDArray[np.uint64]

U64 = np.uint64
"""Every position is made unsigned where it indexes bytes, as in `schemas.encode_kernels`."""

ALL = U64(0xFFFFFFFFFFFFFFFF)


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
def get_word(data: Bytes, at: int, length: int) -> Any:
    """The first eight of `length` bytes as a number, lowest first, and zeros where there are fewer.

    Bytes behind them are read along where the buffer has them, and taken off: no branch depends on the length.
    """
    if at + 8 > data.shape[0]:
        word = U64(0)
        for i in range(min(length, 8)):
            word |= U64(data[U64(at + i)]) << U64(8 * i)
        return word
    low = U64(data[U64(at)]) | U64(data[U64(at + 1)]) << U64(8)  # written out so that the compiler sees one load
    low |= U64(data[U64(at + 2)]) << U64(16) | U64(data[U64(at + 3)]) << U64(24)
    high = U64(data[U64(at + 4)]) | U64(data[U64(at + 5)]) << U64(8)
    high |= U64(data[U64(at + 6)]) << U64(16) | U64(data[U64(at + 7)]) << U64(24)
    return (low | high << U64(32)) & (ALL if length >= 8 else (U64(1) << U64(8 * max(length, 0))) - U64(1))


@inlined
def mixed(state: Any) -> Any:
    """A 64-bit number scrambled; both factors are below 2^32, so the products are below 2^64."""
    return (state & U64(0xFFFFFFFF)) * U64(0x9E3779B1) ^ (state >> U64(32)) * U64(0x85EBCA77)


@inlined
def same_bytes(data: Bytes, one: int, other: int, length: int) -> bool:
    """Whether two stretches of the buffer hold the same bytes."""
    for i in range(0, length, 8):
        if get_word(data, one + i, length - i) != get_word(data, other + i, length - i):
            return False
    return True


@inlined
def hash_bytes(data: Bytes, at: int, length: int, first: Any, second: Any) -> Any:
    """A hash of 31 bits; `first` and `second` are the first two words of the bytes."""
    state = mixed(U64(length) ^ first ^ (second << U64(28) | second >> U64(36)))
    for i in range(16, length, 8):
        state = mixed(state ^ get_word(data, at + i, length - i))
    return np.int64((state ^ state >> U64(31)) & U64(0x7FFFFFFF))


@inlined
def find_slot(slots: Codes, entries: Words, last: int, data: Bytes, hashed: int) -> int:
    """Where a string is in the hash table, or the free slot where it belongs.

    Args:
        slots: numbers of entries, -1 where free, shape (a power of two,); never full.
        entries: start, length and first two words of each distinct string, shape (room, 4).
        last: the entry that tells what to look for.
        data: as for all.
        hashed: its hash.
    """
    mask: int = slots.shape[0] - 1
    slot = hashed & mask
    start, length = int(entries[last, 0]), int(entries[last, 1])
    while slots[U64(slot)] >= 0:
        entry = U64(slots[U64(slot)])
        alike = entries[entry, 1] == entries[last, 1] and entries[entry, 2] == entries[last, 2]
        alike = alike and entries[entry, 3] == entries[last, 3]
        if alike and same_bytes(data, int(entries[entry, 0]) + 16, start + 16, length - 16):
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
        Where each distinct string starts in `data`, and its length, shape (2, distinct).
    """
    rows = cursor.shape[0]
    entries = np.empty((rows, 4), np.uint64)  # room for every row to be another string
    room = 2
    while room < 2 * rows:
        room *= 2
    slots = np.full(room, -1, np.int32)
    count = 0
    for row in range(rows):
        if present[row] == 0:
            continue
        at, length = spans[0, row], spans[1, row]
        first, second = get_word(data, at, length), get_word(data, at + 8, length - 8)
        entries[count, 0], entries[count, 1], entries[count, 2], entries[count, 3] = U64(at), U64(length), first, second
        slot = find_slot(slots, entries, count, data, hash_bytes(data, at, length, first, second))
        if slots[U64(slot)] < 0:
            if not is_utf8(data, at, at + length):
                cursor[row] = BROKEN
                continue
            slots[U64(slot)] = count
            count += 1
        codes[row] = slots[U64(slot)]
    found = np.empty((2, count), np.int64)
    for entry in range(count):
        found[0, entry], found[1, entry] = np.int64(entries[entry, 0]), np.int64(entries[entry, 1])
    return found


@kernel
def gather(data: Bytes, spans: Longs) -> tuple[Codes, Bytes]:
    """Copy stretches of the buffer one behind the other.

    Args:
        data: as for all.
        spans: where each stretch starts, and its length, shape (2, stretches).

    Returns:
        Where each lies now and the end of the last, shape (stretches + 1,), and their bytes.
    """
    offsets = np.zeros(spans.shape[1] + 1, np.int32)
    for entry in range(spans.shape[1]):
        offsets[entry + 1] = offsets[entry] + spans[1, entry]
    out = np.empty(offsets[-1], np.uint8)
    for entry in range(spans.shape[1]):
        start = spans[0, entry] - offsets[entry]
        for i in range(offsets[entry], offsets[entry + 1]):
            out[i] = data[U64(start + i)]
    return offsets, out
