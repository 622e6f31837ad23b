"""Columns that are held, from what people write."""

from __future__ import annotations

import pytest

from schemas.errors import InputError
from schemas.keying import KeyForm
from stream_app.steering import given_columns
from tests.stream_app.shop import trained


def test_values_are_read_as_their_column_is() -> None:
    texts = {"pieces": "3", "price": "50", "paid": "true", "colour": "grün"}
    assert given_columns(trained(), texts) == {"pieces": 3, "price": 50, "paid": True, "colour": "grün"}
    assert given_columns(trained(), {"pieces": "null"}) == {"pieces": None}
    assert given_columns(trained(), {}) == {}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("pieces", "three", "pieces=three: expected a value of a integer column"),
        ("nonsense", "1", "'nonsense': not in the table"),
        ("plate", "B1", "plate=B1: is not among the values invented for it"),
        ("colour", "null", "colour=null: the column is never missing"),
    ],
)
def test_what_can_not_be_held_is_said(name: str, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        given_columns(trained(), {name: text})


def test_the_column_that_records_are_keyed_by_is_held_by_nobody() -> None:
    key = KeyForm(column="colour")
    assert given_columns(trained(), {"paid": "true"}, key) == {"paid": True}
    with pytest.raises(InputError, match="colour=red: records are keyed by colour, so it can not be held at one value"):
        given_columns(trained(), {"colour": "red"}, key)
