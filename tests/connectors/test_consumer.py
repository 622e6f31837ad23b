"""What is read of a topic, as columns; groups, and what goes wrong.

Covers connectors.kafka.consumer and connectors.kafka.batches.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError, Producer

from connectors.embedded import EmbeddedBroker
from connectors.kafka import Cluster, Polled
from connectors.kafka.batches import Fault, Taker, copy
from connectors.kafka.consumer import UNKNOWN, Consumer
from schemas.errors import InputError, ServiceError

pytestmark = pytest.mark.kernel

PATIENCE_S = 60.0
SETTINGS: dict[str, Any] = {"group.id": "readers", "enable.auto.commit": False, "auto.offset.reset": "error"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with EmbeddedBroker() as broker:
        yield broker.cluster()


def published(cluster: Cluster, topic: str, *records: dict[str, Any]) -> None:
    """Put records on partition 0 of a topic, by a producer that is not ours."""
    producer = Producer(cluster.configured({}))
    for record in records:
        producer.produce(topic, partition=0, **record)
    assert producer.flush(PATIENCE_S) == 0


def consumer(cluster: Cluster, topic: str) -> Consumer:
    return Consumer(cluster.configured(SETTINGS, {}), topic)


def read(reader: Consumer, wanted: int) -> tuple[Polled, list[Fault]]:
    """The first poll that gives something."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        polled, faults = reader.poll(wanted, 0.5)
        if len(polled.values) or faults:
            return polled, faults
    raise AssertionError("nothing came")


def test_records_come_whole_whatever_they_lack(cluster: Cluster) -> None:
    heads = [("twice", b"1"), ("é", b""), ("twice", b"2"), ("none", None)]
    published(
        cluster,
        "whole",
        {"value": b"v" * 300, "key": b"k", "timestamp": 1_700_000_000_123, "headers": heads},
        {"value": None, "key": None},
        {"value": b"", "key": b"", "headers": []},
    )
    reader = consumer(cluster, "whole")
    reader.assign({0: 0})
    found, faults = read(reader, 3)
    assert faults == []
    assert list(found.values) == [b"v" * 300, None, b""]
    assert list(found.keys) == [b"k", None, b""]
    assert list(found.headers) == [heads, [], []]
    assert (found.partitions.tolist(), found.offsets.tolist()) == ([0, 0, 0], [0, 1, 2])
    assert found.timestamps_ms[0] == 1_700_000_000_123
    assert reader.positions([0, 1]) == {0: 3, 1: UNKNOWN}
    assert (reader.assignment, reader.watermarks(0, PATIENCE_S)) == ((0,), (0, 3))
    reader.close()


def test_nothing_that_comes_is_no_record(cluster: Cluster) -> None:
    published(cluster, "still", {"value": b"1"})
    reader = consumer(cluster, "still")
    reader.assign({0: 1})
    for most in (0, 10):
        found, faults = reader.poll(most, 0.0)
        assert (len(found.values), len(found.headers), found.offsets.tolist(), faults) == (0, 0, [], [])
    reader.close()


def test_an_offset_that_is_gone_is_a_fault_with_its_place(cluster: Cluster) -> None:
    published(cluster, "gone", {"value": b"1"})
    reader = consumer(cluster, "gone")
    reader.assign({0: 99})
    found, faults = read(reader, 10)
    assert len(found.values) == 0
    assert [(fault.partition, fault.code) for fault in faults] == [(0, KafkaError._AUTO_OFFSET_RESET)]
    assert "out of range" in faults[0].text
    reader.close()


def test_a_member_of_a_group_is_told_when_partitions_move(cluster: Cluster) -> None:
    published(cluster, "shared", *({"value": str(i).encode()} for i in range(4)))
    moves: list[int] = []
    settings = cluster.configured(SETTINGS, {"auto.offset.reset": "earliest"})
    first = Consumer(settings, "shared", lambda: moves.append(1))
    first.subscribe()
    assert list(read(first, 2)[0].values) == [b"0", b"1"]
    assert len(moves) == 1
    assert first.committed([0], PATIENCE_S)[0][0] < 0
    assert b"readers" in first.membership()
    first.seek({}, PATIENCE_S)
    first.seek({0: 1}, PATIENCE_S)
    with pytest.raises(ServiceError, match="topic=shared: "):
        first.seek({7: 0}, PATIENCE_S)
    assert list(read(first, 1)[0].values) == [b"1"]
    first.close()
    assert len(moves) == 2


def test_messages_are_let_go_when_they_can_not_be_taken_so_that_a_consumer_ends(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(cluster, "short", {"value": b"1"})
    reader = consumer(cluster, "short")

    def short_of_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Taker, "_headers", short_of_memory)
    with pytest.raises(MemoryError):
        read(reader, 1)
    reader.close()


def test_what_is_closed_says_so(cluster: Cluster) -> None:
    published(cluster, "closed", {"value": b"1"})
    reader = consumer(cluster, "closed")
    reader.close()
    reader.close()
    with pytest.raises(ServiceError, match="topic=closed: is not read any more; open it again"):
        reader.poll(1, 0.0)


def test_a_broker_that_is_not_there_does_not_answer_and_settings_that_are_none_are_refused() -> None:
    nowhere = Cluster("127.0.0.1:1")
    reader = consumer(nowhere, "t")
    with pytest.raises(ServiceError, match="topic=t: the broker does not answer: "):
        reader.watermarks(0, 0.2)
    reader.close()
    with pytest.raises(InputError, match="kafka settings: No such configuration property"):
        Consumer(nowhere.configured(SETTINGS, {"isolation.levels": "x"}), "t")


def test_stretches_without_bytes_are_not_copied() -> None:
    memcpy = ctypes.cast(ctypes.CDLL(None).memcpy, ctypes.c_void_p).value
    source, out = np.frombuffer(b"abcdef", np.uint8), np.full(3, 9, np.uint8)
    addresses = np.array([0, source.ctypes.data + 2, 0])
    copy(memcpy or 0, addresses, np.array([0, 0, 2]), np.array([-1, 2, 0]), out.ctypes.data)
    assert out.tolist() == [ord("c"), ord("d"), 9]
