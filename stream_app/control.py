"""Commands to a running stream: a compacted topic of what every shard should be doing, and the acknowledgements."""

from __future__ import annotations

import getpass
import json
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from connectors.kafka import Cluster, Fenced, Inbox, Outbox, last_record, topic_partitions
from schemas.drift_kinds import AnyDrift, drifts_of, form_of
from schemas.errors import InputError, ServiceError
from schemas.rates import Profile, profile_of
from schemas.steering import Steering
from stream_app.contents import Model
from stream_app.progress import Progress
from stream_app.topics import Topics


class State(StrEnum):
    """What a shard should be doing."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DRAINED = "drained"

    @property
    def ended(self) -> bool:
        """Whether nothing is published until the stream is started again."""
        return self in (State.STOPPED, State.DRAINED)


@dataclass(frozen=True)
class Desired:
    """The state a stream should be in.

    Args:
        command: id of the command that asked for it.
        state: running, paused or stopped.
        rate_per_s: the whole stream's rate, a number or a profile; None for as fast as possible.
        rate_from_ms: when a profile begins, milliseconds since the epoch; None for when the stream began.
        epoch: the epoch of the stream it is for.
        model: the artifact that draws; None for the one the epoch was begun with.
        model_from: the first record of every shard that the model draws, at the earliest the next.
        steering: what the stream offers other than its generator does by itself.
        drifts: what is injected into the records.
        asked: what was asked for, in words.
        by: who asked.
        at_ms: when, milliseconds since the epoch.
        rate_commanded: whether somebody commanded the rate; else it is that of the stream's file, whatever that says.
        held: names of the rules that the quarantine keeps by command, beside the file's hard ones.
    """

    command: str
    state: State
    rate_per_s: float | Profile | None
    rate_from_ms: float | None = None
    epoch: int = 0
    model: Model | None = None
    model_from: int = 0
    steering: Steering = field(default_factory=Steering)
    drifts: tuple[AnyDrift, ...] = ()
    asked: str = ""
    by: str = ""
    at_ms: float = 0.0
    rate_commanded: bool = False
    held: tuple[str, ...] = ()

    def by_file(self, initial: Desired) -> Desired:
        """The same at the rate of the stream's file, unless somebody commanded another."""
        if self.rate_commanded:
            return self
        return replace(self, rate_per_s=initial.rate_per_s, rate_from_ms=initial.rate_from_ms)

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        rate = self.rate_per_s.to_json() if isinstance(self.rate_per_s, Profile) else self.rate_per_s
        model = None if self.model is None else asdict(self.model)
        parts: dict[str, Any] = {"rate_per_s": rate, "model": model, "steering": self.steering.to_json()}
        parts["drifts"] = list(map(form_of, self.drifts))
        return json.dumps({**vars(self), **parts}).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Desired:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: not a command.
        """
        try:
            form = json.loads(value)
            rate, model = form["rate_per_s"], form["model"]
            form["rate_per_s"] = profile_of(rate) if isinstance(rate, dict) else rate
            form["model"] = None if model is None else Model(**model)
            form["steering"] = Steering.from_json(form["steering"])
            form["drifts"] = drifts_of(form["drifts"])
            form["held"] = tuple(form.get("held", ()))
            return cls(**{**form, "state": State(form["state"])})
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "command record: is not one of ours; another program wrote to the commands topic"
            ) from error


@dataclass(frozen=True)
class Acknowledgement:
    """A shard's word that a command is in force, or why it is not.

    Args:
        command: id of the command.
        shard: the shard.
        position: the first record it applies to.
        refused: why the shard did not carry it out; empty when it did.
        asked: what was asked for, in words.
        by: who asked.
        at_ms: when it was asked, milliseconds since the epoch.
    """

    command: str
    shard: int
    position: int
    refused: str = ""
    asked: str = ""
    by: str = ""
    at_ms: float = 0.0

    def to_bytes(self) -> bytes:
        """The record's value, JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Acknowledgement:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: it is something else.
        """
        try:
            return cls(**json.loads(value))
        except (ValueError, TypeError) as error:
            raise InputError(
                "acknowledgement: is not one of ours; another program wrote to the acknowledgements topic"
            ) from error


Order = Callable[[Desired], Desired]
"""Turns the state a stream is in into the state it should be in."""


def to_state(state: State, from_stopped: bool = True) -> Order:
    """The command that brings a stream into a state; raises InputError where it is stopped, unless that ends so."""

    def order(desired: Desired) -> Desired:
        if desired.state is State.STOPPED and not from_stopped:
            raise InputError("state=stopped: the stream does not run; start it again with `synthstream start`")
        return replace(desired, state=state)

    return order


ORDERS: Mapping[str, Order] = {
    "start": to_state(State.RUNNING),
    "stop": to_state(State.STOPPED),
    "pause": to_state(State.PAUSED, from_stopped=False),
    "resume": to_state(State.RUNNING, from_stopped=False),
    "drain": to_state(State.DRAINED),
}
"""The commands without an argument."""


def at_rate(rate_per_s: float | Profile | None, from_ms: float) -> Order:
    """The command that changes a stream's rate and leaves its state as it is."""
    return lambda desired: replace(desired, rate_per_s=rate_per_s, rate_from_ms=from_ms, rate_commanded=True)


