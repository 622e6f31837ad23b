"""Steering that a command asks for, from what people write."""

from __future__ import annotations

import pytest

from schemas.errors import InputError
from schemas.keying import KeyForm
from schemas.steering import Steering
from stream_app.steering import asked_steering
from tests.stream_app.shop import trained


def test_values_are_read_as_their_column_is() -> None:
    texts = ("pieces=3", "price=50", "paid=true", "colour=grün")
    asked = asked_steering(trained(), texts, None, None)
    assert asked.given == {"pieces": 3, "price": 50, "paid": True, "colour": "grün"}
    assert asked_steering(trained(), ("pieces=null",), None, None).given == {"pieces": None}
    assert asked_steering(trained(), (), None, None) == Steering()


def test_shares_and_a_boost_are_written_as_in_a_streams_file() -> None:
    asked = asked_steering(trained(), ("paid=true",), "{colour: {red: 0.9}, pieces: {2: 0.1}}", None)
    assert asked.shares == {"colour": {"red": 0.9}, "pieces": {"2": 0.1}}
    boosted = asked_steering(trained(), (), None, "{column: colour, value: grün, factor: 2}").boost
    assert boosted is not None
    assert (boosted.column, boosted.value, boosted.factor) == ("colour", "grün", 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pieces=three", "pieces=three: expected a value of a integer column"),
        ("nonsense=1", "'nonsense': not in the table"),
        ("plate=B1", "plate=B1: is not among the values invented for it"),
        ("colour=null", "colour=null: the column is never missing"),
        ("colour", "colour: expected COLUMN=VALUE, as in carrier=UA"),
    ],
)
def test_what_can_not_be_held_is_said(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        asked_steering(trained(), (text,), None, None)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ("{colour: {pink: 0.5}}", "shares.colour=pink: is no value that is drawn; choose among red"),
        ("colour", "shares='colour': expected keys and values"),
        ("{colour: {red: 2}}", "shares.colour.red=2: input should be less than or equal to 1"),
        ("{colour: ", "shares={colour: : is not YAML"),
    ],
)
def test_shares_that_can_not_be_had_are_said(shares: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        asked_steering(trained(), (), shares, None)


def test_the_column_that_records_are_keyed_by_is_held_by_nobody() -> None:
    key = KeyForm(column="colour")
    assert asked_steering(trained(), ("paid=true",), None, None, key).given == {"paid": True}
    with pytest.raises(InputError, match="colour: records are keyed by colour, so it can not be held at one value"):
        asked_steering(trained(), ("colour=red",), None, None, key)
