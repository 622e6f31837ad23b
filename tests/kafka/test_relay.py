"""What a relay writes is exactly what it read, whatever members come, go and die."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping

import numpy as np
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.kafka import Cluster, Inbox, Outbox, Records, TopicShape, ensure_topic
from connectors.kafka.relay import LARGEST_BYTES, LONGEST_NOTE, Relay
from schemas.errors import ServiceError

pytestmark = pytest.mark.kafka
PARTITIONS, RECORDS = 4, 400


class Member:
    """Writes down, for each commit, every record it read since the last."""

    def __init__(self, cluster: Cluster, topic: str, start: str = "earliest") -> None:
        self.held: list[str] = []
        self.notes: dict[int, bytes] = {}
        name = f"{topic}.{uuid.uuid4()}"
        self.relay = Relay(cluster, topic, f"{topic}.group", f"{topic}.out", name, self.drop, start)

    def drop(self, notes: Mapping[int, bytes]) -> None:
        self.held.clear()
        self.notes = dict(notes)

    def read(self, wait_s: float = 0.2) -> int:
        polled = self.relay.poll(37, wait_s)
        self.held += [f"{p}:{o}" for p, o in zip(polled.partitions.tolist(), polled.offsets.tolist(), strict=True)]
        return len(polled.values)

    def commit(self) -> None:
        if self.held and self.relay.commit(" ".join(self.held).encode()):
            self.held.clear()


@pytest.fixture
def topic(cluster: Cluster) -> str:
    name = f"relay{uuid.uuid4().hex}"
    ensure_topic(cluster, name, TopicShape(PARTITIONS))
    ensure_topic(cluster, f"{name}.out", TopicShape(1, largest_bytes=LARGEST_BYTES))
    send(cluster, name)
    return name


def send(cluster: Cluster, topic: str) -> None:
    outbox = Outbox(cluster, topic, None)
    for partition in range(PARTITIONS):
        outbox.send(Records.of([b"x"] * RECORDS), partition, np.zeros(RECORDS, np.int64))
    outbox.flush()


def written(cluster: Cluster, topic: str) -> list[str]:
    inbox = Inbox(cluster, f"{topic}.out")
    found: list[str] = []
    while not inbox.at_end():
        found += [word for value in inbox.poll(100, 0.5).values for word in (value or b"").decode().split()]
    inbox.close()
    return found


def test_every_record_is_passed_on_once_while_members_come_go_and_die(cluster: Cluster, topic: str) -> None:
    expected = sorted(f"{p}:{o}" for p in range(PARTITIONS) for o in range(RECORDS))
    first = Member(cluster, topic)
    while first.read() == 0:
        pass
    first.commit()
    first.read()  # and not committed
    second = Member(cluster, topic)
    while not second.relay.assignment:  # the group shares out anew only while both poll
        first.read()
        first.commit()
        second.read()
    second.read()
    first.relay.close()  # leaves with records it did not commit
    third = Member(cluster, topic)
    for turn in range(400):
        for member in (second, third):
            member.read(0.05)
            member.commit()
        if turn % 40 == 39 and len(found := written(cluster, topic)) >= len(expected):
            break
    assert sorted(found) == expected
    for member in (second, third):
        member.relay.close()


def test_what_many_panes_come_to_is_one_record_all_the_same(cluster: Cluster, topic: str) -> None:
    member = Member(cluster, topic)
    while member.read() == 0:
        pass
    large = np.random.default_rng(0).bytes(5 << 20)
    assert member.relay.commit(large)
    member.relay.close()
    inbox = Inbox(cluster, f"{topic}.out")
    values = [value for _ in range(50) if not inbox.at_end() for value in inbox.poll(1, 0.5).values]
    assert values == [large]


def test_what_was_noted_of_a_partition_goes_where_the_partition_goes(cluster: Cluster, topic: str) -> None:
    first = Member(cluster, topic)
    while sum(end - start for start, end in first.relay.ranges.values()) < PARTITIONS * RECORDS:
        first.read()
    assert first.notes == {}
    notes = {partition: f"{partition} " + "x" * (LONGEST_NOTE - 2) for partition in range(PARTITIONS)}
    assert first.relay.commit(b"all", notes)
    first.relay.close()
    second = Member(cluster, topic)
    while len(second.notes) < PARTITIONS:
        second.read()
    assert second.notes == {partition: note.encode() for partition, note in notes.items()}
    second.relay.close()


def test_a_broker_that_takes_no_such_notes_is_not_asked_for_ever(cluster: Cluster, topic: str) -> None:
    member = Member(cluster, topic)
    while member.read() == 0:
        pass
    assert not member.relay.commit(b"noted", dict.fromkeys(range(PARTITIONS), "x" * 5_000))
    while member.read() == 0:
        pass
    assert member.relay.commit(b"not noted", dict.fromkeys(range(PARTITIONS), "x" * 5_000))
    member.relay.close()
    assert written(cluster, topic) == ["not", "noted"]


def test_a_group_whose_place_was_dropped_goes_on_with_the_oldest_record_there_is(cluster: Cluster, topic: str) -> None:
    first = Member(cluster, topic, "latest")
    while not first.relay.assignment:
        first.read()
    first.read(0.0)  # nothing of what was there before
    send(cluster, topic)
    while len(written(cluster, topic)) < PARTITIONS * RECORDS:
        first.read()
        first.commit()
    first.relay.close()
    send(cluster, topic)
    kept = 2 * RECORDS + 100
    places = [TopicPartition(topic, partition, kept) for partition in range(PARTITIONS)]
    admin = AdminClient(cluster.configured({}))
    for done in admin.delete_records(places).values():
        done.result(30)
    later, expected = Member(cluster, topic, "latest"), PARTITIONS * (2 * RECORDS - 100)
    while len(found := written(cluster, topic)) < expected:
        later.read()
        later.commit()
    assert sorted(found) == sorted(
        f"{p}:{o}" for p in range(PARTITIONS) for o in [*range(RECORDS, 2 * RECORDS), *range(kept, 3 * RECORDS)]
    )
    later.relay.close()


def test_a_transaction_that_librdkafka_never_comes_back_from_is_given_up(
    cluster: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    member = Member(cluster, topic)  # with patience: a broker may be slow to begin with it
    monkeypatch.setattr("connectors.kafka.relay.PATIENCE_S", 0.1)
    monkeypatch.setattr("connectors.kafka.relay.GRACE_S", 0.1)
    with pytest.raises(ServiceError, match="does not answer"):
        member.relay._in_time(never.wait)
    never.set()
    member.relay.close()


def test_members_of_a_quiet_topic_keep_their_clients(
    cluster: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("connectors.kafka.inbox.STUCK_S", 0.5)
    members = [Member(cluster, topic, "latest") for _ in range(2)]
    while not all(member.relay.assignment for member in members):
        for member in members:
            member.read(0.05)
    for _ in range(20):
        for member in members:
            assert member.read(0.1) == 0
    assert caplog.records == []
    for member in members:
        member.relay.close()
