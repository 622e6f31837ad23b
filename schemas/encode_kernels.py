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
"""Every position is made unsigned where it indexes bytes: a signed one costs a test for Python's negative indices,
which also hides from the compiler that eight bytes in a row are one word. Measured: 4 times slower."""


@inlined
def zigzag(value: Any) -> Any:
    """A signed 64-bit integer as an unsigned one, small when its magnitude is."""
    return U64((value << np.int64(1)) ^ (value >> np.int64(63)))


@inlined
def long_size(value: Any) -> int:
    """How many bytes the variable-length form of a 64-bit integer takes, 1 to 10."""
    rest = zigzag(value)
    size = 1
    while rest >= U64(128):
        rest >>= U64(7)
        size += 1
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
def measure_strings(offsets: Longs, present: Bytes, null_index: int, sizes: Longs) -> None:
    """Measure strings that lie in one buffer between `offsets`, shape (rows + 1,)."""
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
    for row in range(sizes.shape[0]):
        sizes[row] += union
        if not is_null(present, row):
            code = codes[row]
            if code < 0 or code >= entries:
                return row
            size = starts[U64(code + 1)] - starts[U64(code)]
            if size == 0:
                return row
            sizes[row] += size
    return -1


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
def write_strings(offsets: Longs, data: Bytes, present: Bytes, null_index: int, cursor: Longs, out: Bytes) -> None:
    """Write strings: `data` is their UTF-8 bytes, between `offsets`, shape (rows + 1,)."""
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
