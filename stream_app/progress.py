"""How far a shard has come: the record written inside the transaction that published it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.errors import InputError
from stream_app.contents import Contents
from stream_app.schedule import Change, Schedule

PROGRESS_FORMAT = 7
"""Version of the progress record."""


@dataclass(frozen=True)
class Progress:
    """A shard's place in its stream: enough for any worker to go on from there.

    Args:
        epoch: the stream's epoch.
        terms: what the epoch was begun with, in words: all that settles its records but for the logs.
        position: the next record to publish.
        schedule: when its records are due.
        contents: what its records are drawn from.
        command: id of the last command that was carried out; empty for none.
        stopped: whether the stream was told to stop.
        began_ms: when the epoch began, milliseconds since the epoch; the same for all shards.
        rate_from_ms: from when on the rate counts that the schedule follows; None for that of the stream's file.
    """

    epoch: int
    terms: Mapping[str, str]
    position: int
    schedule: Schedule
    contents: Contents = field(default_factory=Contents)
    command: str = ""
    stopped: bool = False
    began_ms: float = 0.0
    rate_from_ms: float | None = None

    def moved(self, position: int, schedule: Schedule, contents: Contents) -> Progress:
        """The same shard further on."""
        return replace(self, position=position, schedule=schedule, contents=contents)

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        logs = {
            "schedule": [change.to_json() for change in self.schedule.changes],
            "contents": self.contents.to_json(),
        }
        return json.dumps({"format": PROGRESS_FORMAT, **vars(self), **logs}).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Progress:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: not a progress record, or one of another format.
        """
        form = _parsed(value)
        form["schedule"] = Schedule(tuple(Change.from_json(change) for change in form["schedule"]))
        form["contents"] = Contents.from_json(form["contents"])
        return cls(**form)


def _parsed(value: bytes) -> dict[str, Any]:
    try:
        form: dict[str, Any] = json.loads(value)
        version = form.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("progress record: is not one of ours; another program wrote to the progress topic") from error
    if version != PROGRESS_FORMAT:
        raise InputError(
            f"progress format={version}: this program reads {PROGRESS_FORMAT}; use the one that wrote it, "
            "or begin afresh with `synthstream delete STREAM`"
        )
    return form
