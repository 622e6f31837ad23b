"""How far a shard has come: the record written inside the transaction that published it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from schemas.errors import InputError
from stream_app.schedule import Change, Schedule

PROGRESS_FORMAT = 1
"""Version of the progress record."""


@dataclass(frozen=True)
class Progress:
    """A shard's place in its stream: enough for any worker to go on from there.

    Args:
        epoch: the stream's epoch.
        seed: the stream's seed.
        artifact: identity of the artifact that draws the records.
        position: the next record to publish.
        schedule: the shard's change log.
        command: id of the last command that was carried out; empty for none.
        stopped: whether the stream was told to stop.
    """

    epoch: int
    seed: int
    artifact: str
    position: int
    schedule: Schedule
    command: str = ""
    stopped: bool = False

    def moved(self, position: int, schedule: Schedule) -> Progress:
        """The same shard further on."""
        return replace(self, position=position, schedule=schedule)

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        form = asdict(self)
        form["schedule"] = [change.to_json() for change in self.schedule.changes]
        return json.dumps({"format": PROGRESS_FORMAT, **form}).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Progress:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: not a progress record, or one of a newer format.
        """
        form = _parsed(value)
        form["schedule"] = Schedule(tuple(Change.from_json(change) for change in form["schedule"]))
        return cls(**form)


def _parsed(value: bytes) -> dict[str, Any]:
    try:
        form: dict[str, Any] = json.loads(value)
        version = form.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("progress record: is not one of ours; another program wrote to the progress topic") from error
    if version > PROGRESS_FORMAT:
        raise InputError(f"progress format={version}: this program reads up to {PROGRESS_FORMAT}; upgrade it")
    return form
