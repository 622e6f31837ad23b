"""Columns into Avro bytes: every kernel measures or writes one field of every record.

A batch is written in two rounds. The first adds up how long each record will be, so that one buffer of exactly the
right length is made; the second writes field after field, a cursor a record. Both rounds see the same immutable
arrays, so the second can not write past what the first measured.

Arguments shared by all:
    present: one byte a row, 0 where the value is null, shape (rows,); or (0,) when no value is null.
    null_index: which branch of the field's union is null; -1 when the field is no union (then nothing is null).
    sizes: bytes of each record so far, added to, shape (rows,).
    cursor: where each record goes on in `out`, moved along, shape (rows,).
    out: the bytes of all records, shape (bytes,).

Values in an array or a map are records of their own to these kernels: their cursors are set when the array is written.

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
Words = npt.NDArray[np.uint64]

U64 = np.uint64
"""Every position is made unsigned where it indexes bytes: a signed one costs a test for Python's negative indices,
which also hides from the compiler that eight bytes in a row are one word. Measured: 4 times slower."""


@inlined
def zigzag(value: Any) -> Any:
    """A signed 64-bit integer as an unsigned one, small when its magnitude is."""
    return U64((value << np.int64(1)) ^ (value >> np.int64(63)))


@inlined
def long_size(value: Any) -> Any:
    """How many bytes the variable-length form of a 64-bit integer takes, 1 to 10.

    Nine comparisons and no branch: the compiler makes several rows one step. Measured: 4 times faster than a loop.
    """
    rest = zigzag(value)
    size = np.int64(1)
    for bits in (7, 14, 21, 28, 35, 42, 49, 56, 63):
        size += np.int64(rest >= U64(1 << bits))
    return size


@inlined
def put_long(out: Bytes, at: int, value: Any) -> int:
    """Write the variable-length form of a 64-bit integer; returns where it ends."""
    rest = zigzag(value)
    while rest >= U64(128):
        out[U64(at)] = np.uint8(rest & U64(127) | U64(128))
        at += 1
        rest >>= U64(7)
    out[U64(at)] = np.uint8(rest)
    return at + 1


@inlined
def put_branch(out: Bytes, at: int, branch: int) -> int:
    """Write which branch of a union of two follows; returns where it ends."""
    out[U64(at)] = np.uint8(branch << 1)
    return at + 1


@inlined
def get_word(data: Bytes, at: int) -> Any:
    """Eight bytes as a word, lowest first; written out so that the compiler sees one load."""
    word = U64(data[U64(at)]) | U64(data[U64(at + 1)]) << U64(8)
    word |= U64(data[U64(at + 2)]) << U64(16) | U64(data[U64(at + 3)]) << U64(24)
    word |= U64(data[U64(at + 4)]) << U64(32) | U64(data[U64(at + 5)]) << U64(40)
    return word | U64(data[U64(at + 6)]) << U64(48) | U64(data[U64(at + 7)]) << U64(56)


@inlined
def put_word(out: Bytes, at: int, word: Any) -> None:
    """Write eight bytes, lowest first; written out so that the compiler sees one store."""
    low = U64(255)
    out[U64(at)] = np.uint8(word & low)
    out[U64(at + 1)] = np.uint8(word >> U64(8) & low)
    out[U64(at + 2)] = np.uint8(word >> U64(16) & low)
    out[U64(at + 3)] = np.uint8(word >> U64(24) & low)
    out[U64(at + 4)] = np.uint8(word >> U64(32) & low)
    out[U64(at + 5)] = np.uint8(word >> U64(40) & low)
    out[U64(at + 6)] = np.uint8(word >> U64(48) & low)
    out[U64(at + 7)] = np.uint8(word >> U64(56))


@inlined
def copy_bytes(data: Bytes, start: int, length: int, out: Bytes, at: int) -> None:
    """Copy a stretch of bytes, words where it is long enough: the first, the last, those between."""
    if length < 8:
        for i in range(length):
            out[U64(at + i)] = data[U64(start + i)]
        return
    put_word(out, at, get_word(data, start))
    put_word(out, at + length - 8, get_word(data, start + length - 8))
    i = 8
    while i < length - 8:
        put_word(out, at + i, get_word(data, start + i))
        i += 8


@inlined
def is_null(present: Bytes, row: int) -> bool:
    """Whether the row's value is null."""
    return bool(present.shape[0] > 0 and present[row] == 0)


