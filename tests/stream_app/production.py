"""A real topic of the shop: its own Avro schema, which shares some columns with the synthetic one, and its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from connectors.kafka import Cluster
from connectors.registry import Registry
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.errors import InputError
from schemas.stream import from_mapping
from stream_app import comparison
from stream_app.assemble import Outside
from stream_app.comparison import Asked, Feed
from stream_app.schedule import begun
from stream_app.watching.comparing import Comparing
from tests.stream_app.shop import START_MS, Hands, Kept, Record, Topic, decoded, publishers, recipe, trained

REAL_ID, NEWER_ID = 21, 22
RATE = 400.0
SHARDS = 2
MARKER = "SECRET-TEAL-77"
NOTE = "call +49 30 555"

AVRO: Mapping[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop.production",
    "fields": [
        {"name": "internal_note", "type": "string"},
        {"name": "colour", "type": ["null", "string"]},
        {"name": "price", "type": "string"},
        {"name": "pieces", "type": ["null", "double"]},
        {"name": "paid", "type": "boolean"},
        {"name": "plate", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "array", "items": "long"}},
    ],
}
"""Production's schema: numbers as text, a whole number as a double, columns that nobody else has."""

NEWER: Mapping[str, Any] = {**AVRO, "fields": [f for f in AVRO["fields"] if f["name"] != "pieces"]}
"""The same without a column, as a later version has it."""


@dataclass(frozen=True)
class Turn:
    """What happens to production from some second on: prices rise, a new colour, another schema."""

    at_s: float = 0.0
    dearer: float = 0.0
    new_colour: float = 0.0
    colour: str = MARKER
    schema_id: int = REAL_ID


def synthetic(seconds: int, seed: int = 3, rate: float = RATE) -> list[Record]:
    """What the synthetic topic holds, by the time it was due."""
    kept, shared = Kept(), recipe(SHARDS, seed=seed)
    for publisher in publishers(
        shared, kept, lambda shard: begun(rate, shared.share(shard), START_MS), int(rate * seconds)
    ):
        while len(publisher.publish_due(START_MS + seconds * 1_000)):
            pass
    return sorted(kept.records, key=lambda record: (record.timestamp_ms, record.partition))


def real(seconds: int, turns: Iterable[Turn] = (), seed: int = 9, rate: float = RATE) -> list[Record]:
    """What the real topic holds: rows as the generator draws them, until something happens."""
    drawn = synthetic(seconds, seed, rate)
    rows = decoded(drawn).combine_chunks()
    seconds_in = np.array([(record.timestamp_ms - START_MS) / 1_000 for record in drawn])
    found: list[Record] = []
    bounds = [Turn(), *turns]
    for turn, until_s in zip(bounds, [*(turn.at_s for turn in bounds[1:]), np.inf], strict=True):
        chosen = np.flatnonzero((seconds_in >= turn.at_s) & (seconds_in < until_s))
        if len(chosen):
            found += _written(rows.take(chosen), turn, [drawn[i] for i in chosen.tolist()])
    return found


def _written(rows: pa.Table, turn: Turn, at: list[Record]) -> list[Record]:
    n = rows.num_rows
    colours = [
        turn.colour if i < turn.new_colour * n else colour for i, colour in enumerate(rows.column("colour").to_pylist())
    ]
    prices: Any = pc.add(rows.column("price"), turn.dearer)
    columns = {
        "internal_note": pa.array([NOTE] * n),
        "colour": pa.array(colours),
        "price": prices.cast(pa.string()),
        "pieces": rows.column("pieces").cast(pa.float64()),
        "paid": rows.column("paid"),
        "plate": rows.column("plate"),
        "at": pa.array([[1, 2]] * n, pa.list_(pa.int64())),
    }
    batch = pa.Table.from_pydict(columns).combine_chunks().to_batches()[0]
    codec = Codec(SCHEMAS[turn.schema_id])
    names = [name for name in columns if name in codec.schema.names]
    values = codec.encode(batch.select(names), turn.schema_id).values()
    return [
        Record(value, None, record.partition, record.timestamp_ms, []) for value, record in zip(values, at, strict=True)
    ]


SCHEMAS: Mapping[int, Mapping[str, Any]] = {REAL_ID: AVRO, NEWER_ID: NEWER, 7: avro_schema(trained().schema)}


@dataclass
class Registered:
    """A registry that knows both topics' schemas."""

    def schema(self, identity: int) -> dict[str, Any]:
        """The schema of an id."""
        if identity not in SCHEMAS:
            raise InputError(f"no schema {identity}")
        return dict(SCHEMAS[identity])

    def latest(self, subject: str) -> tuple[int, dict[str, Any]] | None:
        """The newest schema of a subject."""
        return {"orders-value": (REAL_ID, dict(AVRO))}.get(subject)


@dataclass
class Beside:
    """A real topic watched beside its synthetic one, with a clock of its own; nothing is in a broker.

    Args:
        real: the real topic's records; drawn: the synthetic one's.
        asked: what to compare, and how.
    """

    real: list[Record]
    drawn: list[Record]
    asked: Asked
    hands: Hands = field(default_factory=Hands)
    advice: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def begin(self, monkeypatch: pytest.MonkeyPatch, feed: Feed | None = None) -> Beside:
        """Put the topics in a broker's place."""
        self.topics = {"orders": Topic([], SHARDS), "orders_synth": Topic([], SHARDS)}
        monkeypatch.setattr(
            comparison, "topic_partitions", lambda cluster, topic: SHARDS if topic in self.topics else None
        )
        monkeypatch.setattr(comparison, "Inbox", lambda cluster, topic, start: self.topics[topic].inbox)
        outside = Outside(Cluster("memory:1"), cast(Registry, Registered()), "http://registry")
        used = shop_feed() if feed is None else feed
        common = comparison.matched(self.asked, used, outside, outside)
        self.comparing: Comparing = comparison.comparing(
            self.asked, used, common, (outside, outside), lambda: self.hands.now
        )
        return self

    def until(self, second: float) -> Beside:
        """Let time pass, reading as it goes."""
        while self.hands.now < START_MS + second * 1_000:
            self.hands.sleep(0.5)
            for topic, records in (("orders", self.real), ("orders_synth", self.drawn)):
                known = self.topics[topic].records
                known += [r for r in records[len(known) :] if r.timestamp_ms <= self.hands.now]
            self.advice += [((self.hands.now - START_MS) / 1_000, each) for each in self.comparing.step()]
        return self


def shop_feed(**keys: Any) -> Feed:
    """The synthetic stream of the shop."""
    form = {"stream": "orders_synth", "topic": "orders_synth", "monitor": {"allowed_lateness_s": 1}, **keys}
    artifact = trained()
    return Feed(from_mapping(form, Path()), artifact.schema, artifact.profile, artifact)
