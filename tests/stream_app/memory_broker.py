"""A broker in memory, as far as shards and commands know one: committed records, transactions, fencing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from connectors.kafka import Cluster, Fenced, Heads, Polled
from schemas.blobs import Blobs
from stream_app import control, replay, shards, streams
from stream_app.control import Acknowledgement, Desired, State
from stream_app.progress import Progress
from stream_app.recipe import Recipe
from stream_app.shards import OwnedShard, enter_epoch
from stream_app.topics import Topics
from stream_app.watching import deeds, responses
from tests.stream_app.shop import START_MS, Kept

CLUSTER = Cluster("memory:1")


@dataclass
class Broker:
    """What is committed, by topic and partition.

    Args:
        partitions: how many partitions every topic has.
        owning: called whenever somebody is about to own a transactional id.
        owned: called whenever somebody has come to own one.
        attending: called whenever somebody waits for records.
    """

    partitions: int
    records: dict[tuple[str, int], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    owners: dict[str, object] = field(default_factory=dict)
    owning: Callable[[str], None] = lambda name: None
    owned: Callable[[str], None] = lambda name: None
    attending: Callable[[], None] = lambda: None

    def installed(self, monkeypatch: pytest.MonkeyPatch) -> Broker:
        """This, in place of the real one."""
        for module in (control, deeds, replay, responses, shards, streams):
            for name in ("last_record", "topic_partitions", "Outbox", "Inbox"):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, getattr(self, name))
        return self

    def last_record(self, cluster: Cluster, topic: str, partition: int) -> bytes | None:
        """The newest record of a partition."""
        found = self.records[topic, partition]
        return found[-1] if found else None

    def topic_partitions(self, cluster: Cluster, topic: str) -> int:
        """How many partitions a topic has."""
        return self.partitions

    def Outbox(
        self, cluster: Cluster, topic: str, name: str | None, largest_batch: int | None = None
    ) -> Transactions:  # stands for a class
        """Hands records over in transactions."""
        return Transactions(broker=self, name=name)

    def Inbox(self, cluster: Cluster, topic: str, start: str = "earliest") -> Reader:
        """Reads a topic's only partition."""
        return Reader(self, topic, len(self.records[topic, 0]) if start == "latest" else 0)


@dataclass
class Transactions(Kept):
    """An outbox that has a transactional id."""

    broker: Broker = field(default_factory=lambda: Broker(1))
    name: str | None = ""
    held: list[tuple[str, int, bytes]] = field(default_factory=list)
    commits: int = 0

    def own(self, timeout_s: float = 0.0) -> None:
        """Fence whoever had the id."""
        assert self.name is not None
        self.broker.owning(self.name)
        self.broker.owners[self.name] = self
        self.broker.owned(self.name)

    def begin(self) -> None:
        """Begin a transaction."""
        if self.name is None or self.broker.owners[self.name] is not self:
            raise Fenced(self.name)

    def send_one(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        """Keep a record until the commit; without an id, show it at once."""
        if self.name is None:
            self.broker.records[topic, partition].append(value)
            return
        self.begin()
        self.held.append((topic, partition, value))

    def commit(self) -> None:
        """Show what was kept."""
        self.begin()
        self.commits += 1
        for topic, partition, value in self.held:
            self.broker.records[topic, partition].append(value)
        self.held.clear()

    def abandon(self) -> None:
        """Let go."""
        self.held.clear()


@dataclass
class Reader:
    """An inbox."""

    broker: Broker
    topic: str
    at: int

    def poll(self, most: int, wait_s: float) -> Polled:
        """What came since."""
        self.broker.attending()
        new = self.broker.records[self.topic, 0][self.at :]
        self.at += len(new)
        n = np.arange(len(new))
        none = [None] * len(new)
        return Polled(Blobs.of(new), Blobs.of(none), n.astype(np.int32), n, n, Heads.of(none))

    def at_end(self) -> bool:
        """Whether all was read."""
        return self.at == len(self.broker.records[self.topic, 0])

    def close(self) -> None:
        """End."""


@dataclass
class Stream:
    """A stream whose shards are owned here, on such a broker.

    Args:
        broker: where.
        recipe: what the shards share.
        initial: what they do while nobody commands anything.
        now_ms: the time.
    """

    broker: Broker
    recipe: Recipe
    initial: Desired = field(default_factory=lambda: Desired("", State.RUNNING, 100.0))
    now_ms: float = START_MS
    owned: dict[int, OwnedShard] = field(default_factory=dict)
    heard: dict[int, int] = field(default_factory=dict)

    @property
    def topics(self) -> Topics:
        """The stream's."""
        return Topics("orders", "shop", self.recipe.shards)

    def begin(self) -> Stream:
        """Enter the epoch, and take every shard."""
        enter_epoch(CLUSTER, self.topics, self.recipe, self.initial, self.now_ms)
        for shard in range(self.recipe.shards):
            self.take(shard)
        return self

    def take(self, shard: int) -> OwnedShard:
        """Take a shard, again or for the first time."""
        owned = OwnedShard(CLUSTER, self.topics, self.recipe, shard, self.initial, None, self.now_ms)
        self.owned[shard], self.heard[shard] = owned, len(self.broker.records[self.topics.commands, shard])
        return owned

    def attend(self) -> None:
        """Obey what came to the commands topic."""
        for shard, owned in self.owned.items():
            told = self.broker.records[self.topics.commands, shard]
            for value in told[self.heard[shard] :]:
                owned.obey(Desired.from_bytes(value), self.now_ms)
            self.heard[shard] = len(told)

    def tell(self, order: control.Order, words: str = "told", timeout_s: float = 0.2) -> dict[int, Acknowledgement]:
        """Give a command that the shards hear of."""
        self.broker.attending = self.attend
        return control.command(CLUSTER, self.topics, self.initial, control.Asked(order, words), timeout_s)

    def progress(self, shard: int) -> Progress:
        """As it was committed last."""
        return Progress.from_bytes(self.broker.records[self.topics.progress, shard][-1])

    def answers(self) -> list[dict[str, Any]]:
        """All acknowledgements, oldest first."""
        return [json.loads(value) for value in self.broker.records[self.topics.acknowledgements, 0]]