@kernel
def write_frame(frame: Bytes, cursor: Longs, out: Bytes) -> None:
    """Write the same first bytes to every record; `frame` has shape (frame bytes,)."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        copy_bytes(frame, 0, frame.shape[0], out, at)
        cursor[row] = at + frame.shape[0]


@kernel
def measure_fixed(width: int, present: Bytes, null_index: int, sizes: Longs) -> None:
    """Measure booleans, floats or doubles: values of `width` bytes."""
    union = 1 if null_index >= 0 else 0
    for row in range(sizes.shape[0]):
        sizes[row] += union if is_null(present, row) else union + width


@kernel
def measure_longs(values: Longs, present: Bytes, null_index: int, sizes: Longs) -> None:
    """Measure integers, shape (rows,); what stands under a null is ignored."""
    union = 1 if null_index >= 0 else 0
    for row in range(sizes.shape[0]):
        sizes[row] += union if is_null(present, row) else union + long_size(values[row])


@kernel
def measure_spans(offsets: Longs, present: Bytes, null_index: int, sizes: Longs) -> None:
    """Measure strings or bytes that lie in one buffer between `offsets`, shape (rows + 1,)."""
    union = 1 if null_index >= 0 else 0
    for row in range(sizes.shape[0]):
        sizes[row] += union
        if not is_null(present, row):
            length = offsets[row + 1] - offsets[row]
            sizes[row] += long_size(length) + length


@kernel
def measure_entries(codes: Codes, starts: Longs, present: Bytes, null_index: int, sizes: Longs) -> int:
    """Measure values that are entries of a table of ready bytes.

    Args:
        codes: which entry each row is, shape (rows,).
        starts: where each entry starts in the table, shape (entries + 1,); an empty entry can not be written.
        present: as for all.
        null_index: as for all.
        sizes: as for all.

    Returns:
        The first row whose code names no entry that can be written, or -1; every code is checked here, so that
        `write_entries` need not.
    """
    union = 1 if null_index >= 0 else 0
    entries = starts.shape[0] - 1
    bad = -1
    for row in range(sizes.shape[0] - 1, -1, -1):
        size = 0
        if not is_null(present, row):
            code = codes[row]
            if 0 <= code < entries:
                size = starts[U64(code + 1)] - starts[U64(code)]
            if size == 0:
                bad = row
        sizes[row] += union + size
    return bad


@kernel
def write_longs(values: Longs, present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write integers, shape (rows,)."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        cursor[row] = put_long(out, at, values[row])


@kernel
def write_words(words: npt.NDArray[Any], present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write little-endian words: uint8 for booleans, uint32 for floats' bits, uint64 for doubles'; shape (rows,)."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        word = U64(words[row])
        for i in range(words.itemsize):
            out[U64(at + i)] = np.uint8(word >> U64(8 * i) & U64(255))
        cursor[row] = at + words.itemsize


@kernel
def write_spans(offsets: Longs, data: Bytes, present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write strings or bytes: `data` between `offsets`, shape (rows + 1,)."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        start = offsets[row]
        length = offsets[row + 1] - start
        at = put_long(out, at, length)
        copy_bytes(data, start, length, out, at)
        cursor[row] = at + length


@kernel
def write_entries(
    codes: Codes, starts: Longs, table: Bytes, present: Bytes, null_index: int, cursor: Longs, out: Bytes
) -> None:
    """Write entries of a table of ready bytes, shape (table bytes,), by codes that `measure_entries` passed."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        code = codes[row]
        start = starts[U64(code)]
        length = starts[U64(code + 1)] - start
        copy_bytes(table, start, length, out, at)
        cursor[row] = at + length


