"""What an outbox says when the broker does not take a record, and to an owner that was fenced."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import pytest

from connectors.kafka import Cluster, Fenced, Outbox, TopicShape, ensure_topic, last_record
from schemas.errors import ServiceError

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def topic(cluster: Cluster) -> str:
    name = f"outbox{uuid.uuid4().hex}"
    ensure_topic(cluster, name, TopicShape(2))
    return name


def send(outbox: Outbox, partition: int = 0, value: bytes = b"x", timestamp_ms: int = 1_700_000_000_000) -> None:
    outbox.send([value], None, partition, [timestamp_ms], [[]])


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


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_000])
def test_lists_of_different_lengths_are_refused(cluster: Cluster, topic: str, count: int) -> None:
    outbox = Outbox(cluster, topic, None)
    values, times, marks = [b"x"] * (count + 1), [0] * (count + 1), [[] for _ in range(count + 1)]  # type: ignore[var-annotated]
    for wrong in (
        (values, [b"k"] * count, times, marks),
        (values, None, times[:count], marks),
        (values, None, times, marks[:count]),
    ):
        with pytest.raises(ValueError, match="zip"):
            outbox.send(wrong[0], wrong[1], 0, wrong[2], wrong[3])
    outbox.flush()


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
