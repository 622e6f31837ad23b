"""The reading kernels, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import decode_kernels as kernels
from schemas.decode_kernels import BROKEN

pytestmark = pytest.mark.kernel


@pytest.fixture(params=["compiled", "python"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """Picks the form of the kernels that is tested: as Python runs them, those that they call are Python too."""
    if request.param == "compiled":
        return lambda kernel: kernel
    for name, value in list(vars(kernels).items()):
        monkeypatch.setattr(kernels, name, getattr(value, "py_func", value))
    return lambda kernel: getattr(kernel, "py_func", kernel)


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


def string(text: str) -> bytes:
    return bytes([2 * len(text.encode())]) + text.encode()


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
    run(kernels.read_strings)(*arguments, zeros(2, np.int32), rows.present)
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


def read_texts(run: Callable[[Any], Any], texts: Sequence[str]) -> list[str]:
    rows = Rows(*map(string, texts))
    codes = np.full(len(texts), -1, np.int32)
    found = run(kernels.read_strings)(rows.data, rows.cursor, rows.ends, -1, codes, rows.present)
    starts, lengths = np.ascontiguousarray(found[:, 0]), found[:, 1]
    assert all(rows.read)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    out = np.zeros(offsets[-1], np.uint8)
    run(kernels.gather)(rows.data, starts, offsets, out)
    distinct = [out[a:b].tobytes().decode() for a, b in pairwise(offsets)]
    assert distinct == list(dict.fromkeys(texts))
    return [distinct[code] for code in codes]


def test_many_strings_come_back(run: Callable[[Any], Any]) -> None:
    texts = [f"{i % 70:0{1 + i % 20}d}" for i in range(200)]
    assert read_texts(run, texts) == texts


@pytest.mark.parametrize("run", ["python"], indirect=True)
def test_strings_of_one_hash_are_told_apart_by_their_bytes(
    run: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "hash_bytes", lambda data, at, end: np.int64(5))
    texts = [f"{i:0{1 + i % 20}d}" for i in range(80)] * 2
    assert read_texts(run, texts) == texts


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 40])
def test_one_byte_makes_another_string(run: Callable[[Any], Any], length: int) -> None:
    same = np.frombuffer(b"\xe9" * length * 2, np.uint8)
    assert run(kernels.same_bytes)(same, 0, length, length)
    assert run(kernels.hash_bytes)(same, 0, length) == run(kernels.hash_bytes)(same, length, 2 * length)
    for i in range(length):
        other = same.copy()
        other[length + i] = 0xE8
        assert not run(kernels.same_bytes)(other, 0, length, length)
        assert run(kernels.hash_bytes)(other, 0, length) != run(kernels.hash_bytes)(other, length, 2 * length)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=8) | st.text(max_size=4).map(lambda t: t.encode("utf-8", "surrogatepass")))
@example("\ud7ff\ue000\U0010ffff".encode())
@example(b"\xe0\x9f\xbf")
@example(b"\xf0\x8f\xbf\xbf")
@example(b"\xf5\x80\x80\x80")
def test_utf8_is_what_python_says_it_is(data: bytes) -> None:
    try:
        data.decode()
        expected = True
    except UnicodeDecodeError:
        expected = False
    array = np.frombuffer(data, np.uint8)
    for kernel in (kernels.is_utf8, getattr(kernels.is_utf8, "py_func", kernels.is_utf8)):
        assert kernel(array, 0, len(array)) == expected
