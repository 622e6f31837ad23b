"""A watched stream of orders on a clock of its own: 24 seconds at 400 records a second, with a drift amid them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from monitors.alarms import Event
from schemas.keying import Keying
from schemas.steering import steering_of
from schemas.stream import StreamSpec, from_mapping
from stream_app import monitoring
from stream_app.schedule import begun
from stream_app.watching.snapshot import About, Snapshots
from stream_app.watching.timeline import Timeline
from stream_app.watching.watch import Watch
from tests.stream_app.shop import START_MS, Hands, Kept, Record, Topic, decoders, publishers, recipe, storm, trained

RATE = 400.0
SHARDS = 2
DRIFT = storm("price", 30, "dearer")
DRIFT_S = (8, 14)
SECONDS = 24
STEP_S = 0.5
RULES: tuple[dict[str, Any], ...] = (
    {"rule": "range", "column": "price", "low": 0, "high": 95},
    {"rule": "not_null", "column": "colour"},
)


def spec(**changes: Any) -> StreamSpec:
    """The stream's specification."""
    monitor = {"window_s": 4, "pane_s": 1, "allowed_lateness_s": 1, "min_records": 200}
    form = {"stream": "orders", "topic": "orders", "rate_per_s": RATE, "shards": SHARDS, "rules": RULES}
    return from_mapping({**form, "monitor": monitor, **changes}, Path())


def records(
    drifting: bool = True,
    event_time: str | None = None,
    key: Keying = "surrogate",
    steer: Mapping[str, Any] | None = None,
) -> list[Record]:
    """What is published, by the time it was due."""
    kept = Kept()
    shared = recipe(SHARDS, event_time=event_time, key=key, steering=steering_of({} if steer is None else steer))
    shards = publishers(shared, kept, lambda shard: begun(RATE, shared.share(shard), START_MS), int(RATE * SECONDS))
    for until_s, drifts in ((DRIFT_S[0], ()), (DRIFT_S[1], (DRIFT,) if drifting else ()), (SECONDS, ())):
        for publisher in shards:
            publisher.change(contents=publisher.contents.changed(publisher.position, drifts=drifts))
            while len(publisher.publish_due(START_MS + until_s * 1_000 - 1)):
                pass
    return sorted(kept.records, key=lambda record: (record.timestamp_ms, record.partition))


@dataclass
class Scene:
    """A watch over records that come when they are due."""

    records: list[Record]
    watch: Watch
    topic: Topic
    hands: Hands
    timeline: Timeline = field(default_factory=Timeline)
    events: list[tuple[float, Event]] = field(default_factory=list)

    def until(self, second: float) -> Scene:
        """Let time pass, reading as it goes."""
        while self.hands.now < START_MS + second * 1_000:
            self.hands.sleep(STEP_S)
            come = sum(record.timestamp_ms <= self.hands.now for record in self.records)
            self.topic.records[:] = self.records[:come]
            for event in self.watch.step():
                self.events.append(((self.hands.now - START_MS) / 1_000, event))
                self.timeline.alarm(event, self.hands.now)
        return self

    @property
    def snapshots(self) -> Snapshots:
        """What the page would show."""
        stream = spec()
        about = About(
            stream.stream, stream.topic, "tabular.copula", "0" * 64, 3_000, 8, SHARDS, RATE, "127.0.0.1:1", "http://r"
        )
        return Snapshots(about, self.watch, self.timeline, stream.monitor)


def scene(published: list[Record], event_time: str | None = None, **changes: Any) -> Scene:
    """A watch that has seen nothing yet."""
    topic, hands = Topic([], SHARDS), Hands()
    judges = monitoring.judges(spec(event_time=event_time, **changes), trained())
    asked = spec(event_time=event_time, **changes)
    counter = monitoring.counter(asked, trained(), judges, decoders())
    watch = Watch(topic.inbox, counter, judges, lambda: hands.now)
    return Scene(published, watch, topic, hands)


@cache
def drifted() -> Scene:
    """The whole of the stream with its drift, watched to its end and a little longer."""
    return scene(records()).until(SECONDS + 4)


def moved(record: Record, to_ms: int) -> Record:
    """A record with another timestamp."""
    return replace(record, timestamp_ms=to_ms)