@kernel
def write_fixed(data: Bytes, width: int, present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write values of `width` bytes that lie one behind the other in `data`, shape (rows * width,)."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        copy_bytes(data, row * width, width, out, at)
        cursor[row] = at + width


@inlined
def decimal_size(words: Words, row: int) -> int:
    """How many bytes an integer of several words takes as a decimal: those of its magnitude's bits and a sign."""
    negative = words[row, words.shape[1] - 1] >> U64(63) == U64(1)
    carry = U64(1)
    size = 1
    for k in range(words.shape[1]):
        word = words[row, k]
        if negative and (word != U64(0) or carry == U64(0)):
            word = ~word + carry
            carry = U64(0)
        if word != U64(0):
            size = 8 * k + 1
            while word >= U64(128):
                word >>= U64(8)
                size += 1
    return size


@inlined
def put_decimal(out: Bytes, at: int, words: Words, row: int, size: int) -> int:
    """Write the lowest `size` bytes of an integer of several words, highest first; returns where they end."""
    sign = U64(255) * (words[row, words.shape[1] - 1] >> U64(63))
    for i in range(size):
        byte = size - 1 - i
        word = words[row, byte >> 3] >> U64(8 * (byte & 7)) if byte < 8 * words.shape[1] else sign
        out[U64(at + i)] = np.uint8(word & U64(255))
    return at + size


@kernel
def measure_decimals(words: Words, present: Bytes, null_index: int, sizes: Longs) -> None:
    """Measure decimals over bytes: integers of several words, lowest first, shape (rows, words)."""
    union = 1 if null_index >= 0 else 0
    for row in range(sizes.shape[0]):
        sizes[row] += union if is_null(present, row) else union + 1 + decimal_size(words, row)


@kernel
def write_decimals(words: Words, size: int, present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write decimals, shape (rows, words): over a fixed of `size` bytes, or over bytes when `size` is 0."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        length = size
        if size == 0:
            length = decimal_size(words, row)
            at = put_branch(out, at, length)
        cursor[row] = put_decimal(out, at, words, row, length)


@kernel
def write_branches(present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write which branch of the union each value is, and nothing of the value."""
    for row in range(cursor.shape[0]):
        cursor[row] = put_branch(out, cursor[row], null_index if is_null(present, row) else 1 - null_index)


@kernel
def measure_blocks(starts: Longs, bounds: Longs, present: Bytes, null_index: int, sizes: Longs) -> None:
    """Measure arrays and maps.

    Args:
        starts: which item is each row's first, shape (rows + 1,).
        bounds: where each item starts when only items lie one behind the other, shape (items + 1,).
        present: as for all.
        null_index: as for all.
        sizes: as for all.
    """
    union = 1 if null_index >= 0 else 0
    for row in range(sizes.shape[0]):
        sizes[row] += union
        if not is_null(present, row):
            first, last = starts[row], starts[row + 1]
            count = last - first
            sizes[row] += 1 + (long_size(count) + bounds[last] - bounds[first] if count > 0 else 0)


@kernel
def write_blocks(
    starts: Longs, bounds: Longs, present: Bytes, null_index: int, cursor: Longs, items: Longs, out: Bytes
) -> None:
    """Write all of arrays and maps but the items, one block each, and set where the `items` go, shape (items,)."""
    for row in range(cursor.shape[0]):
        at = cursor[row]
        if is_null(present, row):
            cursor[row] = put_branch(out, at, null_index)
            continue
        if null_index >= 0:
            at = put_branch(out, at, 1 - null_index)
        first, last = starts[row], starts[row + 1]
        if last > first:
            at = put_long(out, at, last - first)
            for item in range(first, last):
                items[item] = at + bounds[item] - bounds[first]
            at += bounds[last] - bounds[first]
        out[U64(at)] = 0
        cursor[row] = at + 1
