"""A change stream watched: rows after are judged; deletes and tombstones are counted apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.pane_parts import Sequences
from schemas.avro import avro_schema
from schemas.steering import Steering, steering_of
from stream_app import monitoring
from stream_app.assemble import changes_of
from stream_app.contents import Contents
from stream_app.publish import ShardPublisher
from stream_app.schedule import begun
from stream_app.watching.announced import Announcements, Making
from stream_app.watching.watch import Watch
from tests.stream_app.shop import SCHEMA_ID, START_MS, Book, Hands, Kept, Record, Topic, trained
from tests.stream_app.test_changes import ENTITIES, ENVELOPED, changing, slot
from tests.stream_app.watched import spec

RATE, SECONDS, SHARDS = 1_000.0, 16, 2
KEY = ENTITIES.model_dump(exclude_none=True)


def published(form: dict[str, Any], contents: Contents | None = None) -> list[Record]:
    shared, kept = changing(form, SHARDS), Kept()
    for shard in range(SHARDS):
        schedule, count = begun(RATE, shared.share(shard), START_MS), shared.count(shard, int(RATE * SECONDS))
        assert count is not None
        ShardPublisher(shared, shard, kept.outbox, schedule, 0, count, contents).publish_until(count)
    return sorted(kept.records, key=lambda record: record.timestamp_ms)


class Told(Announcements):
    """Announcements that are all known."""

    def __init__(self, contents: Contents) -> None:
        self.known, self._contents, self._first = True, dict.fromkeys(range(SHARDS), contents), Making()

    def look(self, now_ms: float) -> list[str]:
        return []


def watched(records: list[Record], form: dict[str, Any], announced: Contents | None = None) -> tuple[Watch, list[str]]:
    """A watch that has seen all of it, and the columns that alarmed."""
    stream = spec(rate_per_s=RATE, shards=SHARDS, seed=3, key=KEY, changes=form, rules=[])
    topic, hands = Topic([], SHARDS), Hands()
    changes = changes_of(stream, trained())
    assert changes is not None
    envelope = None if changes.envelope is None else changes.envelope.avro
    plain = avro_schema(trained().schema)
    decoders = Book({SCHEMA_ID: plain, ENVELOPED: envelope or plain}).decoders
    judges = monitoring.judges(stream, trained())
    judges.follower.announced = None if announced is None else Told(announced)
    watch = Watch(topic.inbox, monitoring.counter(stream, trained(), judges, decoders), judges, lambda: hands.now)
    alarmed = []
    while hands.now < START_MS + (SECONDS + 4) * 1_000:
        hands.sleep(0.5)
        topic.records[:] = [record for record in records if record.timestamp_ms <= hands.now]
        alarmed += [event.column for event in watch.step()]
    return watch, alarmed


@pytest.mark.parametrize("columns", [None, ["price", "pieces"]])
@pytest.mark.parametrize("form", ["upserts", "debezium"])
def test_rows_are_judged_and_deletes_and_tombstones_are_no_strangers(form: str, columns: list[str] | None) -> None:
    asked = {"form": form, "deletes": 0.1} | ({} if columns is None else {"columns": columns})
    records = published(asked)
    watch, alarmed = watched(records, asked)
    assert alarmed == []
    memory = watch.memory
    gone = sum(not record.value for record in records)
    assert gone > 500
    assert (memory.records, memory.foreign, memory.tombstones) == (len(records), 0, gone)
    assert memory.deletes == (gone if form == "debezium" else 0)
    shown = watch.judges.exporter.render().decode()
    assert f'synthstream_monitor_tombstones_total{{stream="orders"}} {float(gone)}' in shown
    seen = np.array([verdict.window.newest.sequences for verdict in memory.verdicts]).sum(axis=0)
    assert Sequences(*seen.tolist())[1:] == (0, 0, 0)
    assert seen[0] == pytest.approx(RATE * (SECONDS - 2), rel=0.01)
    newest = sum(verdict.window.newest.records for verdict in memory.verdicts)
    assert newest == pytest.approx(RATE * (SECONDS - 2) - gone * (SECONDS - 2) / SECONDS, rel=0.03)
    assert set(memory.seen[-1].value) == set(trained().schema.names)


def test_a_drift_of_the_rows_after_is_seen() -> None:
    form = {"form": "debezium", "columns": ["price", "pieces"]}
    dearer = Contents().changed(4_000, steering=Steering(given={"price": 70}))
    records = published(form, dearer)
    _, alarmed = watched(records, form)
    assert "price" in set(alarmed) <= {"price", "pieces"}
    assert max(map(slot, records)) > 5_000


@pytest.mark.parametrize("columns", [None, ["price", "pieces"]])
def test_what_is_announced_of_the_rows_after_is_no_drift(columns: list[str] | None) -> None:
    form = {"form": "debezium", "deletes": 0.1} | ({} if columns is None else {"columns": columns})
    rare = Contents().changed(3_000, steering=steering_of({"shares": {"colour": {"red": 0.1}}, "given": {"pieces": 3}}))
    watch, alarmed = watched(published(form, rare), form, rare)
    assert alarmed == []
    pieces = watch.judges.references[0].counts["pieces"]
    assert pieces.max() == pieces.sum() > 0
    assert len({m.reference for m in watch.memory.verdicts[-1].measurements} - {""}) == 2


def test_without_changes_a_record_without_a_value_is_foreign() -> None:
    stream, hands = spec(rules=[]), Hands()
    topic = Topic([Record(b"", b"k", 0, int(START_MS), [])], SHARDS)
    decoders = Book({}).decoders
    judges = monitoring.judges(stream, trained())
    watch = Watch(topic.inbox, monitoring.counter(stream, trained(), judges, decoders), judges, lambda: hands.now)
    watch.step()
    assert (watch.memory.foreign, watch.memory.tombstones) == (1, 0)
