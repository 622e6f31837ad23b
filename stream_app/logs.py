"""Structured logs: one event a line, on standard error, as text or JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every log record has; anything else was given by `extra` and is a field of the event."""


class JsonLines(logging.Formatter):
    """A log record as one JSON object: time, level, logger, event and the fields given by `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for one record."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info is not None:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


class TextLines(logging.Formatter):
    """A log record as one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for one record."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = " ".join(f"{key}={value}" for key, value in _fields(record).items())
        line = f"{moment} {record.levelname.lower():7} {record.getMessage()} {fields}".rstrip()
        return line if record.exc_info is None else f"{line}\n{self.formatException(record.exc_info)}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in record.__dict__.items() if key not in PLAIN}


def log_to_stderr(level: str, form: str) -> None:
    """Send the log to standard error.

    Args:
        level: debug, info, warning or error.
        form: "text" or "json".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def logged_here() -> tuple[str, str]:
    """How this process logs, as `log_to_stderr` takes it: for processes that it starts and that are to log alike."""
    root = logging.getLogger()
    form = "json" if any(isinstance(each.formatter, JsonLines) for each in root.handlers) else "text"
    return logging.getLevelName(root.level).lower(), form
