"""The kernels over stretches of bytes, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import span_kernels as kernels
from schemas.decode_kernels import BROKEN

pytestmark = pytest.mark.kernel


def read_texts(run: Callable[[Any], Any], texts: Sequence[str]) -> list[str]:
    forms = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(forms), np.uint8)
    lengths = np.array([len(form) for form in forms])
    spans = np.stack([np.cumsum(lengths) - lengths, lengths])
    codes, cursor = np.full(len(texts), -1, np.int32), np.zeros(len(texts), np.int64)
    found = run(kernels.number_texts)(data, spans, np.ones(len(texts), np.uint8), cursor, codes)
    assert not cursor.any()
    offsets, out = run(kernels.gather)(data, found)
    distinct = [out[a:b].tobytes().decode() for a, b in pairwise(offsets)]
    assert distinct == list(dict.fromkeys(texts))
    return [distinct[code] for code in codes]


def test_rows_without_a_value_are_left_alone_and_texts_that_are_none_are_broken(run: Callable[[Any], Any]) -> None:
    data, spans = np.frombuffer(b"a\xffa", np.uint8), np.array([[0, 1, 9, 2], [1, 1, 9, 1]])
    codes, cursor = np.full(4, 7, np.int32), np.zeros(4, np.int64)
    present = np.array([1, 1, 0, 1], np.uint8)
    found = run(kernels.number_texts)(data, spans, present, cursor, codes)
    assert cursor.tolist() == [0, BROKEN, 0, 0]
    assert codes.tolist() == [0, 7, 7, 0]
    assert found.tolist() == [[0], [1]]


def test_texts_that_are_none_are_emptied(run: Callable[[Any], Any]) -> None:
    data, spans = np.frombuffer("\u00e9".encode(), np.uint8), np.array([[0, 0, 1, 0], [2, 1, 1, 0]])
    cursor = np.zeros(4, np.int64)
    run(kernels.check_texts)(data, spans, cursor)
    assert cursor.tolist() == [0, BROKEN, BROKEN, 0]
    assert spans[1].tolist() == [2, 0, 0, 0]


def test_many_strings_come_back(run: Callable[[Any], Any]) -> None:
    texts = [f"{i % 70:0{1 + i % 20}d}" for i in range(200)]
    assert read_texts(run, texts) == texts


@pytest.mark.parametrize("run", ["python"], indirect=True)
def test_strings_of_one_hash_are_told_apart_by_their_bytes(
    run: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "hash_bytes", lambda data, at, length, first, second: np.int64(5))
    texts = [f"{i:0{1 + i % 20}d}" for i in range(80)] * 2
    assert read_texts(run, texts) == texts


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 40])
def test_one_byte_makes_another_string(run: Callable[[Any], Any], length: int) -> None:
    def hashed(data: Any, at: int) -> Any:
        first, second = (run(kernels.get_word)(data, at + i, length - i) for i in (0, 8))
        return run(kernels.hash_bytes)(data, at, length, np.uint64(first), np.uint64(second))

    same = np.frombuffer(b"\xe9" * length * 2, np.uint8)
    assert run(kernels.same_bytes)(same, 0, length, length)
    assert hashed(same, 0) == hashed(same, length)
    for i in range(length):
        other = same.copy()
        other[length + i] = 0xE8
        assert not run(kernels.same_bytes)(other, 0, length, length)
        assert hashed(other, 0) != hashed(other, length)


def test_words_hold_what_is_asked_for_wherever_the_buffer_ends(run: Callable[[Any], Any]) -> None:
    data = np.arange(1, 21, dtype=np.uint8)
    for at in range(21):
        for length in range(-9, 21 - at):
            word = int.from_bytes(data[at : at + max(min(length, 8), 0)].tobytes(), "little")
            assert run(kernels.get_word)(data, at, length) == word


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
