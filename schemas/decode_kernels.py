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
Words = npt.NDArray[np.uint64]

U64 = np.uint64
"""Every position is made unsigned where it indexes bytes, as in `schemas.encode_kernels`."""

BROKEN = -1
"""The cursor of a record that could not be read."""

NULL = -2
"""Returned instead of a position when a union's null branch was read."""

VARINT, SPAN, BLOCKS, NEXT, VALUE = range(5)
"""What `skip_value` steps over: an integer; so many bytes, or a length and so many; the blocks of an array or a map;
the end of an item of theirs; the branch of a union alone."""


@inlined
def unzigzag(rest: Any) -> Any:
    """The signed integer that an unsigned one stands for."""
    return np.int64(rest >> U64(1)) ^ -np.int64(rest & U64(1))


@inlined
def get_long(data: Bytes, at: int, end: int) -> tuple[Any, int]:
    """Read a variable-length 64-bit integer; returns it and where it ends, or `BROKEN`.

    The loop ends in one place: out of one with several exits numba can not take the counting of references to `data`,
    which costs more than all of the reading.
    """
    rest, shift, byte = U64(0), U64(0), U64(128)
    while (byte >= U64(128)) & (at < end) & (shift < U64(70)):
        byte = U64(data[U64(at)])
        at += 1
        rest |= (byte & U64(127)) << shift
        shift += U64(7)
    if byte >= U64(128) or (shift == U64(70) and byte > U64(1)):
        return np.int64(0), BROKEN
    return unzigzag(rest), at


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


@inlined
def get_span(data: Bytes, at: int, end: int, width: int) -> tuple[int, Any]:
    """Where a value of `width` bytes, or one whose length comes first when `width` is negative, starts and how long
    it is; `BROKEN` when it ends behind `end`."""
    length = np.int64(width)
    if width < 0:
        length, at = get_long(data, at, end)
    if at == BROKEN or length < 0 or length > end - at:
        return BROKEN, 0
    return at, length


@kernel
def read_spans(
    data: Bytes, cursor: Longs, ends: Longs, null_index: int, width: int, spans: Longs, present: Bytes
) -> None:
    """Step over strings, bytes and fixed.

    Args:
        data: as for all.
        cursor: as for all.
        ends: as for all.
        null_index: as for all.
        width: how long each value is; negative when its length comes first.
        spans: set to where each value starts and its length, shape (2, rows).
        present: as for all.
    """
    for row in range(cursor.shape[0]):
        at = get_branch(data, cursor[row], ends[row], null_index)
        if at == NULL:
            cursor[row] += 1
            continue
        length = np.int64(0)
        if at != BROKEN:
            at, length = get_span(data, at, ends[row], width)
        if at == BROKEN:
            cursor[row] = BROKEN
            continue
        spans[0, row], spans[1, row] = at, length
        present[row] = 1
        cursor[row] = at + length


@kernel
def read_branches(data: Bytes, cursor: Longs, ends: Longs, null_index: int, present: Bytes) -> None:
    """Step over the branches of unions, up to their values."""
    for row in range(cursor.shape[0]):
        at = get_branch(data, cursor[row], ends[row], null_index)
        if at == NULL:
            cursor[row] += 1
        else:
            if at != BROKEN:
                present[row] = 1
            cursor[row] = at


@inlined
def get_count(data: Bytes, at: int, end: int) -> tuple[Any, int]:
    """How many items the next block of an array holds and where they start, or `BROKEN`.

    No item is shorter than a byte, so more items than bytes are never believed. The size in bytes that a block may
    tell is read and not used.
    """
    count, at = get_long(data, at, end)
    if at != BROKEN and count < 0:
        if count < at - end:
            return np.int64(0), BROKEN
        count = -count
        _, at = get_long(data, at, end)
    if at == BROKEN or count < 0 or count > end - at:
        return np.int64(0), BROKEN
    return count, at


