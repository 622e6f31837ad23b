"""Logs: an event a line, with its fields, for people or for programs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from stream_app.logs import JsonLines, TextLines, log_to_stderr, logged_here


@pytest.fixture
def log() -> Iterator[None]:
    """The log as it was, afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def record(**fields: object) -> logging.LogRecord:
    made = logging.LogRecord("stream", logging.WARNING, __file__, 1, "shard %s lost", (3,), None)
    made.__dict__.update(fields)
    return made


def test_json_lines_hold_time_level_event_and_fields() -> None:
    event = json.loads(JsonLines().format(record(shard=3, reason="fenced")))
    assert event["time"].endswith("+00:00")
    assert {k: event[k] for k in ("level", "logger", "event", "shard", "reason")} == {
        "level": "warning",
        "logger": "stream",
        "event": "shard 3 lost",
        "shard": 3,
        "reason": "fenced",
    }


def test_text_lines_are_short() -> None:
    line = TextLines().format(record(shard=3))
    assert line[8:] == " warning shard 3 lost shard=3"


def test_a_traceback_is_kept_in_both() -> None:
    try:
        raise ValueError("why")
    except ValueError as error:
        failed = record(exc_info=(ValueError, error, error.__traceback__))
    assert "ValueError: why" in json.loads(JsonLines().format(failed))["traceback"]
    assert "ValueError: why" in TextLines().format(failed)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("how", [("info", "json"), ("warning", "text"), ("debug", "text")])
def test_how_a_process_logs_can_be_told_to_another(how: tuple[str, str]) -> None:
    log_to_stderr(*how)
    assert logged_here() == how
