"""What alarms did to their stream: records of a topic, and what they say together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.kafka import Cluster, Inbox
from monitors.alarms import Event
from monitors.evidence import Subject
from monitors.ongoing import Ongoing, event_of
from schemas.errors import InputError

Stage = Literal["told", "accepted", "silent", "needless", "refused", "over"]
"""How far a response has come: the shards were told; all carried it out; some said nothing in time; it was so already;
it was refused; its alarm has cleared."""

TOLD = frozenset({"told", "accepted", "silent"})
"""The stages of a response that the shards heard of, or will."""


@dataclass(frozen=True)
class Reaction:
    """A step of what an alarm had done to its stream.

    Args:
        stage: how far it has come by it.
        do: what was to be done, in words.
        judge: which monitor's judgement it was: the same for all that would judge alike.
        alarm: how bad the alarm was, with the estimate and the records that show it.
        command: id of the command to the shards; empty for none.
        positions: by shard, the first record that the command applies to.
        why: why it was refused, needless, or not undone; empty where there is nothing to say.
        before: the rate that was lowered, as `Desired` has it; None for no rate.
        until_s: when the alarm had cleared, in seconds of event time; None while it has not.
        by: whose process it was, and on which machine.
        at_ms: when, milliseconds since the epoch.
    """

    stage: Stage
    do: str
    judge: str
    alarm: Event
    command: str = ""
    positions: tuple[int, ...] = ()
    why: str = ""
    before: dict[str, Any] | None = field(default=None, hash=False)
    until_s: float | None = None
    by: str = ""
    at_ms: float = 0.0

    @property
    def subject(self) -> Subject:
        """What the alarm is about."""
        return Subject(self.alarm.metric, self.alarm.column)

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Reaction:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: not such a record.
        """
        try:
            form = json.loads(value)
            return cls(**{**form, "alarm": event_of(form["alarm"]), "positions": tuple(form["positions"])})
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "response record: is not one of ours; another program wrote to the responses topic"
            ) from error


@dataclass(frozen=True)
class Book:
    """All that a stream's alarms have done to it, oldest first."""

    reactions: tuple[Reaction, ...] = ()

    @classmethod
    def read(cls, cluster: Cluster, topic: str) -> Book:
        """Read a stream's topic of responses to its end.

        Raises:
            InputError: the topic is not there, or holds something else.
            ServiceError: the broker does not answer.
        """
        inbox, found = Inbox(cluster, topic), list[Reaction]()
        try:
            while not inbox.at_end():
                found += (Reaction.from_bytes(value or b"") for value in inbox.poll(1_000, 0.2).values)
        finally:
            inbox.close()
        return cls(tuple(found))

    def latest(self, judge: str, subject: Subject, do: str) -> Reaction | None:
        """The newest step of what a subject's alarms had done, by one judgement; None for none."""
        mine = (r for r in reversed(self.reactions) if (r.judge, r.subject, r.do) == (judge, subject, do))
        return next(mine, None)

    def answered(self, judge: str, ongoing: Ongoing, do: str) -> bool:
        """Whether an alarm was responded to already, by this monitor or by another that judges alike.

        One that was shown by what came before the last one had cleared is the same alarm, seen a little later.
        """
        last = self.latest(judge, ongoing.subject, do)
        return last is not None and (last.until_s is None or ongoing.opened.start_s < last.until_s)

    def open(self, judge: str) -> tuple[Reaction, ...]:
        """The newest step of each response whose alarm is not known to have cleared, by one judgement."""
        newest = {(r.subject, r.do): r for r in self.reactions if r.judge == judge}
        return tuple(r for r in newest.values() if r.until_s is None)

    def lowered(self, judge: str, do: str) -> Reaction | None:
        """The last lowering of the rate that the shards were told of and that was not undone, by one judgement."""
        mine = (r for r in reversed(self.reactions) if (r.judge, r.do) == (judge, do))
        newest = next((r for r in mine if r.before is not None or (r.stage == "over" and r.command)), None)
        return None if newest is None or newest.stage == "over" else newest

    def swapped_back_s(self) -> float:
        """Up to where the records lie, in seconds of event time, that last had the stream go back to a model."""
        ends = (r.alarm.at_s for r in self.reactions if r.do == "previous" and r.stage in TOLD)
        return max(ends, default=float("-inf"))

    def rows(self, most: int) -> list[dict[str, Any]]:
        """The newest responses as people see them, newest first: each as far as it has come."""
        found: dict[tuple[str, Subject, str], dict[str, Any]] = {}
        rows: list[dict[str, Any]] = []
        for reaction in self.reactions:
            key = (reaction.judge, reaction.subject, reaction.do)
            if reaction.stage != "over" and (key not in found or found[key]["cleared"] is not None):
                found[key] = _row(reaction)
                rows.append(found[key])
            elif key in found and reaction.stage == "over":
                found[key] |= {"cleared": reaction.until_s, "undone": reaction.command}
                found[key]["why"] = reaction.why or found[key]["why"]
            elif key in found:
                found[key] |= {"stage": reaction.stage, "why": reaction.why, "from_position": list(reaction.positions)}
        return rows[::-1][:most]


def _row(reaction: Reaction) -> dict[str, Any]:
    alarm = reaction.alarm
    estimate = alarm.estimate
    return {
        "at": datetime.fromtimestamp(reaction.at_ms / 1_000, UTC).isoformat(timespec="seconds"),
        "do": reaction.do,
        "stage": reaction.stage,
        "why": reaction.why,
        "alarm": {"metric": alarm.metric, "column": alarm.column, "severity": str(alarm.severity)},
        "estimate": [estimate.value, estimate.low, estimate.high, estimate.n],
        "records": [list(place) for place in alarm.examples],
        "command": reaction.command,
        "from_position": list(reaction.positions),
        "cleared": None,
        "undone": "",
        "by": reaction.by,
    }


def spelled(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Such rows as lines of text."""
    return [
        f"{row['at']}  {row['do']}: {row['stage']}  by alarm {row['alarm']['metric']} {row['alarm']['column']}"
        f" {row['estimate'][0]:.3g} ({row['alarm']['severity']})"
        + (f": {row['why']}" if row["why"] else "")
        + ("" if row["cleared"] is None else f", over{', undone' * bool(row['undone'])}")
        for row in rows
    ]