@inlined
def skip_value(data: Bytes, at: int, end: int, steps: Longs, left: Longs) -> int:
    """Step over one value of any type; returns where it ends, or `BROKEN`.

    Args:
        data: as for all.
        at: where it starts.
        end: where its record ends.
        steps: what the value is made of, shape (steps, 4): what comes (`VARINT`, `SPAN`, `BLOCKS`, `NEXT`, `VALUE`),
            its width or the step of its `BLOCKS`, the null branch of its union or -1, and the step behind all of it.
        left: room for how many items of each open block are left, shape (depth,).
    """
    step, depth = 0, 0
    while step < steps.shape[0]:
        what, width, null_index, behind = steps[step, 0], steps[step, 1], steps[step, 2], steps[step, 3]
        if what == NEXT:
            left[depth - 1] -= 1
            if left[depth - 1] > 0:
                step = width + 1
                continue
            depth -= 1
            step, null_index, behind = width, -1, steps[width, 3]
            what = BLOCKS
        before = at
        at = get_branch(data, at, end, null_index)
        if at == NULL:
            at = before + 1
            step = behind
            continue
        if at != BROKEN and what == VARINT:
            _, at = get_long(data, at, end)
        elif at != BROKEN and what == SPAN:
            at, length = get_span(data, at, end, width)
            if at != BROKEN:
                at += length
        elif at != BROKEN and what == BLOCKS:
            count, at = get_count(data, at, end)
            if count > 0:
                left[depth] = count
                depth += 1
            else:
                step = behind - 1
        if at == BROKEN:
            return BROKEN
        step += 1
    return at


@kernel
def read_blocks(
    records: tuple[Bytes, Longs, Longs], null_index: int, steps: Longs, depth: int, counts: Longs, present: Bytes
) -> Longs:
    """Step over arrays and maps, finding their items.

    Args:
        records: data, cursor and ends, as for all.
        null_index: as for all.
        steps: what an item is made of, as for `skip_value`.
        depth: how deep blocks lie in an item.
        counts: set to how many items each row has, shape (rows,).
        present: as for all.

    Returns:
        Where each item starts and ends, shape (items, 2).
    """
    data, cursor, ends = records
    items = np.empty((cursor.shape[0] + 1, 2), np.int64)
    left = np.empty(depth + 1, np.int64)
    found = 0
    for row in range(cursor.shape[0]):
        first, end = found, ends[row]
        at = get_branch(data, cursor[row], end, null_index)
        if at == NULL:
            cursor[row] += 1
            continue
        count = np.int64(1)
        while count > 0 and at != BROKEN:
            count, at = get_count(data, at, end)
            for _ in range(count):
                if found == items.shape[0]:
                    grown = np.empty((2 * found, 2), np.int64)
                    grown[:found] = items
                    items = grown
                items[found, 0] = at
                at = skip_value(data, at, end, steps, left)
                items[found, 1] = at
                if at == BROKEN:
                    break
                found += 1
        if at == BROKEN:
            found = first
        else:
            present[row] = 1
        counts[row] = found - first
        cursor[row] = at
    return items[:found]


@inlined
def is_below(value: Words, limit: Words) -> bool:
    """Whether the magnitude of a two's complement integer is below a limit, both in words, lowest first."""
    negative = value[value.shape[0] - 1] >> U64(63) == U64(1)
    carry = U64(1)
    below = False
    for k in range(value.shape[0]):
        word = value[k]
        if negative and (word != U64(0) or carry == U64(0)):
            word = ~word + carry
            carry = U64(0)
        if word != limit[k]:
            below = bool(word < limit[k])
    return below


@kernel
def read_decimals(data: Bytes, spans: Longs, limit: Words, present: Bytes, cursor: Longs, values: Words) -> None:
    """Read decimals: integers of any number of bytes, highest first, of the sign and magnitude that `limit` allows.

    Args:
        data: as for all.
        spans: where each starts and its length, shape (2, rows).
        limit: the smallest magnitude that is broken, as words, lowest first, shape (words,).
        present: as for all; a row that is not present is left alone.
        cursor: as for all.
        values: set, in words of two's complement, lowest first, shape (rows, words).
    """
    words = limit.shape[0]
    for row in range(cursor.shape[0]):
        if present[row] == 0:
            continue
        start, length = spans[0, row], spans[1, row]
        sign = U64(255) if length > 0 and data[U64(start)] >= 128 else U64(0)
        fits = True
        for i in range(max(length, 8 * words)):
            byte = U64(data[U64(start + length - 1 - i)]) if i < length else sign
            if i < 8 * words:
                values[row, i >> 3] |= byte << U64(8 * (i & 7))
            elif byte != sign:
                fits = False
        top = values[row, words - 1] >> U64(63)
        if not fits or (top == U64(1)) != (sign == U64(255)) or not is_below(values[row], limit):
            cursor[row] = BROKEN
