"""Progress records: they survive the topic, and strange ones are refused."""

from __future__ import annotations

import json

import pytest

from schemas.errors import InputError
from schemas.rates import profile_of
from schemas.steering import Steering
from stream_app.contents import Contents, Model
from stream_app.control import ORDERS, Asked, Desired, State, at_rate, steered, swapped
from stream_app.progress import PROGRESS_FORMAT, Progress
from stream_app.schedule import Change, starting
from tests.stream_app.shop import storm

SCHEDULE = starting(1_000, 1, 4, 1e12).changed(Change(10, 1e12, 5.0))
CONTENTS = Contents().changed(5, drifts=(storm("delay", 30),)).changed(9, steering=Steering(given={"delay": None}))
PROGRESS = Progress(0, {"seed": "7", "key": "{column: colour}"}, 12, SCHEDULE, CONTENTS, "command", True, 1e12)


def test_progress_survives_the_topic() -> None:
    assert Progress.from_bytes(PROGRESS.to_bytes()) == PROGRESS
    moved = PROGRESS.moved(99, SCHEDULE, CONTENTS)
    assert (moved.position, moved.command, moved.terms) == (99, "command", PROGRESS.terms)


@pytest.mark.parametrize("version", [PROGRESS_FORMAT - 1, PROGRESS_FORMAT + 1])
def test_another_format_is_refused_by_name(version: int) -> None:
    form = {**json.loads(PROGRESS.to_bytes()), "format": version}
    with pytest.raises(InputError, match=f"progress format={version}: this program reads {PROGRESS_FORMAT}"):
        Progress.from_bytes(json.dumps(form).encode())


@pytest.mark.parametrize("strange", [b"", b"not json", b"{}", b"[]"])
def test_strange_records_are_refused(strange: bytes) -> None:
    with pytest.raises(InputError, match="progress record: is not one of ours"):
        Progress.from_bytes(strange)
    with pytest.raises(InputError, match="command record: is not one of ours"):
        Desired.from_bytes(strange)


def test_a_command_changes_what_it_is_about_and_keeps_the_rest() -> None:
    bursts = Desired("2", State.RUNNING, profile_of({"poisson": {"constant": 5}}), 7.0)
    assert Desired.from_bytes(bursts.to_bytes()) == bursts
    running = Desired("1", State.RUNNING, 500.0)
    assert Desired.from_bytes(running.to_bytes()) == running
    paused = ORDERS["pause"](running)
    assert paused == Desired("1", State.PAUSED, 500.0)
    resumed = ORDERS["resume"](at_rate(None, 9.0)(paused))
    assert resumed == Desired("1", State.RUNNING, None, 9.0, rate_commanded=True)
    assert ORDERS["start"](ORDERS["stop"](running)) == ORDERS["start"](ORDERS["drain"](running)) == running
    held = swapped(Model("ab", "/models/ab"), 500)(steered(Steering(given={"size": 3, "color": None}))(running))
    assert Desired.from_bytes(held.to_bytes()) == held
    assert swapped(None, 0)(steered(Steering())(held)) == running


def test_a_command_says_who_gave_it_and_is_never_the_same_twice() -> None:
    running = Desired("", State.RUNNING, 500.0)
    asked = Asked(ORDERS["pause"], "pause")
    first, second = asked.of(running, 1.0), asked.of(running, 1.0)
    assert (first.state, first.asked) == (State.PAUSED, "pause")
    assert "@" in first.by
    assert first.at_ms > 0
    assert first.command != second.command != ""
    assert [asked.of(first, now_ms).at_ms for now_ms in (0.0, 1.0, 9.0)] == [2.0, 2.0, 9.0]
