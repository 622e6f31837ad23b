from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.keying import KeyForm, Keying, keying_of, spelled
from schemas.stream import from_mapping

LEAST = {"stream": "s", "topic": "t"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("surrogate", "surrogate"),
        ("none", "none"),
        ("{column: carrier}", KeyForm(column="carrier")),
        ("{column: 'a: b, {c}', skew: 0.5}", KeyForm(column="a: b, {c}", skew=0.5)),
        ("{entities: 10000, skew: 1.1}", KeyForm(entities=10_000, skew=1.1)),
        ("entities: 3", KeyForm(entities=3)),
    ],
)
def test_a_flag_says_what_a_file_says(text: str, key: Keying) -> None:
    assert keying_of(text) == key
    assert keying_of(spelled(key)) == key
    form = key if isinstance(key, str) else key.model_dump(exclude_none=True)
    assert from_mapping({**LEAST, "key": form}, Path("/")).key == key


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("carrier", "key='carrier': must be surrogate, none, or as in {column: NAME} or {entities: 10000, skew: 1.1}"),
        (3, "key=3: must be surrogate"),
        ({}, "key: expected either column or entities"),
        ({"column": "a", "entities": 3}, "key: expected either column or entities"),
        ({"skew": 1}, "key: expected either column or entities"),
        ({"column": ""}, "key.column='': "),
        ({"colum": "a"}, "key.colum: no such key; did you mean column?"),
        ({"entities": 0}, "key.entities=0: "),
        ({"entities": 10**7}, "key.entities=10000000: "),
        ({"entities": True}, "key.entities=True: "),
        ({"entities": 10, "skew": -1}, "key.skew=-1: "),
        ({"entities": 10, "skew": float("inf")}, "key.skew=inf: "),
        ({"column": "a", "skew": "hot"}, "key.skew='hot': "),
    ],
)
def test_nonsense_is_one_line(key: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        from_mapping({**LEAST, "key": key}, Path("/"))
    assert len(error.value.faults) == 1
    assert error.value.faults[0].startswith(says)


def test_a_key_that_the_clock_fills_is_refused() -> None:
    with pytest.raises(InputError, match=r"key\.column=at: is the event time, which the stream's clock fills"):
        from_mapping({**LEAST, "key": {"column": "at"}, "event_time": "at"}, Path("/"))


@pytest.mark.parametrize(("text", "says"), [("{column", "is not YAML"), ("[a]", "must be surrogate"), ("", "must be")])
def test_flags_that_make_no_sense(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        keying_of(text)
