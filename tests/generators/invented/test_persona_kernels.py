"""Personas in compiled code are what plain Python makes of the same words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.invented.persona_kernels import (
    ACCOUNT,
    CARD,
    CHUNK,
    EXAMPLE,
    LITERAL,
    LOCALE_WORD,
    NUMBER,
    picked,
    word,
    written,
)
from generators.invented.strings import mixed, unit
from generators.randomness import words
from schemas.check_digits import card_valid, iban_valid

pytestmark = pytest.mark.kernel

WORD = st.integers(0, 2**64 - 1)
TEXTS = st.lists(st.text(max_size=40), min_size=1, max_size=6)
NONE = np.empty(0, np.int64)
FORMS = ["DE00xxxxxxxxxxxxxxxxxx", "GB00XXXXxxxxxxxxxxxxxx", "FR00xxxxxxxxxxxXxxxxxxXxxxx"]
CARDS = ["411111xxxxxxxxxx", "37828224xxxxxxx", "6011xxxxxxxxxxxx"]


@pytest.fixture(autouse=True)
def words_wrap_around() -> Iterator[None]:
    """As they do in compiled code without a word."""
    with np.errstate(over="ignore"):
        yield


def seeds(rows: int) -> npt.NDArray[np.uint64]:
    return words((1, 2), 0, 2 * rows).reshape(-1, 2)


def spelled(
    entries: list[str], pieces: list[tuple[int, int, int, int]], chosen: npt.NDArray[np.int64], rows: int
) -> list[str]:
    """What `written` makes of pieces."""
    encoded = [text.encode() for text in entries]
    text = np.frombuffer(b"".join(encoded) + bytes(CHUNK), np.uint8)
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    out, offsets = np.empty(rows * 400 + CHUNK, np.uint8), np.empty(rows + 1, np.int32)
    end = written(text, ends, np.array(pieces, np.int64), chosen, seeds(rows), out, offsets)
    assert (offsets[0], offsets[-1]) == (0, end)
    return [out[a:b].tobytes().decode() for a, b in pairwise(offsets.tolist())]


@settings(deadline=None)
@given(WORD, WORD, st.integers(0, 5_000))
def test_words_are_those_of_strings(first: int, second: int, place: int) -> None:
    pair = np.array([[first, second]], np.uint64)
    assert word(pair[0, 0], pair[0, 1], place) == mixed(pair, place)[0]


@pytest.mark.parametrize("ranked", [False, True])
def test_examples_are_picked_by_locale_and_by_word_or_rank(ranked: bool) -> None:
    rows, upto = 500, np.array([0.5, 1.5, 2.0])
    axes = np.array([[0, 0], [4, 1]], np.int64)
    first, count = np.array([[0, 10, 17], [0, 0, 0]]), np.array([[10, 7, 3], [5, 5, 5]])
    ranks = np.arange(rows) if ranked else NONE
    found = picked(seeds(rows), ranks, upto, axes, first, count)
    locale = np.searchsorted(upto, unit(mixed(seeds(rows), LOCALE_WORD)) * 2.0, side="right")
    assert np.bincount(locale, minlength=3).min() > 50
    for axis, (place, dealt) in enumerate(axes.tolist()):
        high = (mixed(seeds(rows), place) >> np.uint64(32)).astype(np.float64) * 2.0**-32
        own = np.floor(high * count[axis, locale]).astype(np.int64)
        if ranked and dealt:
            own = ranks % count[axis, locale]
        assert (found[axis] == first[axis, locale] + own).all()
        assert {int(n) for n in found[axis]} == set(range(20 if axis == 0 else 5))


@settings(deadline=None)
@given(TEXTS, TEXTS, st.text(max_size=20))
def test_a_text_is_its_pieces_one_after_the_other(first: list[str], second: list[str], between: str) -> None:
    rows = 8
    chosen = np.array([np.arange(rows) % len(first), np.arange(rows) % len(second)], np.int64)
    pieces = [(EXAMPLE, 0, 0, 0), (LITERAL, len(first), 0, 0), (EXAMPLE, len(first) + 1, 1, 0)]
    found = spelled([*first, between, *second], pieces, chosen, rows)
    assert found == [first[a] + between + second[b] for a, b in chosen.T.tolist()]


def test_digits_are_even_and_as_many_as_asked() -> None:
    found = spelled([], [(NUMBER, 12, 0, 0)], np.empty((0, 2_000), np.int64), 2_000)
    assert {len(text) for text in found} == {12}
    assert len(set(found)) == 2_000
    for place in range(12):
        assert np.bincount([int(text[place]) for text in found], minlength=10).min() > 140


@pytest.mark.parametrize(("kind", "forms"), [(ACCOUNT, FORMS), (CARD, CARDS)])
@pytest.mark.parametrize("separator", ["", " ", "-"])
def test_numbers_are_like_their_forms_and_valid(kind: int, forms: list[str], separator: str) -> None:
    which = np.arange(300) % len(forms)
    found = spelled(forms, [(kind, 0, 0, ord(separator or "\0"))], which.reshape(1, -1), 300)
    assert len(set(found)) == 300
    for text, i in zip(found, which.tolist(), strict=True):
        plain = text.replace(separator, "") if separator else text
        assert (iban_valid if kind == ACCOUNT else card_valid)(plain)
        assert len(plain) == len(forms[i])
        signs = zip(plain[4:], forms[i][4:], strict=True)
        assert all(c.isdigit() if sign == "x" else c.isupper() if sign == "X" else c == sign for c, sign in signs)
        assert plain[:2] == forms[i][:2]
        assert separator.join(plain[k : k + 4] for k in range(0, len(plain), 4)) == text


def test_no_rows_are_no_texts() -> None:
    assert spelled(CARDS, [(CARD, 0, 0, 0)], np.empty((1, 0), np.int64), 0) == []
