"""Progress records: they survive the topic, and strange ones are refused."""

from __future__ import annotations

import json

import pytest

from schemas.errors import InputError
from stream_app.control import ORDERS, Desired, State, at_rate
from stream_app.incident import Incident
from stream_app.progress import PROGRESS_FORMAT, Progress
from stream_app.schedule import Change, starting

SCHEDULE = starting(1_000, 1, 4, 1e12).changed(Change(10, 1e12, 5.0, Incident("storm", "delay", 30)))
PROGRESS = Progress(0, 7, "ab" * 32, 12, SCHEDULE, "command", stopped=True)


def test_progress_survives_the_topic() -> None:
    assert Progress.from_bytes(PROGRESS.to_bytes()) == PROGRESS
    moved = PROGRESS.moved(99, SCHEDULE)
    assert (moved.position, moved.command, moved.seed) == (99, "command", 7)


def test_a_newer_format_is_refused_by_name() -> None:
    form = {**json.loads(PROGRESS.to_bytes()), "format": PROGRESS_FORMAT + 1}
    with pytest.raises(InputError, match=f"progress format={PROGRESS_FORMAT + 1}: this program reads up to"):
        Progress.from_bytes(json.dumps(form).encode())


@pytest.mark.parametrize("strange", [b"", b"not json", b"{}", b"[]"])
def test_strange_records_are_refused(strange: bytes) -> None:
    with pytest.raises(InputError, match="progress record: is not one of ours"):
        Progress.from_bytes(strange)
    with pytest.raises(InputError, match="command record: is not one of ours"):
        Desired.from_bytes(strange)


def test_a_command_changes_what_it_is_about_and_keeps_the_rest() -> None:
    running = Desired("1", State.RUNNING, 500.0)
    assert Desired.from_bytes(running.to_bytes()) == running
    paused = ORDERS["pause"](running)
    assert paused == Desired("1", State.PAUSED, 500.0)
    assert ORDERS["resume"](at_rate(None)(paused)) == Desired("1", State.RUNNING, None)
    assert ORDERS["start"](ORDERS["stop"](running)) == running
