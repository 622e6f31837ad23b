"""Changes as a stream's file has them: what is taken, and what each fault says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.changes import Changes, spelled
from schemas.errors import InputError
from schemas.stream import StreamSpec, from_mapping

KEYED = {"stream": "s", "topic": "t", "key": {"entities": 10}}


def spec(changes: Any, **more: Any) -> StreamSpec:
    return from_mapping({**KEYED, "changes": changes, **more}, Path())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "changes.form: is missing; expected a value"),
        ({"form": "cdc"}, "changes.form='cdc': input should be 'upserts' or 'debezium'"),
        ("upserts", "changes='upserts': expected keys and values"),
        ({"form": "upserts", "delete": 0.1}, "changes.delete: no such key; did you mean deletes?"),
        ({"form": "upserts", "deletes": 0.6}, "changes.deletes=0.6: input should be less than or equal to 0.5"),
        ({"form": "upserts", "deletes": -1}, "changes.deletes=-1: input should be greater than or equal to 0"),
        ({"form": "upserts", "columns": []}, "changes.columns=[]: tuple should have at least 1 item"),
        ({"form": "upserts", "columns": ["a", "a"]}, "changes: columns=['a', 'a']: names a column twice"),
        (
            {"form": "upserts", "tombstones": True},
            "changes: tombstones: is for form: debezium; with upserts every delete is a tombstone, so drop it",
        ),
    ],
)
def test_every_fault_is_one_line_that_says_what_to_do(changes: Any, says: str) -> None:
    with pytest.raises(InputError) as refused:
        spec(changes)
    assert len(refused.value.faults) == 1
    assert says in refused.value.faults[0]


@pytest.mark.parametrize("key", ["surrogate", "none"])
def test_keys_have_to_come_again(key: str) -> None:
    with pytest.raises(InputError, match=rf"changes: needs a key that comes again, not key={key}; say key: {{entities"):
        spec({"form": "upserts"}, key=key)


def test_the_key_and_the_event_time_are_not_changed() -> None:
    with pytest.raises(InputError, match=r"changes\.columns=carrier: is the key, which stays; leave it out"):
        spec({"form": "upserts", "columns": ["delay", "carrier"]}, key={"column": "carrier"})
    with pytest.raises(InputError, match=r"event_time=at: with changes in form: debezium .* source\.ts_ms; drop"):
        spec({"form": "debezium"}, event_time="at")
    assert spec({"form": "upserts"}, event_time="at").event_time == "at"


def test_one_line_tells_changes_apart() -> None:
    debezium = Changes(form="debezium", columns=("b", "a"), deletes=0.25)
    assert spelled(debezium) == "{form: debezium, columns: [a, b], deletes: 0.25, tombstones: true}"
    assert spelled(debezium) == spelled(debezium.model_copy(update={"columns": ("a", "b"), "tombstones": True}))
    assert spelled(debezium) != spelled(debezium.model_copy(update={"tombstones": False}))
    assert debezium.followed
    assert not Changes(form="upserts").followed