def at_files_rate(desired: Desired) -> Desired:
    """The command that has a stream go by its file's rate again, whatever that says."""
    return replace(desired, rate_commanded=False)


def steered(steering: Steering) -> Order:
    """The command that steers a stream so, and not as it was steered before."""
    return lambda desired: replace(desired, steering=steering)


def drifting(drift: AnyDrift) -> Order:
    """The command that has records drift from the next one on, beside what they do already.

    The order raises InputError where a drift of that name is there, or there are too many.
    """

    def order(desired: Desired) -> Desired:
        if any(drift.name == each.name for each in desired.drifts):
            raise InputError(
                f"drift {drift.name}: the stream has one of that name; choose another, or end it first with --stop"
            )
        return replace(desired, drifts=drifts_of([*map(form_of, desired.drifts), form_of(drift)]))

    return order


def drift_ended(name: str) -> Order:
    """The command that ends a drift; the order raises InputError where there is none of that name."""

    def order(desired: Desired) -> Desired:
        left = tuple(each for each in desired.drifts if each.name != name)
        if len(left) == len(desired.drifts):
            names = ", ".join(each.name for each in desired.drifts) or "none"
            raise InputError(f"drift {name}: the stream has none of that name; it has {names}")
        return replace(desired, drifts=left)

    return order


def held(rule: str) -> Order:
    """The command that has the quarantine keep what breaks a rule from the next record on."""
    return lambda desired: replace(desired, held=(*(name for name in desired.held if name != rule), rule))


def released(rule: str) -> Order:
    """The command that undoes `held`; the order raises InputError where the rule is not held so."""

    def order(desired: Desired) -> Desired:
        if rule not in desired.held:
            names = ", ".join(desired.held) or "none"
            raise InputError(f"hold {rule}: no command holds records to it; those that one does: {names}")
        return replace(desired, held=tuple(name for name in desired.held if name != rule))

    return order


def swapped(model: Model | None, first: int) -> Order:
    """The command that has another artifact draw every shard from one record on; None for the one it began with."""
    return lambda desired: replace(desired, model=model, model_from=first)


@dataclass(frozen=True)
class Asked:
    """A command as somebody gave it.

    Args:
        order: what to change.
        words: the same in words, for the audit.
        cause: what made somebody's program give it, in words; empty where a person did.
        note: by topic, a record that is written in the same transaction, from what is then desired; for topics of one
            partition.
    """

    order: Order
    words: str
    cause: str = ""
    note: Callable[[Desired], Mapping[str, bytes]] = lambda desired: {}

    def of(self, desired: Desired, now_ms: float) -> Desired:
        """The state the stream should be in by it, with who asked for it and when: later than what was asked before."""
        by = f"{self.cause} " * bool(self.cause) + here()
        changed, at_ms = self.order(desired), max(now_ms, desired.at_ms + 1)
        return replace(changed, command=uuid.uuid4().hex, asked=self.words, by=by, at_ms=at_ms)


