"""Commands to a running stream: a compacted topic of what every shard should be doing, and the acknowledgements."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from connectors.kafka import Cluster, Inbox, Outbox, last_record
from schemas.errors import InputError, ServiceError
from stream_app.topics import Topics


class State(StrEnum):
    """What a shard should be doing."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Desired:
    """The state a stream should be in.

    Args:
        command: id of the command that asked for it.
        state: running, paused or stopped.
        rate_per_s: the whole stream's rate; None for as fast as possible.
    """

    command: str
    state: State
    rate_per_s: float | None

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Desired:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: not a command.
        """
        try:
            form = json.loads(value)
            return cls(form["command"], State(form["state"]), form["rate_per_s"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "command record: is not one of ours; another program wrote to the commands topic"
            ) from error


@dataclass(frozen=True)
class Acknowledgement:
    """A shard's word that a command is in force.

    Args:
        command: id of the command.
        shard: the shard.
        position: the first record it applies to.
    """

    command: str
    shard: int
    position: int

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        return json.dumps(asdict(self)).encode()


Order = Callable[[Desired], Desired]
"""Turns the state a stream is in into the state it should be in."""

ORDERS: Mapping[str, Order] = {
    "start": lambda desired: replace(desired, state=State.RUNNING),
    "stop": lambda desired: replace(desired, state=State.STOPPED),
    "pause": lambda desired: replace(desired, state=State.PAUSED),
    "resume": lambda desired: replace(desired, state=State.RUNNING),
}
"""The commands without an argument."""


def at_rate(rate_per_s: float | None) -> Order:
    """The command that changes a stream's rate and leaves its state as it is."""
    return lambda desired: replace(desired, rate_per_s=rate_per_s)


def command(
    cluster: Cluster, topics: Topics, initial: Desired, order: Order, timeout_s: float
) -> dict[int, Acknowledgement]:
    """Tell every shard of a stream what to do, in one transaction, and wait until each has done it.

    Args:
        cluster: the broker.
        topics: the stream's topics.
        initial: the state the stream is in when nobody commanded anything.
        order: what to change.
        timeout_s: how long to wait for the acknowledgements.

    Returns:
        The acknowledgement of every shard.

    Raises:
        ServiceError: some shards did not answer in time.
    """
    known = last_record(cluster, topics.commands, 0)
    desired = initial if known is None else Desired.from_bytes(known)
    desired = replace(order(desired), command=uuid.uuid4().hex)
    inbox = Inbox(cluster, topics.acknowledgements, start="latest")
    try:
        outbox = Outbox(cluster, topics.commands, f"{topics.stream}.control")
        outbox.own(timeout_s)
        outbox.begin()
        for shard in range(topics.shards):
            outbox.send_one(topics.commands, str(shard).encode(), desired.to_bytes(), shard)
        outbox.commit()
        return _acknowledged(inbox, desired.command, topics.shards, timeout_s)
    finally:
        inbox.close()


def _acknowledged(inbox: Inbox, wanted: str, shards: int, timeout_s: float) -> dict[int, Acknowledgement]:
    answers: dict[int, Acknowledgement] = {}
    deadline = time.monotonic() + timeout_s
    while len(answers) < shards and time.monotonic() < deadline:
        for value in inbox.poll(1_000, 0.2).values:
            form: dict[str, Any] = json.loads(value or b"{}")
            if form.get("command") == wanted:
                answers[form["shard"]] = Acknowledgement(**form)
    silent = sorted(set(range(shards)) - set(answers))
    if silent:
        raise ServiceError(
            f"shards {', '.join(map(str, silent))}: did not acknowledge within {timeout_s:g} s; is a worker running? "
            "The command stays in force: a worker that starts later carries it out"
        )
    return answers
