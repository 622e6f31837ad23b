"""The content log: what holds from which record on, and what was to come stays to come."""

from __future__ import annotations

import json

from schemas.steering import Steering
from stream_app.contents import Content, Contents, Model
from tests.stream_app.shop import storm

STORM = storm("delay", 30.0)
LATER = Model("ab" * 32, "/models/later")


def test_an_empty_log_is_the_model_the_stream_began_with() -> None:
    assert Contents().at(10**12) == Content()


def test_changes_hold_from_their_record_on() -> None:
    log = Contents().changed(5, drifts=(STORM,)).changed(8, drifts=())
    assert [log.at(s).drifts for s in (4, 5, 7, 8)] == [(), (STORM,), (STORM,), ()]


def test_a_change_on_the_same_record_joins_the_one_there() -> None:
    log = Contents().changed(5, steering=Steering(given={"a": 1})).changed(5, drifts=(STORM,))
    assert log.changes == (Content(), Content(5, steering=Steering(given={"a": 1}), drifts=(STORM,)))


def test_what_is_announced_for_later_is_kept_when_something_else_changes_before() -> None:
    log = (
        Contents()
        .changed(100, model=LATER)
        .changed(10, steering=Steering(given={"a": 1}))
        .changed(50, steering=Steering())
    )
    assert [(c.sequence, c.model, dict(c.steering.given)) for c in log.changes] == [
        (0, None, {}),
        (10, None, {"a": 1}),
        (50, None, {}),
        (100, LATER, {}),
    ]
    assert log.latest.model == LATER


def test_a_log_survives_json() -> None:
    log = (
        Contents()
        .changed(3, steering=Steering(given={"n": 1, "gone": None, "ok": True}))
        .changed(9, model=LATER, drifts=(STORM,))
    )
    assert Contents.from_json(json.loads(json.dumps(log.to_json()))) == log
