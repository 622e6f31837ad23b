"""What exactly once rests on, against a real broker."""

from __future__ import annotations

import time
import uuid

import numpy as np
import pytest
from confluent_kafka import Producer

from connectors.kafka import (
    READ_UNCOMMITTED,
    Cluster,
    Fenced,
    Inbox,
    Outbox,
    Records,
    TopicShape,
    ensure_topic,
    last_record,
    topic_partitions,
)
from schemas.errors import InputError

pytestmark = pytest.mark.kafka

NOW_MS = int(time.time() * 1_000)  # the broker's retention eats what is a week old


@pytest.fixture
def topic(cluster: Cluster) -> str:
    name = f"t{uuid.uuid4().hex}"
    ensure_topic(cluster, name, TopicShape(2))
    return name


def send(outbox: Outbox, values: list[bytes], partition: int = 0) -> None:
    outbox.send(Records.of(values, None, [("h", [b"v"] * len(values))]), partition, np.full(len(values), NOW_MS))


def owned(cluster: Cluster, topic: str, name: str) -> Outbox:
    outbox = Outbox(cluster, topic, name)
    outbox.own(30)
    return outbox


def read_all(cluster: Cluster, topic: str, isolation: str = "read_committed") -> list[bytes | None]:
    inbox = Inbox(cluster, topic, isolation=isolation)
    values: list[bytes | None] = []
    while not inbox.at_end():
        values += inbox.poll(1_000, 0.1).values
    inbox.close()
    return values


def test_readers_see_what_was_committed_and_nothing_that_was_aborted(cluster: Cluster, topic: str) -> None:
    outbox = owned(cluster, topic, f"{topic}.0")
    for value, finish in ((b"a", outbox.commit), (b"b", outbox.abort), (b"c", outbox.commit)):
        outbox.begin()
        send(outbox, [value])
        outbox.flush()
        finish()
    assert read_all(cluster, topic) == [b"a", b"c"]
    assert read_all(cluster, topic, READ_UNCOMMITTED) == [b"a", b"b", b"c"]


def test_a_second_owner_fences_the_first_and_drops_what_it_left_open(cluster: Cluster, topic: str) -> None:
    first = owned(cluster, topic, f"{topic}.0")
    first.begin()
    send(first, [b"lost"])
    first.flush()
    second = owned(cluster, topic, f"{topic}.0")
    with pytest.raises(Fenced):
        first.commit()
    second.begin()
    send(second, [b"kept"])
    second.commit()
    assert read_all(cluster, topic) == [b"kept"]


def test_progress_is_read_whole_while_another_shard_has_a_transaction_open(cluster: Cluster, topic: str) -> None:
    other = owned(cluster, topic, f"{topic}.1")
    other.begin()
    send(other, [b"open"], partition=1)
    other.flush()
    mine = owned(cluster, topic, f"{topic}.0")
    for value in (b"1", b"2"):
        mine.begin()
        mine.send_one(topic, b"0", value, 0)
        mine.commit()
    assert last_record(cluster, topic, 0) == b"2"
    other.abort()
    assert last_record(cluster, topic, 1) is None


def test_a_topic_of_another_shape_is_refused(cluster: Cluster, topic: str) -> None:
    ensure_topic(cluster, topic, TopicShape(2))
    with pytest.raises(InputError, match=f"shards=3: topic {topic} has 2 partitions; use --shards 2"):
        ensure_topic(cluster, topic, TopicShape(3))
    assert topic_partitions(cluster, "never-made") is None


def test_records_keep_partition_key_timestamp_and_headers(cluster: Cluster, topic: str) -> None:
    outbox = Outbox(cluster, topic, None)
    records = Records.of([b"x", b"y"], [b"k1", b"k2"], [("h", [b"1", b"2"])])
    outbox.send(records, 1, np.array([NOW_MS, NOW_MS + 1]))
    outbox.flush()
    inbox = Inbox(cluster, topic)
    values: list[bytes | None] = []
    while not inbox.at_end():
        polled = inbox.poll(10, 0.1)
        values += polled.values
        if polled.values:
            assert list(polled.keys) == [b"k1", b"k2"]
            assert polled.partitions.tolist() == [1, 1]
            assert polled.timestamps_ms.tolist() == [NOW_MS, NOW_MS + 1]
            assert list(polled.headers) == [[("h", b"1")], [("h", b"2")]]
    assert values == [b"x", b"y"]
    inbox.close()


def test_a_reader_of_a_topic_at_rest_keeps_its_client_though_a_marker_is_behind_the_last_record(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    topic = f"rest{uuid.uuid4().hex}"
    ensure_topic(cluster, topic, TopicShape(2))
    producer = Producer(cluster.configured({}, {"transactional.id": topic}))
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(topic, b"x", partition=0)
    producer.commit_transaction(10)
    inbox = Inbox(cluster, topic)
    deadline = time.monotonic() + 60
    while not len(inbox.poll(10, 0.1).values):
        assert time.monotonic() < deadline
    monkeypatch.setattr("connectors.kafka.inbox.STUCK_S", 0.2)
    assert [len(inbox.poll(10, 0.1).values) for _ in range(20)] == [0] * 20
    assert inbox.bounds()[0] == (0, 2)
    assert caplog.records == []
    inbox.close()
