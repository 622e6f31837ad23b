"""The writing kernels, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from schemas import encode_kernels as kernels

pytestmark = pytest.mark.kernel

NONE_NULL = np.zeros(0, np.uint8)


def longs(*values: int) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (0, b"\x00"),
        (-1, b"\x01"),
        (1, b"\x02"),
        (-64, b"\x7f"),
        (64, b"\x80\x01"),
        (2**63 - 1, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        (-(2**63), b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ],
)
def test_integers_by_the_specification(run: Callable[[Any], Any], value: int, form: bytes) -> None:
    out = np.full(12, 99, np.uint8)
    assert run(kernels.long_size)(np.int64(value)) == len(form)
    assert run(kernels.put_long)(out, 1, np.int64(value)) == 1 + len(form)
    assert out.tobytes() == b"c" + form + b"c" * (11 - len(form))


@pytest.mark.parametrize("length", [*range(20), 31, 32, 33])
def test_copies_touch_no_byte_beside_them(run: Callable[[Any], Any], length: int) -> None:
    data = np.arange(1, 51, dtype=np.uint8)
    out = np.zeros(50, np.uint8)
    run(kernels.copy_bytes)(data, 3, length, out, 5)
    assert out.tolist() == [0] * 5 + data[3 : 3 + length].tolist() + [0] * (45 - length)


@pytest.mark.parametrize("null_index", [0, 1])
def test_every_kind_writes_what_it_measured(run: Callable[[Any], Any], null_index: int) -> None:
    present = np.array([1, 0, 1], np.uint8)
    codes, starts, table = np.array([1, 9, 0], np.int32), longs(0, 2, 11), np.arange(11, dtype=np.uint8)
    offsets, text = longs(1, 3, 3, 4), np.frombuffer(b"-abc-", np.uint8)
    words = np.array([0x01020304, 7, 5], np.uint32)
    sizes = np.zeros(3, np.int64)
    run(kernels.measure_longs)(longs(300, 7, -1), present, null_index, sizes)
    run(kernels.measure_fixed)(4, present, null_index, sizes)
    run(kernels.measure_spans)(offsets, present, null_index, sizes)
    assert run(kernels.measure_entries)(codes, starts, present, null_index, sizes) == -1
    cursor = np.concatenate([longs(0), np.cumsum(sizes)])[:-1]
    ends, out = cursor + sizes, np.zeros(sizes.sum(), np.uint8)
    run(kernels.write_longs)(longs(300, 7, -1), present, null_index, cursor, out)
    run(kernels.write_words)(words, present, null_index, cursor, out)
    run(kernels.write_spans)(offsets, text, present, null_index, cursor, out)
    run(kernels.write_entries)(codes, starts, table, present, null_index, cursor, out)
    assert cursor.tolist() == ends.tolist()
    some, null = bytes([2 - 2 * null_index]), bytes([2 * null_index])
    rows = [
        [b"\xd8\x04", b"\x04\x03\x02\x01", b"\x04ab", bytes(range(2, 11))],
        [b"\x01", b"\x05\x00\x00\x00", b"\x02c", b"\x00\x01"],
    ]
    first, last = (b"".join(some + part for part in row) for row in rows)
    assert out.tobytes() == first + null * 4 + last


def test_frames_go_before_every_record(run: Callable[[Any], Any]) -> None:
    cursor, out = longs(0, 6), np.zeros(12, np.uint8)
    run(kernels.write_frame)(np.frombuffer(b"\0\1\2\3\4", np.uint8), cursor, out)
    assert cursor.tolist() == [5, 11]
    assert out.tobytes() == b"\0\1\2\3\4\0" * 2


@pytest.mark.parametrize("code", [-1, 2, 1])
def test_codes_without_an_entry_are_found(run: Callable[[Any], Any], code: int) -> None:
    codes, starts = np.array([0, code], np.int32), longs(0, 2, 2)  # entry 1 has no bytes
    assert run(kernels.measure_entries)(codes, starts, NONE_NULL, -1, np.zeros(2, np.int64)) == 1


def words(*values: int, count: int = 2) -> npt.NDArray[np.uint64]:
    data = b"".join(value.to_bytes(8 * count, "little", signed=True) for value in values)
    return np.frombuffer(data, np.uint64).reshape(-1, count)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("bits", [0, 1, 7, 8, 15, 16, 62, 63])
def test_decimals_take_the_bytes_of_their_magnitude_and_a_sign(
    run: Callable[[Any], Any], bits: int, count: int
) -> None:
    shift = 64 * (count - 1)
    values = [sign * n for sign in (1, -1) for n in (2**bits - 1, 2 ** (bits + shift) - 1) if n < 2 ** (64 * count - 1)]
    values += [-(2**bits)] if bits < 63 or count > 1 else []
    forms = [n.to_bytes((n.bit_length() + 8) // 8, "big", signed=True) for n in values]
    sizes = np.zeros(len(values), np.int64)
    run(kernels.measure_decimals)(words(*values, count=count), NONE_NULL, -1, sizes)
    assert sizes.tolist() == [1 + len(form) for form in forms]
    cursor, out = np.cumsum(sizes) - sizes, np.zeros(sizes.sum(), np.uint8)
    run(kernels.write_decimals)(words(*values, count=count), 0, NONE_NULL, -1, cursor, out)
    assert out.tobytes() == b"".join(bytes([2 * len(form)]) + form for form in forms)


def test_fixed_decimals_carry_their_sign_to_the_front(run: Callable[[Any], Any]) -> None:
    present, cursor, out = np.array([1, 1, 0], np.uint8), longs(0, 21, 42), np.zeros(43, np.uint8)
    run(kernels.write_decimals)(words(-2, 2, 7), 20, present, 0, cursor, out)
    assert out.tobytes() == b"\2" + b"\xff" * 19 + b"\xfe\2" + b"\0" * 19 + b"\2\0"
    assert cursor.tolist() == [21, 42, 43]


@pytest.mark.parametrize("null_index", [-1, 0, 1])
def test_fixed_branches_and_blocks(run: Callable[[Any], Any], null_index: int) -> None:
    present = NONE_NULL if null_index < 0 else np.array([1, 0, 1], np.uint8)
    starts, bounds = longs(0, 2, 2, 3), longs(0, 1, 3, 6)  # two items, none, one; of 1, 2 and 3 bytes
    sizes = np.zeros(3, np.int64)
    run(kernels.measure_blocks)(starts, bounds, present, null_index, sizes)
    cursor, items = np.cumsum(sizes) - sizes, np.zeros(3, np.int64)
    ends, out = cursor + sizes, np.full(sizes.sum(), 7, np.uint8)
    run(kernels.write_blocks)(starts, bounds, present, null_index, cursor, items, out)
    assert cursor.tolist() == ends.tolist()
    some, null = (b"", b"\0") if null_index < 0 else (bytes([2 - 2 * null_index]), bytes([2 * null_index]))
    assert out.tobytes() == some + b"\4\7\7\7\0" + null + some + b"\2\7\7\7\0"
    head = len(some) + 1
    assert items.tolist() == [head, head + 1, 2 * head + 5]
    if null_index >= 0:
        cursor, out = longs(0, 1, 2), np.zeros(3, np.uint8)
        run(kernels.write_branches)(present, null_index, cursor, out)
        assert out.tobytes() == some + null + some
        assert cursor.tolist() == [1, 2, 3]


@pytest.mark.parametrize("width", [1, 7, 8, 20])
def test_fixed_values_lie_one_behind_the_other(run: Callable[[Any], Any], width: int) -> None:
    data, present = np.arange(3 * width, dtype=np.uint8), np.array([1, 0, 1], np.uint8)
    sizes = np.zeros(3, np.int64)
    run(kernels.measure_fixed)(width, present, 1, sizes)
    cursor, out = np.cumsum(sizes) - sizes, np.full(sizes.sum(), 99, np.uint8)
    run(kernels.write_fixed)(data, width, present, 1, cursor, out)
    assert out.tobytes() == b"\0" + bytes(range(width)) + b"\2\0" + bytes(range(2 * width, 3 * width))
