"""Where broker and registry are: flags before environment, and one line when nobody says."""

from __future__ import annotations

import pytest

from schemas.errors import InputError
from stream_app.settings import BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE, place

ENVIRONMENT = {BOOTSTRAP_VARIABLE: "env:1", REGISTRY_VARIABLE: "http://env"}


def test_flags_come_before_the_environment() -> None:
    assert place("flag:1", "http://flag", {}, ENVIRONMENT) == place("flag:1", "http://flag", {}, {})
    assert place(None, None, {}, ENVIRONMENT).bootstrap == "env:1"
    assert place(None, None, {"acks": "1"}, ENVIRONMENT).kafka == {"acks": "1"}


def test_without_a_broker_the_three_ways_to_get_one_are_named() -> None:
    with pytest.raises(InputError) as refused:
        place(None, None, {}, {})
    for way in ("--bootstrap HOST:PORT", "synthstream broker up", "--bootstrap embedded"):
        assert way in str(refused.value)


def test_a_real_broker_needs_a_registry_and_the_embedded_one_brings_it() -> None:
    with pytest.raises(InputError, match="registry: no schema registry named"):
        place("real:9092", None, {}, {})
    assert place("embedded", None, {}, {}).registry == "embedded"
