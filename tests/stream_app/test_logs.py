"""Logs: an event a line, with its fields, for people or for programs."""

from __future__ import annotations

import json
import logging

from stream_app.logs import JsonLines, TextLines


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
