"""Columns that never repeat."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from generators.invented.distinct import ROOM, Numbered, numbered_of, spelled
from schemas.formats import Template, TextFormat
from schemas.table import Column, Kind

PLACES = st.lists(st.sampled_from(["digit", "nonzero", "hex", "A", "-", "upper"]), min_size=1, max_size=3)


@given(PLACES)
def test_as_many_numbers_as_there_are_spellings_have_a_spelling_each(places: list[str]) -> None:
    sizes = {"digit": 10, "nonzero": 9, "hex": 16, "A": 1, "-": 1, "upper": 26}
    count = int(np.prod([sizes[place] for place in places]))
    if count <= 5_000:
        assert len(np.unique(spelled(tuple(places), np.arange(count)))) == count


@given(st.lists(st.integers(0, 2**62), min_size=2, max_size=50, unique=True))
def test_far_numbers_are_spelled_apart(numbers: list[int]) -> None:
    places = ("K", *["letter+digit"] * 12)
    found = spelled(places, np.array(numbers, np.int64))
    assert len(set(found.tolist())) == len(numbers)
    assert all(re.fullmatch("K[A-Za-z0-9]{12}", text) for text in found.tolist())


def test_a_value_is_a_function_of_its_number_alone() -> None:
    column = Numbered(Column("code", Kind.TEXT), 0, ("digit",) * 14)
    whole = column.array(np.arange(1_000))
    assert column.array(np.array([7, 991])).to_pylist() == [whole[7].as_py(), whole[991].as_py()]


def test_a_format_keeps_its_look_and_gets_room_for_fresh_values() -> None:
    text = TextFormat((Template(0.7, ("A", "digit")), Template(0.3, ("K", "digit", "digit"))))
    found = numbered_of(Column("code", Kind.TEXT), text, 5, 0)
    assert found.places[:3] == ("K", "digit", "digit")
    assert set(found.places[3:]) == {"digit"}
    assert 10 ** (len(found.places) - 1) >= 5 * ROOM
    assert pc.all(pc.match_substring_regex(found.array(np.arange(500)), "^K[0-9]+$")).as_py()


def test_free_text_becomes_words_and_integers_go_on_above_the_real_ones() -> None:
    words = numbered_of(Column("name", Kind.TEXT), TextFormat((), (1, 2), (3, 4)), 100, 0).array(np.arange(300))
    assert len(words.unique()) == 300
    assert pc.all(pc.match_substring_regex(words, "^[A-Z][a-z]{9}[0-9]*$")).as_py()
    numbers = numbered_of(Column("n", Kind.INTEGER), None, 9, 1_000).array(np.array([0, 5]))
    assert numbers.equals(pa.array([1_000, 1_005]))
