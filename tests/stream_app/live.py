"""Orders published exactly once on a broker in memory, commanded while a monitor watches them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pytest

from connectors.kafka import Heads, Inbox, Polled
from monitors.alarms import Event
from schemas.blobs import Blobs
from schemas.steering import steering_of
from stream_app import monitoring
from stream_app.control import Desired, Order, State
from stream_app.recipe import Recipe
from stream_app.watching import announced
from stream_app.watching.announced import Announcements, Making
from stream_app.watching.keeping import Kept
from stream_app.watching.timeline import Timeline
from stream_app.watching.watch import Watch
from tests.stream_app.memory_broker import CLUSTER, Broker, Stream, Transactions
from tests.stream_app.shop import Topic, decoders, recipe, trained
from tests.stream_app.watched import RATE, SHARDS, STEP_S, spec


@dataclass
class Reads:
    """An inbox over every partition of a topic in memory."""

    broker: Broker
    topic: str
    at: dict[int, int]

    def poll(self, most: int, wait_s: float) -> Polled:
        """What came since."""
        values: list[bytes] = []
        partitions: list[int] = []
        for shard in range(self.broker.partitions):
            if values and wait_s > 0:
                break  # one that is waited for gives some at a time, as a broker does
            new = self.broker.records[self.topic, shard][self.at.get(shard, 0) :]
            self.at[shard] = self.at.get(shard, 0) + len(new)
            values += new
            partitions += [shard] * len(new)
        n = np.arange(len(values))
        none = [None] * len(n)
        return Polled(Blobs.of(values), Blobs.of(none), np.array(partitions, np.int32), n, n, Heads.of(none))

    def at_end(self) -> bool:
        """Whether everything was read."""
        shards = range(self.broker.partitions)
        return all(self.at.get(shard, 0) == len(self.broker.records[self.topic, shard]) for shard in shards)

    def close(self) -> None:
        """End."""


def announcing(monkeypatch: pytest.MonkeyPatch, broker: Broker, begun: Callable[[], bool] = lambda: True) -> None:
    """Have announcements read a broker in memory, whose topics are there once something is begun."""

    def inbox(cluster: object, topic: str, start: str = "earliest") -> Inbox:
        ends = {shard: len(broker.records[topic, shard]) for shard in range(broker.partitions)}
        return cast(Inbox, Reads(broker, topic, ends if start == "latest" else {}))

    monkeypatch.setattr(announced, "Inbox", inbox)
    monkeypatch.setattr(announced, "topic_partitions", lambda *_: broker.partitions if begun() else None)


@dataclass
class Live:
    """A stream that runs and what watches it."""

    stream: Stream
    watch: Watch
    topic: Topic
    timeline: Timeline
    another: Callable[[], Watch]
    events: list[tuple[float, Event]] = field(default_factory=list)
    began_ms: float = 0.0
    taken: dict[int, int] = field(default_factory=dict)

    @property
    def second(self) -> float:
        """How long it has run."""
        return (self.stream.now_ms - self.began_ms) / 1_000

    def until(self, second: float) -> Live:
        """Let time pass, publishing and reading as it goes."""
        while self.second < second:
            self.stream.now_ms += STEP_S * 1_000
            come = []
            for shard, owned in self.stream.owned.items():
                while len(owned.publish_due(self.stream.now_ms)):
                    pass
                owned.commit()
                kept = cast(Transactions, self.stream.broker.owners[f"{self.stream.topics.stream}.{shard}"]).records
                come += kept[self.taken.get(shard, 0) :]
                self.taken[shard] = len(kept)
            self.topic.records += sorted(come, key=lambda record: (record.timestamp_ms, record.partition))
            for event in self.watch.step():
                self.events.append((self.second, event))
                self.timeline.alarm(event, self.stream.now_ms)
        return self

    def tell(self, order: Order, words: str) -> Live:
        """Command the stream."""
        self.stream.tell(order, words)
        return self

    def watched_by_another(self) -> Live:
        """Have another monitor go on with what this one knows, as it comes back from Kafka."""
        kept = Kept(self.watch.positions, self.stream.now_ms, self.watch.state())
        self.watch = self.another()
        self.watch.restore(Kept.from_bytes(kept.to_bytes()).state)
        return self

    @property
    def opened(self) -> set[str]:
        """What alarms were opened about."""
        return {event.column for _, event in self.events if event.kind == "opened"}

    def said(self, kind: str) -> list[str]:
        """What the timeline says of a kind."""
        return [entry.text for entry in self.timeline.entries if entry.kind == kind]


def live(monkeypatch: pytest.MonkeyPatch, another: Recipe | None = None, **changes: Any) -> Live:
    """A stream that begins, and a monitor that has seen nothing."""
    asked = spec(**changes)
    steering = steering_of(dict(changes.get("steer", {})))
    shared = recipe(SHARDS, steering=steering)
    if another is not None:
        successor = another
        shared = replace(shared, another=lambda model: successor)
    broker = Broker(SHARDS).installed(monkeypatch)
    announcing(monkeypatch, broker)
    stream = Stream(broker, shared, Desired("", State.RUNNING, RATE, steering=steering))
    monkeypatch.setattr(time, "time", lambda: stream.now_ms / 1_000)
    stream.begin()
    topic, timeline = Topic([], SHARDS), Timeline()

    def watch() -> Watch:
        judges = monitoring.judges(asked, trained())
        judges.follower.announced = Announcements(CLUSTER, stream.topics, 0, Making(steering=steering))
        judges.follower.noted = lambda kind, text: timeline.note(stream.now_ms, kind, text)
        counter = monitoring.counter(asked, trained(), judges, decoders())
        return Watch(topic.inbox, counter, judges, lambda: stream.now_ms)

    return Live(stream, watch(), topic, timeline, watch, began_ms=stream.now_ms)
