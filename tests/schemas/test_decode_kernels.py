"""The reading kernels, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from schemas import decode_kernels as kernels
from schemas.decode_kernels import BROKEN

pytestmark = pytest.mark.kernel


class Rows:
    """Records to read, with the arrays every kernel takes."""

    def __init__(self, *records: bytes) -> None:
        self.data = np.frombuffer(b"".join(records), np.uint8)
        self.ends = np.cumsum([len(r) for r in records]).astype(np.int64)
        self.starts = self.ends - np.array([len(r) for r in records])
        self.cursor = self.starts.copy()
        self.present = np.zeros(len(records), np.uint8)

    @property
    def read(self) -> list[bool]:
        """Which records were read to their end."""
        return [bool(whole) for whole in self.cursor == self.ends]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (b"\x00", 0),
        (b"\x01", -1),
        (b"\x80\x01", 64),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2**63 - 1),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -(2**63)),
    ],
)
def test_integers_by_the_specification(run: Callable[[Any], Any], form: bytes, value: int) -> None:
    data = np.frombuffer(form + b"\x00", np.uint8)
    assert run(kernels.get_long)(data, 0, len(data)) == (value, len(form))
    assert run(kernels.get_long)(data, 0, len(form) - 1) == (0, BROKEN)


def test_integers_of_more_than_64_bits_are_broken(run: Callable[[Any], Any]) -> None:
    data = np.frombuffer(b"\xff" * 9 + b"\x02" + b"\x80" * 20, np.uint8)
    assert run(kernels.get_long)(data, 0, len(data))[1] == BROKEN
    assert run(kernels.get_long)(data, 10, len(data))[1] == BROKEN


def test_unions_take_either_branch_and_no_other(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\x00\x0e", b"\x02", b"\x04\x0e", b"", b"\x00")
    values = np.zeros(5, np.int64)
    bounds = np.array([-(2**63), 2**63 - 1])
    run(kernels.read_longs)(rows.data, rows.cursor, rows.ends, 1, bounds, values, rows.present)
    assert rows.read == [True, True, False, False, False]
    assert rows.present.tolist() == [1, 0, 0, 0, 0]
    assert values.tolist() == [7, 0, 0, 0, 0]


def test_a_broken_record_stays_broken(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\x02\x02\x02\x02", b"\x02\x02\x02\x02")
    rows.cursor[0] = BROKEN
    arguments = (rows.data, rows.cursor, rows.ends, -1)
    zeros = np.zeros
    run(kernels.read_longs)(*arguments, np.array([0, 9]), zeros(2, np.int64), rows.present)
    run(kernels.read_booleans)(*arguments, zeros(2, np.uint8), rows.present)  # a 2 is no boolean
    run(kernels.read_words)(*arguments, zeros(2, np.uint32), rows.present)
    run(kernels.read_spans)(*arguments, 1, zeros((2, 2), np.int64), rows.present)
    run(kernels.read_branches)(rows.data, rows.cursor, rows.ends, 0, rows.present)
    steps, counts = np.array([[kernels.VARINT, 0, -1, 1]]), zeros(2, np.int64)
    run(kernels.read_blocks)((rows.data, rows.cursor, rows.ends), -1, steps, 0, counts, rows.present)
    assert rows.cursor.tolist() == [BROKEN, BROKEN]
    assert rows.present.tolist() == [0, 1]  # by the integer


def test_words_and_booleans_and_their_nulls(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\x02\x04\x03\x02\x01\x02\x01", b"\x00\x02\x00", b"\x02\x01\x02\x03")
    words, flags = np.zeros(3, np.uint32), np.zeros(3, np.uint8)
    run(kernels.read_words)(rows.data, rows.cursor, rows.ends, 0, words, rows.present)
    assert rows.present.tolist() == [1, 0, 0]
    present = np.zeros(3, np.uint8)
    run(kernels.read_booleans)(rows.data, rows.cursor, rows.ends, 0, flags, present)
    assert rows.read == [True, True, False]
    assert present.tolist() == [1, 1, 0]
    assert words.tolist() == [0x01020304, 0, 0]
    assert flags.tolist() == [1, 0, 0]


def test_frames_are_a_zero_and_four_bytes(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\0\1\2\3\4", b"\1\1\2\3\4", b"\0\1\2\3", b"", b"\0\1\2\3\4\5")
    run(kernels.read_frame)(rows.data, rows.starts, rows.ends, 5, rows.cursor)
    assert rows.cursor.tolist() == [5, BROKEN, BROKEN, BROKEN, 19]


def test_spans_are_of_a_width_or_tell_their_length(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\2\4ab", b"\0", b"\2\6ab", b"\2\1", b"\2\0")
    spans = np.zeros((2, 5), np.int64)
    run(kernels.read_spans)(rows.data, rows.cursor, rows.ends, 0, -1, spans, rows.present)
    assert rows.read == [True, True, False, False, True]
    assert spans.tolist() == [[2, 0, 0, 0, len(rows.data)], [2, 0, 0, 0, 0]]
    rows = Rows(b"abc", b"ab")
    run(kernels.read_spans)(rows.data, rows.cursor, rows.ends, -1, 3, spans, rows.present)
    assert rows.read == [True, False]
    assert rows.present.tolist() == [1, 0]


def test_branches_alone_leave_the_value(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\2x", b"\0", b"\4", b"")
    run(kernels.read_branches)(rows.data, rows.cursor, rows.ends, 0, rows.present)
    assert rows.cursor.tolist() == [1, 3, BROKEN, BROKEN]
    assert rows.present.tolist() == [1, 0, 0, 0]


def blocks(run: Callable[[Any], Any], rows: Rows, steps: Sequence[tuple[int, ...]], depth: int = 0) -> tuple[Any, Any]:
    counts = np.zeros(len(rows.ends), np.int64)
    records = (rows.data, rows.cursor, rows.ends)
    items = run(kernels.read_blocks)(records, -1, np.array(steps), depth, counts, rows.present)
    return counts.tolist(), items.tolist()


VARINTS = [(kernels.VARINT, 0, -1, 1)]


def test_items_of_all_blocks_are_found(run: Callable[[Any], Any]) -> None:
    rows = Rows(b"\4\2\x80\1\0", b"\0", b"\1\2\4\2\6\0", b"\4\2\0", b"\2\2")
    counts, items = blocks(run, rows, VARINTS)
    assert rows.read == [True, True, True, False, False]
    assert counts == [2, 0, 2, 0, 0]
    assert items == [[1, 2], [2, 4], [8, 9], [10, 11]]
    assert rows.present.tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("count", [2**63 - 1, -(2**63), 5, -5, 2**40])
def test_more_items_than_bytes_are_never_believed(run: Callable[[Any], Any], count: int) -> None:
    form, rest = bytearray(), (count << 1) ^ (count >> 63)
    while rest >= 128:
        form.append(rest & 127 | 128)
        rest >>= 7
    rows = Rows(bytes([*form, rest]) + b"\2\2\2\2")
    assert blocks(run, rows, VARINTS) == ([0], [])
    assert rows.read == [False]


def test_items_may_be_anything(run: Callable[[Any], Any]) -> None:
    # A nullable record of a nullable string, an array of nullable arrays of two bytes each, and an integer.
    steps = [
        (kernels.VALUE, 0, 0, 8),
        (kernels.SPAN, -1, 1, 2),
        (kernels.BLOCKS, 0, -1, 7),
        (kernels.BLOCKS, 0, 0, 6),
        (kernels.SPAN, 2, -1, 5),
        (kernels.NEXT, 3, -1, 6),
        (kernels.NEXT, 2, -1, 7),
        (kernels.VARINT, 0, -1, 8),
    ]
    null, empty = b"\0", b"\2\2\0\2"
    full = b"\2\0\4ab\6" + b"\0" + b"\2\4xyxy\2xy\0" + b"\2\0" + b"\0\2"
    rows = Rows(b"\6" + null + empty + full + b"\0")
    counts, items = blocks(run, rows, steps, 2)
    assert rows.read == [True]
    assert counts == [3]
    assert items == [[1, 2], [2, 6], [6, 6 + len(full)]]
    for stop in range(len(full)):
        cut = Rows(b"\2" + full[:stop])
        assert blocks(run, cut, steps, 2) == ([0], [])
        assert cut.read == [False]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_decimals_within_their_limit_are_read(run: Callable[[Any], Any], count: int) -> None:
    limit = np.frombuffer((10**18).to_bytes(8 * count, "little"), np.uint64)
    values = [0, 1, -1, 127, 128, -128, 10**18 - 1, 1 - 10**18, 10**18, -(10**18), 2**80, -(2**80), 2**300]
    forms = [
        b"",
        *(n.to_bytes((n.bit_length() + 8) // 8 + i % 2 * 9, "big", signed=True) for i, n in enumerate(values)),
    ]
    rows = Rows(*forms)
    spans = np.stack([rows.starts, rows.ends - rows.starts])
    rows.present[:] = 1
    rows.present[2] = 0
    out = np.zeros((len(forms), count), np.uint64)
    run(kernels.read_decimals)(rows.data, spans, limit, rows.present, rows.cursor, out)
    assert (rows.cursor == BROKEN).tolist() == [False] * 9 + [True] * 5
    read = [int.from_bytes(row.tobytes(), "little", signed=True) for row in out[:9]]
    assert read == [0, 0, 0, *values[2:8]]