def here() -> str:
    """Whose process this is, and on which machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def command(
    cluster: Cluster, topics: Topics, initial: Desired, asked: Asked, timeout_s: float
) -> dict[int, Acknowledgement]:
    """Tell every shard of a stream what to do, in one transaction, and wait until each has done it.

    When a shard refuses, all are told what was in force before.

    Args:
        cluster: the broker.
        topics: the stream's topics.
        initial: the state the stream is in when nobody commanded anything.
        asked: what to change.
        timeout_s: how long to wait for the acknowledgements.

    Returns:
        The acknowledgement of every shard.

    Raises:
        InputError: the stream is at another epoch or has other shards, or a shard refused.
        ServiceError: some shards did not answer in time, or somebody gave another command at the same moment.
    """
    check_begun(cluster, topics, initial.epoch)
    inbox = Inbox(cluster, topics.acknowledgements, start="latest")
    try:
        outbox = Outbox(cluster, topics.commands, f"{topics.stream}.control")
        try:
            outbox.own()  # before looking at what is in force, so that no other command comes in between
            before = _in_force_now(cluster, topics, initial)
            desired = asked.of(before, time.time() * 1_000)
            _tell(outbox, topics, desired, asked.note(desired))
        except Fenced:
            raise ServiceError(
                f"stream={topics.stream}: another command was given at the same moment; see `synthstream history`, "
                "then give it again"
            ) from None
        answers = _answers(inbox, desired.command, topics.shards, timeout_s)
        refusals = sorted(f"shard={a.shard}: refused the command: {a.refused}" for a in answers.values() if a.refused)
        if refusals:
            back = Asked(lambda _: before, f"taken back: {asked.words}", asked.cause)
            raise InputError(*refusals, *_taken_back(outbox, topics, back.of(desired, time.time() * 1_000)))
        _check_heard(answers, desired, topics.shards, timeout_s)
        return answers
    finally:
        inbox.close()


def check_begun(cluster: Cluster, topics: Topics, epoch: int) -> None:
    """Make sure that a stream is as its file says, before it is told anything.

    Raises:
        InputError: it has other shards, is at another epoch, or was never begun.
    """
    stream, shards = topics.stream, topic_partitions(cluster, topics.commands)
    if shards != topics.shards:
        raise InputError(f"shards={topics.shards}: stream {stream} has {shards} shards; use the file that began it")
    known = last_record(cluster, topics.progress, 0)
    if known is None:
        raise InputError(f"stream={stream}: no worker has begun it; start `synthstream worker`")
    begun = Progress.from_bytes(known).epoch
    if begun > epoch:
        raise InputError(f"epoch={epoch}: the stream is at epoch {begun}; use the file that began it")
    if begun < epoch:
        raise InputError(
            f"epoch={epoch}: the stream is still at epoch {begun}; start a worker with this file first, "
            "or use the file that began it"
        )


def _in_force_now(cluster: Cluster, topics: Topics, initial: Desired) -> Desired:
    """What is in force, no earlier than the newest command there was, of whatever epoch."""
    known = last_record(cluster, topics.commands, 0)
    desired = in_force(known, initial)
    return desired if known is None else replace(desired, at_ms=Desired.from_bytes(known).at_ms)


def _tell(outbox: Outbox, topics: Topics, desired: Desired, beside: Mapping[str, bytes]) -> None:
    outbox.begin()
    for shard in range(topics.shards):
        outbox.send_one(topics.commands, str(shard).encode(), desired.to_bytes(), shard)
    for topic, value in beside.items():
        outbox.send_one(topic, desired.command.encode(), value, 0)
    outbox.commit()


def _taken_back(outbox: Outbox, topics: Topics, before: Desired) -> Sequence[str]:
    """Tell every shard what was in force before; what is to be said where that can not be."""
    try:
        _tell(outbox, topics, before, {})
    except Fenced:
        return ("another command was given meanwhile and holds the refused one too; see `synthstream history`",)
    except ServiceError as error:
        return (f"the command could not be taken back: {error}",)
    return ()


def in_force(known: bytes | None, initial: Desired) -> Desired:
    """What a stream should be doing: the last command, or its file where none was given in the file's epoch.

    Raises:
        InputError: the stream is at a newer epoch than its file.
    """
    desired = initial if known is None else Desired.from_bytes(known)
    if desired.epoch > initial.epoch:
        raise InputError(f"epoch={initial.epoch}: the stream is at epoch {desired.epoch}; use the file that began it")
    return initial if desired.epoch < initial.epoch else desired.by_file(initial)


def _answers(inbox: Inbox, wanted: str, shards: int, timeout_s: float) -> dict[int, Acknowledgement]:
    """What shards say to a command, by shard; those that say nothing in time are not among them."""
    answers: dict[int, Acknowledgement] = {}
    deadline = time.monotonic() + timeout_s
    while len(answers) < shards and time.monotonic() < deadline:
        for value in inbox.poll(1_000, 0.2).values:
            form: dict[str, Any] = json.loads(value or b"{}")
            if form.get("command") == wanted:
                answers.setdefault(form["shard"], Acknowledgement(**form))
    return answers


def _check_heard(answers: Mapping[int, Acknowledgement], desired: Desired, shards: int, timeout_s: float) -> None:
    silent = sorted(set(range(shards)) - set(answers))
    if silent:
        why = "is a worker running?"
        if desired.state is State.DRAINED:
            why = "is a worker running, or much to drain (`synthstream status`)?"
        raise ServiceError(
            f"shards {', '.join(map(str, silent))}: did not acknowledge within {timeout_s:g} s; {why} "
            "The command stays in force: a worker that starts later carries it out"
        )
