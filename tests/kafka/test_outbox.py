"""What an outbox says when the broker does not take a record, and to an owner that was fenced."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import numpy as np
import pytest

from connectors.kafka import Cluster, Fenced, Inbox, Outbox, Records, TopicShape, ensure_topic, last_record
from schemas.errors import ServiceError

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def topic(cluster: Cluster) -> str:
    name = f"outbox{uuid.uuid4().hex}"
    ensure_topic(cluster, name, TopicShape(2))
    return name


def send(outbox: Outbox, partition: int = 0, value: bytes = b"x", timestamp_ms: int = 1_700_000_000_000) -> None:
    outbox.send(Records.of([value]), partition, np.array([timestamp_ms]))


def finish(outbox: Outbox, partition: int = 0) -> None:
    send(outbox, partition)
    outbox.flush()
    send(outbox, partition)
    outbox.commit()


def test_a_record_the_broker_refuses_is_never_passed_over_in_silence(cluster: Cluster, topic: str) -> None:
    outbox = Outbox(cluster, topic, None)
    send(outbox, timestamp_ms=int((time.time() + 86_400) * 1_000))
    with pytest.raises(ServiceError, match=f"topic={topic}: 1 records were not delivered: .*timestamp"):
        outbox.flush()
    with pytest.raises(ServiceError, match="were not delivered"):
        send(outbox)


def test_a_record_for_no_partition_is_said(cluster: Cluster, topic: str) -> None:
    outbox = Outbox(cluster, topic, None)
    with pytest.raises(ServiceError, match="Unknown partition"):
        finish(outbox, partition=7)


def test_a_record_too_large_is_said(cluster: Cluster, topic: str) -> None:
    outbox = Outbox(cluster, topic, None)
    with pytest.raises(ServiceError, match=f"topic={topic}: a record could not be handed over: .*too large"):
        send(outbox, value=b"x" * 2_000_000)


def test_a_transaction_with_a_refused_record_is_not_committed_and_a_new_owner_goes_on(
    cluster: Cluster, topic: str
) -> None:
    outbox, after = Outbox(cluster, topic, f"{topic}.refused"), Outbox(cluster, topic, f"{topic}.refused")
    outbox.own(30)
    outbox.begin()
    send(outbox, value=b"dropped")
    send(outbox, timestamp_ms=int((time.time() + 86_400) * 1_000))
    with pytest.raises(ServiceError, match=f"topic={topic}: transaction not committed: "):
        outbox.commit()
    after.own(30)
    after.begin()
    after.send_one(topic, b"k", b"kept", 1)
    after.commit()
    assert last_record(cluster, topic, 1) == b"kept"
    assert last_record(cluster, topic, 0) != b"dropped"


def test_columns_of_different_lengths_are_refused(cluster: Cluster, topic: str) -> None:
    with pytest.raises(ValueError, match="keys, h: expected one for each of 2 values"):
        Records.of([b"x", b"y"], [b"k"], [("h", [b"1", b"2", b"3"])])
    with pytest.raises(ValueError, match="timestamps_ms: 1 for 2 records"):
        Outbox(cluster, topic, None).send(Records.of([b"x", b"y"]), 0, np.zeros(1, np.int64))


def test_a_full_queue_waits_and_batches_may_be_small(cluster: Cluster, topic: str) -> None:
    ensure_topic(cluster, f"{topic}-narrow", TopicShape(2))
    narrow = Cluster(cluster.bootstrap, {"queue.buffering.max.messages": 1_000})
    outbox = Outbox(narrow, f"{topic}-narrow", None, largest_batch=4_096)
    values: list[bytes | None] = [b"%d" % i for i in range(30_000)]
    outbox.send(Records.of(values), 1, np.zeros(30_000, np.int64))
    outbox.flush()
    inbox, found = Inbox(cluster, f"{topic}-narrow"), list[bytes | None]()
    while not inbox.at_end():
        found += inbox.poll(10_000, 0.2).values
    inbox.close()
    assert found == values


NEXT: list[Callable[[Outbox], None]] = [
    lambda outbox: outbox.commit(),
    lambda outbox: outbox.abort(),
    finish,
    lambda outbox: outbox.send_one("x", b"k", b"v", 0),
    lambda outbox: outbox.begin(),
]


@pytest.mark.parametrize("then", NEXT)
def test_whatever_a_fenced_owner_does_next_it_is_told(
    cluster: Cluster, topic: str, then: Callable[[Outbox], None]
) -> None:
    name = f"{topic}.{uuid.uuid4().hex}"
    first, second = Outbox(cluster, topic, name), Outbox(cluster, topic, name)
    first.own(30)
    first.begin()
    send(first)
    first.flush()
    second.own(30)
    with pytest.raises(Fenced):
        finish(first)
    with pytest.raises(Fenced):
        then(first)
