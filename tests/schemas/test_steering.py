"""Steering as people write it: read, spelled, and refused in one line."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.keying import KeyForm, Keying
from schemas.steering import Steering, part_of, steering_of
from schemas.stream import from_mapping

STREAM = {"stream": "s", "topic": "t"}


def test_values_are_kept_as_json_has_them_and_shares_by_their_words() -> None:
    steering = steering_of(
        {
            "given": {"n": 3, "ok": True, "day": datetime.date(2024, 2, 29), "gone": None},
            "shares": {"income": {">50K": 0.5, True: 0.1, 7: 0.1, None: 0.1, datetime.date(2024, 1, 2): 0.1}},
        }
    )
    assert steering.given == {"n": 3, "ok": True, "day": "2024-02-29", "gone": None}
    assert list(steering.shares["income"]) == [">50K", "true", "7", "null", "2024-01-02"]
    assert steering.columns == ("n", "ok", "day", "gone", "income")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"given": {"n": 3, "ok": False, "gone": None}, "shares": {"c": {"a": 0.25}}},
        {"boost": {"column": "fraud", "value": True, "factor": 10}},
        {"boost": {"column": "fraud", "value": "yes", "share": 0.5}},
    ],
)
def test_steering_survives_json_and_its_text(form: dict[str, Any]) -> None:
    steering = steering_of(form)
    assert Steering.from_json(steering.to_json()) == steering
    assert steering_of({} if steering.text == "none" else part_of("steer", steering.text)) == steering


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"shares": {"c": {"a": 0.7, "b": 0.4}}}, "shares.c: the shares sum to 1.1; expected at most 1"),
        ({"shares": {"c": {"a": 1.5}}}, "shares.c.a=1.5: input should be less than or equal to 1"),
        ({"shares": {"c": {"a": -0.1}}}, "shares.c.a=-0.1: input should be greater than or equal to 0"),
        ({"shares": {"c": {"a": float("nan")}}}, "shares.c.a=nan: input should be"),
        ({"shares": {"c": {"a": True}}}, "shares.c.a=True: input should be a valid number"),
        ({"shares": {"c": 0.5}}, "shares.c=0.5: expected keys and values"),
        ({"shares": {"c": {}}}, "shares.c={}: "),
        ({"given": {"c": [1]}}, r"given.c=\[1\]: must be a number, true, false, null or text"),
        ({"given": {"c": 1}, "shares": {"c": {"a": 0.5}}}, "c: is both given and in shares; name it once"),
        ({"boost": {"column": "c", "value": "a"}}, "boost: expected either factor or share"),
        ({"boost": {"column": "c", "value": "a", "factor": 2, "share": 0.5}}, "boost: expected either factor or share"),
        ({"boost": {"column": "c", "value": "a", "factor": 0}}, "boost.factor=0: input should be greater than 0"),
        ({"boost": {"column": "c", "value": "a", "share": 1}}, "boost.share=1: input should be less than 1"),
        ({"boost": {"column": "c", "factor": 2}}, "boost.value: is missing"),
        ({"boost": {"column": "c", "value": "a", "factor": 2}, "given": {"d": 1}}, "boost: its weights hold where"),
        ({"share": {}}, "share: no such key; did you mean shares?"),
    ],
)
def test_what_makes_no_sense_is_one_line(form: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        steering_of(form)
    assert len(refused.value.faults) == 1
    with pytest.raises(InputError, match=said):
        from_mapping({**STREAM, "steer": form}, Path())


def test_a_part_that_is_no_yaml_is_one_line() -> None:
    with pytest.raises(InputError, match=r"shares=\{a: : is not YAML") as refused:
        part_of("shares", "{a: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["surrogate", "none", KeyForm(entities=5)])
def test_keys_that_no_column_holds_are_in_nobodys_way(key: Keying) -> None:
    steering_of({"boost": {"column": "c", "value": "a", "factor": 2}}).check_key(key)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"given": {"c": 1}}, "c: records are keyed by c, so it can not be held at one value nor given other shares"),
        ({"shares": {"c": {"a": 0.5}}}, "c: records are keyed by c"),
        ({"boost": {"column": "d", "value": "a", "factor": 2}}, "boost.column=d: records are keyed by c, which shards"),
    ],
)
def test_the_column_that_records_are_keyed_by_is_left_alone(form: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        steering_of(form).check_key(KeyForm(column="c"))
    with pytest.raises(InputError, match=f"steer: {said}"):
        from_mapping({**STREAM, "key": {"column": "c"}, "steer": form}, Path())
