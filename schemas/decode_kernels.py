"""Avro bytes into columns: every kernel reads one field of every record, and trusts no byte of it.

A cursor a record moves along its bytes; `BROKEN` marks a record that can not be what it should be, and later kernels
leave it alone. No byte is looked at before it is known to lie before the record's end.

Arguments shared by all:
    data: the bytes of all records, shape (bytes,).
    cursor: where each record goes on, or `BROKEN`, moved along, shape (rows,).
    ends: where each record ends, shape (rows,).
    null_index: which branch of the field's union is null; -1 when the field is no union.
    present: set to 1 where there is a value, left alone elsewhere, shape (rows,).

Source: Apache Avro 1.12 specification, "Binary Encoding".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.kernel import inlined, kernel

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

U64 = np.uint64
"""Every position is made unsigned where it indexes bytes, as in `schemas.encode_kernels`."""

BROKEN = -1
"""The cursor of a record that could not be read."""

NULL = -2
"""Returned instead of a position when a union's null branch was read."""


@inlined
def get_long(data: Bytes, at: int, end: int) -> tuple[Any, int]:
    """Read a variable-length 64-bit integer; returns it and where it ends, or `BROKEN`."""
    rest = U64(0)
    shift = U64(0)
    while at < end:
        byte = U64(data[U64(at)])
        at += 1
        if shift == U64(63) and byte > U64(1):
            return np.int64(0), BROKEN
        rest |= (byte & U64(127)) << shift
        if byte < U64(128):
            return np.int64(rest >> U64(1)) ^ -np.int64(rest & U64(1)), at
        shift += U64(7)
    return np.int64(0), BROKEN


@inlined
def get_branch(data: Bytes, at: int, end: int, null_index: int) -> int:
    """Step over a union's branch: where the value starts, or `BROKEN`, or `NULL` (one byte was read)."""
    if null_index < 0 or at < 0:
        return at
    if at >= end:
        return BROKEN
    branch = np.int64(data[U64(at)])
    if branch == 2 * null_index:
        return NULL
    return at + 1 if branch == 2 - 2 * null_index else BROKEN


@kernel
def read_frame(data: Bytes, starts: Longs, ends: Longs, frame_bytes: int, cursor: Longs) -> None:
    """Step over each record's frame: a zero, then `frame_bytes` - 1 bytes of any value; `starts` has shape (rows,)."""
    for row in range(cursor.shape[0]):
        at = starts[row]
        framed = ends[row] - at >= frame_bytes and data[U64(at)] == 0
        cursor[row] = at + frame_bytes if framed else BROKEN


@kernel
def read_longs(
    data: Bytes, cursor: Longs, ends: Longs, null_index: int, bounds: Longs, values: Longs, present: Bytes
) -> None:
    """Read integers into `values`, shape (rows,); outside `bounds` (low, high), both included, is broken."""
    low, high = bounds[0], bounds[1]
    for row in range(cursor.shape[0]):
        at = get_branch(data, cursor[row], ends[row], null_index)
        if at == NULL:
            cursor[row] += 1
        elif at == BROKEN:
            cursor[row] = BROKEN
        else:
            value, at = get_long(data, at, ends[row])
            if value < low or value > high:
                at = BROKEN
            if at != BROKEN:
                values[row] = value
                present[row] = 1
            cursor[row] = at


@kernel
def read_words(
    data: Bytes, cursor: Longs, ends: Longs, null_index: int, words: npt.NDArray[Any], present: Bytes
) -> None:
    """Read little-endian words into `words`, shape (rows,): uint32 for floats' bits, uint64 for doubles'."""
    width = words.itemsize
    for row in range(cursor.shape[0]):
        at = get_branch(data, cursor[row], ends[row], null_index)
        if at == NULL:
            cursor[row] += 1
        elif at == BROKEN or ends[row] - at < width:
            cursor[row] = BROKEN
        else:
            word = U64(0)
            for i in range(width):
                word |= U64(data[U64(at + i)]) << U64(8 * i)
            words[row] = word
            present[row] = 1
            cursor[row] = at + width


@kernel
def read_booleans(data: Bytes, cursor: Longs, ends: Longs, null_index: int, values: Bytes, present: Bytes) -> None:
    """Read booleans into `values`, 0 or 1, shape (rows,); any other byte is broken."""
    for row in range(cursor.shape[0]):
        at = get_branch(data, cursor[row], ends[row], null_index)
        if at == NULL:
            cursor[row] += 1
        elif at == BROKEN or at >= ends[row] or data[U64(at)] > 1:
            cursor[row] = BROKEN
        else:
            values[row] = data[U64(at)]
            present[row] = 1
            cursor[row] = at + 1


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
def read_strings(data: Bytes, cursor: Longs, ends: Longs, null_index: int, codes: Codes, present: Bytes) -> Longs:
    """Read strings as codes of the distinct ones, numbered as they appear.

    Two strings get one code only when every byte is the same. Strings that are not UTF-8 are broken.

    Args:
        data: as for all.
        cursor: as for all.
        ends: as for all.
        null_index: as for all.
        codes: set where there is a value, shape (rows,).
        present: as for all.

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
        at = get_branch(data, cursor[row], ends[row], null_index)
        if at == NULL:
            cursor[row] += 1
            continue
        if at == BROKEN:
            cursor[row] = BROKEN
            continue
        length, at = get_long(data, at, ends[row])
        if at == BROKEN or length < 0 or length > ends[row] - at:
            cursor[row] = BROKEN
            continue
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
        present[row] = 1
        cursor[row] = at + length
    return entries[:count]


@kernel
def gather(data: Bytes, starts: Longs, offsets: Codes, out: Bytes) -> None:
    """Copy stretches of the buffer one after another.

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
