"""What an epoch is begun with, and that nobody goes on with it on other terms.

Covers stream_app.recipe, and check_epoch of stream_app.shards.
"""

from __future__ import annotations

from typing import Any

import pytest

from schemas import changes as change_forms
from schemas import disorder as disorder_forms
from schemas.errors import InputError
from schemas.keying import KeyForm
from schemas.rule_forms import parse
from schemas.rules import Allowed
from schemas.steering import Steering
from stream_app.changes import Changes
from stream_app.disorder import Disorder
from stream_app.progress import Progress
from stream_app.quarantine import Gate
from stream_app.schedule import starting
from stream_app.shards import check_epoch, terms
from stream_app.topics import Topics
from tests.stream_app.shop import SCHEMA_GUID, recipe, trained

TOPICS = Topics("orders", "shop", 2)
KEY = KeyForm(entities=100)
SHARED = recipe(2, key=KEY)
DISORDER = disorder_forms.Disorder(missing=disorder_forms.Missing(share=0.1))
BEGUN = Progress(0, terms(SHARED, TOPICS), 9, starting(10, 0, 2, 0.0))


def test_whoever_keeps_the_terms_goes_on() -> None:
    assert BEGUN.terms["artifact"] == trained().identity
    check_epoch(BEGUN, SHARED, TOPICS)
    check_epoch(Progress.from_bytes(BEGUN.to_bytes()), SHARED, TOPICS)
    check_epoch(BEGUN, recipe(2, epoch=1, key="none", seed=9), TOPICS)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 5}, "seed=5: epoch 0 of stream orders was begun with seed=3; go on .* anew with epoch: 1"),
        ({"shards": 3}, "shards=3: .* with shards=2"),
        ({"key": "none"}, r"key=none: .* with key=\{entities: 100\}"),
        ({"schema_id": SCHEMA_GUID}, "framing=header: .* with framing=prefix"),
        (
            {"steering": Steering(given={"paid": True})},
            r"steer=\{given: \{paid: true\}\}: .* with steer=none",
        ),
        ({"event_time": "at"}, "event_time=at: .* with event_time=None"),
        ({"gate": Gate(keeps=True)}, "quarantine=yes: .* with quarantine=none"),
        (
            {"gate": Gate((Allowed("colour", ("red",)),), keeps=True)},
            r"hard_rules=allowed:colour \([0-9a-f]{8}\): .* with hard_rules=none",
        ),
        ({"speed": 24.0}, "time_compression=24: .* with time_compression=1"),
        (
            {"disorder": Disorder(DISORDER, None, 7)},
            r"disorder=\{missing: \{share: 0.1\}, count: 7\}: .* disorder=none",
        ),
        (
            {"changes": Changes(change_forms.Changes(form="upserts"))},
            r"changes=\{form: upserts, deletes: 0.0\}: .* changes=none",
        ),
    ],
    ids=str,
)
def test_other_terms_are_refused_by_name(other: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_epoch(BEGUN, recipe(**{"shards": 2, "key": KEY, **other}), TOPICS)


def test_every_other_term_is_told_at_once_and_so_is_another_topic() -> None:
    with pytest.raises(InputError) as refused:
        check_epoch(BEGUN, recipe(2, key="none", seed=4), Topics("orders", "elsewhere", 2))
    assert [fault.split("=")[0] for fault in refused.value.faults] == ["topic", "seed", "key"]


RULES: list[dict[str, Any]] = [
    {"rule": "range", "column": "price", "low": 1},
    {"rule": "range", "column": "price", "low": 2},
    {"rule": "range", "column": "day", "low": "2024-01-01"},
    {"rule": "allowed", "column": "colour", "values": ["red"]},
    {"rule": "matches", "column": "plate", "pattern": "B.*"},
    {"rule": "formula", "column": "price", "expression": "pieces * 2", "tolerance": 0.1},
    {"rule": "formula", "column": "price", "expression": "pieces * 2"},
    {"rule": "combinations", "columns": ["colour", "paid"], "rows": [["red", True]]},
    {"rule": "compare", "left": "day", "op": "<", "right": "at"},
]


def test_hard_rules_are_told_apart_by_all_they_say_and_the_same_when_read_again() -> None:
    def spelled(form: dict[str, Any]) -> str:
        return recipe(2, gate=Gate((parse(form),), keeps=True)).terms["hard_rules"]

    assert [spelled(form) for form in RULES] == [spelled(form) for form in RULES]
    assert len({spelled(form) for form in RULES}) == len(RULES)
