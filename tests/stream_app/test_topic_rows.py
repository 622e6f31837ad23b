"""The newest records of a topic, whatever else lies on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.kafka import Cluster, Heads, Outbox, Polled, Records
from connectors.registry import Registry
from schemas.blobs import Blobs
from schemas.codec import Codec
from schemas.errors import InputError, ServiceError
from schemas.framing import frame
from stream_app import topic_rows
from stream_app.assemble import Outside
from stream_app.topic_rows import newest_rows
from tests.stream_app.conftest import Here

FIELDS = [{"name": "n", "type": "long"}, {"name": "c", "type": "string"}]
AVRO = {"type": "record", "name": "n", "fields": FIELDS}


@pytest.fixture
def outside(here: Here) -> Iterator[Outside]:
    with Registry(here.registry) as registry:
        yield Outside(here.cluster, registry, here.registry)


def quiet(share: float, what: str) -> None:
    """Nobody watches."""


def send(cluster: Cluster, topic: str, values: list[bytes], partition: int = 0, first_ms: int = 0) -> None:
    outbox = Outbox(cluster, topic, None)
    outbox.send(Records.of(values), partition, first_ms + np.arange(len(values), dtype=np.int64))
    outbox.flush()


def numbered(outside: Outside, subject: str, first: int, count: int) -> list[bytes]:
    numbers: pa.Array[Any] = pa.array(range(first, first + count))
    words: pa.Array[Any] = pa.array([f"v{i % 5}" for i in range(first, first + count)])
    identity = outside.registry.register(f"{subject}-value", AVRO)
    return list(Codec(AVRO).encode(pa.record_batch({"n": numbers, "c": words}), identity).values())


def test_the_newest_are_read_and_said_whatever_partition_they_are_on(here: Here, outside: Outside) -> None:
    topic, at_ms = here.topic("newest", 3), 1_767_272_400_000
    send(here.cluster, topic, numbered(outside, topic, 0, 900), 0, at_ms)
    send(here.cluster, topic, numbered(outside, topic, 10_000, 90), 1, at_ms + 800)
    found = newest_rows(outside, topic, 110, quiet)
    numbers: list[int] = found.rows.table["n"].to_numpy().tolist()
    assert numbers[-1] == 899
    assert set(range(890, 900)) < set(numbers)
    assert {n for n in numbers if n < 10_000} == set(range(900 - sum(n < 10_000 for n in numbers), 900))
    assert {n for n in numbers if n >= 10_000} == set(range(10_090 - sum(n >= 10_000 for n in numbers), 10_090))
    assert found.rows.count == 110
    assert found.last_ms == at_ms + 899
    assert found.words.startswith("the newest 110 records of newest, from 2026-01-01T13:00:0")
    assert newest_rows(outside, topic, 5_000, quiet).rows.count == 990


def test_what_is_no_record_is_made_up_for_by_older_ones(here: Here, outside: Outside) -> None:
    topic = here.topic("sparse", 1)
    send(here.cluster, topic, [*numbered(outside, topic, 0, 50), *[b"x"] * 300], 0, 1)
    assert newest_rows(outside, topic, 20, quiet).rows.table["n"].to_pylist() == list(range(30, 50))


def test_strangers_on_a_topic_are_passed_over_and_a_topic_of_strangers_refused(here: Here, outside: Outside) -> None:
    avro = {"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}
    identity = outside.registry.register("mixed-value", avro)
    ours = Codec(avro).encode(pa.record_batch({"n": pa.array([1, 2, 3])}), identity).values()
    send(here.cluster, here.topic("mixed", 1), [b"x", ours[0], frame(9_999) + b"\x02", ours[1], ours[2]])
    assert newest_rows(outside, "mixed", 100, quiet).rows.table.to_pydict() == {"n": [1, 2, 3]}
    send(here.cluster, here.topic("strange", 1), [b"x"] * 3)
    for topic in ("strange", here.topic("hollow", 2)):
        with pytest.raises(InputError, match=f"topic={topic}: holds no record in registered Avro"):
            newest_rows(outside, topic, 100, quiet)


def test_a_topic_of_several_schemas_is_refused(here: Here, outside: Outside) -> None:
    topic, values = here.topic("several", 1), []
    for name in ("a", "b"):
        avro = {"type": "record", "name": name, "fields": [{"name": name, "type": "long", "default": 0}]}
        identity = outside.registry.register(f"several-{name}-value", avro)
        values += Codec(avro).encode(pa.record_batch({name: pa.array([1])}), identity).values()
    send(here.cluster, topic, values)
    with pytest.raises(InputError, match="topic=several: its newest records were written under several schemas"):
        newest_rows(outside, topic, 100, quiet)


def test_what_is_older_than_the_newest_may_have_another_schema(here: Here, outside: Outside) -> None:
    topic = here.topic("evolved", 1)
    avro = {**AVRO, "fields": FIELDS[:1]}
    identity = outside.registry.register("evolved-old-value", avro)
    old = Codec(avro).encode(pa.record_batch({"n": pa.array(range(50))}), identity).values()
    send(here.cluster, topic, [*old, *numbered(outside, topic, 0, 100), *[b"x"] * 100], 0, 1)
    assert newest_rows(outside, topic, 90, quiet).rows.table["n"].to_pylist() == list(range(10, 100))


def test_times_that_no_calendar_has_are_said_all_the_same(here: Here, outside: Outside) -> None:
    topic = here.topic("microseconds", 2)
    send(here.cluster, topic, numbered(outside, topic, 0, 5), 1, 1_767_272_400_000_000)
    send(here.cluster, topic, numbered(outside, topic, 5, 5), 0, 1_767_272_400_000_000)
    found = newest_rows(outside, topic, 10, quiet)
    assert found.words.endswith("from 1,767,272,400,000,000 ms after 1970 to 1,767,272,400,000,004 ms after 1970")
    assert found.rows.table["n"].to_pylist() == [
        5,
        0,
        6,
        1,
        7,
        2,
        8,
        3,
        9,
        4,
    ]  # by time, then by partition


class Stuck:
    """An inbox whose broker says nothing more."""

    topic = "t"

    def __init__(self, *_: object, start: object) -> None:
        self.closed = False

    def bounds(self) -> dict[int, tuple[int, int]]:
        return {0: (0, 5)}

    def at_end(self) -> bool:
        return False

    def poll(self, most: int, wait_s: float) -> Polled:
        none = np.zeros(0, np.int64)
        return Polled(Blobs.of([]), Blobs.of([]), none.astype(np.int32), none, none, Heads.of([]))

    def close(self) -> None:
        self.closed = True


def test_a_broker_that_falls_silent_is_given_up(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_rows, "Inbox", Stuck)
    monkeypatch.setattr(topic_rows, "READ_TIMEOUT_S", 0.0)
    with pytest.raises(ServiceError, match="topic=t: 0 records came, then 0 s of silence"):
        newest_rows(outside, "t", 10, quiet)
