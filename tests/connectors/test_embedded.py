"""The in-process broker, and through it the Kafka clients that need no real one.

Covers connectors.kafka.inbox.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from connectors.embedded import LIMITS, STRAY_PARTITIONS, EmbeddedBroker
from connectors.kafka import (
    Cluster,
    Inbox,
    Outbox,
    Polled,
    Records,
    TopicShape,
    check,
    ensure_topic,
    last_record,
    list_topics,
    topic_partitions,
)
from connectors.kafka.inbox import STUCK_S
from connectors.kafka.mock import FUNCTIONS, MockCluster
from connectors.kafka.outbox import PRODUCER
from schemas.errors import InputError, ServiceError


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with EmbeddedBroker() as broker:
        yield broker.cluster()


def publish(cluster: Cluster, topic: str, values: list[bytes], partition: int = 0) -> None:
    outbox = Outbox(cluster, topic, None)
    records = Records.of(values, [b"k"] * len(values), [("h", values)])
    outbox.send(records, partition, np.full(len(values), 1_700_000_000_000))
    outbox.flush()


def polled(inbox: Inbox, wanted: int) -> Polled:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = inbox.poll(wanted, 1.0)
        if found.values:
            return found
    raise AssertionError("no record came")


def test_what_one_process_publishes_another_reads(cluster: Cluster) -> None:
    publish(cluster, "elsewhere", [b"1", b"2"])
    program = (
        "import sys; from connectors.kafka import Cluster, Inbox\n"
        "inbox = Inbox(Cluster(sys.argv[1]), 'elsewhere'); seen = []\n"
        "while not inbox.at_end(): seen += inbox.poll(10, 0.1).values\n"
        "sys.stdout.write(repr(seen))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, cluster.bootstrap], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[b'1', b'2']"


def test_a_record_keeps_all_it_was_sent_with(cluster: Cluster) -> None:
    publish(cluster, "whole", [b"x"], partition=3)
    inbox = Inbox(cluster, "whole")
    found = polled(inbox, 10)
    assert (list(found.values), list(found.keys), list(found.headers)) == ([b"x"], [b"k"], [[("h", b"x")]])
    assert (found.partitions.tolist(), found.timestamps_ms.tolist()) == ([3], [1_700_000_000_000])
    assert inbox.positions == {3: 1}
    inbox.close()


def test_an_inbox_starts_where_it_is_told(cluster: Cluster) -> None:
    publish(cluster, "starts", [b"0", b"1", b"2"])
    at_offset = Inbox(cluster, "starts", start={0: 2})
    assert polled(at_offset, 10).values == [b"2"]
    at_offset.close()
    at_the_end = Inbox(cluster, "starts", start={0: 3})
    assert at_the_end.at_end()
    at_the_end.close()
    latest = Inbox(cluster, "starts", start="latest")
    publish(cluster, "starts", [b"3"])
    assert polled(latest, 10).values == [b"3"]
    latest.close()


def test_records_the_broker_dropped_are_counted_and_passed_over(cluster: Cluster) -> None:
    publish(cluster, "dropping", [b"first"])
    inbox = Inbox(cluster, "dropping", start={0: 0})
    assert polled(inbox, 1).values == [b"first"]
    inbox.seek({0: 10**9})
    publish(cluster, "dropping", [b"again"])
    deadline = time.monotonic() + 60
    seen: list[bytes | None] = []
    while not seen and time.monotonic() < deadline:
        seen += inbox.poll(10, 0.2).values
    assert seen == [b"first", b"again"]
    assert inbox.resets == 1
    inbox.close()


def test_records_dropped_of_several_partitions_at_once_are_passed_over_in_each(cluster: Cluster) -> None:
    for partition in range(4):
        publish(cluster, "dropping-all", [b"%d" % partition], partition=partition)
    inbox = Inbox(cluster, "dropping-all", start=dict.fromkeys(range(4), 10**9))
    deadline = time.monotonic() + 60
    seen: list[bytes | None] = []
    while len(seen) < 4 and time.monotonic() < deadline:
        seen += inbox.poll(10, 0.2).values
    assert sorted(filter(None, seen)) == [b"0", b"1", b"2", b"3"]
    assert inbox.poll(10, 0.5).values == []
    assert (inbox.resets, inbox.positions) == (4, dict.fromkeys(range(4), 1))
    inbox.close()


def test_a_client_that_gives_nothing_though_there_is_more_is_replaced(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(cluster, "stuck", [b"0", b"1", b"2"])
    now = [100.0]
    inbox = Inbox(cluster, "stuck", clock_s=lambda: now[0])
    assert polled(inbox, 2).values == [b"0", b"1"]
    poll = inbox._consumer.poll
    monkeypatch.setattr(inbox._consumer, "poll", lambda most, wait_s: poll(0, 0.0))
    assert inbox.poll(10, 0.2).values == []
    now[0] += STUCK_S
    assert inbox.poll(10, 0.2).values == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert polled(inbox, 10).values == [b"2"]
    assert (inbox.resets, inbox.positions) == (0, {0: 3})
    inbox.close()


@pytest.mark.parametrize("start", ["earliest", "latest", {0: 1, 1: 0}])
def test_a_client_is_kept_where_there_is_nothing_more(cluster: Cluster, start: str | dict[int, int]) -> None:
    topic = f"quiet-{start if isinstance(start, str) else 'placed'}"
    publish(cluster, topic, [b"0"])
    now = [100.0]
    inbox = Inbox(cluster, topic, start=start, clock_s=lambda: now[0])
    client = inbox._consumer
    while not inbox.at_end():
        inbox.poll(10, 0.2)
    for _ in range(3):
        now[0] += STUCK_S
        inbox.poll(10, 0.2)
    assert inbox._consumer is client
    inbox.close()


def test_a_client_is_kept_while_the_broker_does_not_answer(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(cluster, "unheard", [b"0"])
    now = [100.0]
    inbox = Inbox(cluster, "unheard", start="latest", clock_s=lambda: now[0])
    client = inbox._consumer

    def silent(partition: int, timeout_s: float) -> tuple[int, int]:
        raise ServiceError("the broker does not answer")

    monkeypatch.setattr(client, "watermarks", silent)
    now[0] += STUCK_S
    inbox.poll(10, 0.2)
    assert inbox._consumer is client
    inbox.close()


@pytest.mark.parametrize("partitions", [1, 3, 17])
def test_a_topic_has_the_partitions_it_was_made_with(cluster: Cluster, partitions: int) -> None:
    name = f"of-{partitions}"
    assert topic_partitions(cluster, name) is None
    ensure_topic(cluster, name, TopicShape(partitions))
    ensure_topic(cluster, name, TopicShape(partitions))
    assert topic_partitions(cluster, name) == partitions
    assert name in list_topics(cluster)
    with pytest.raises(
        InputError, match=f"shards=2: topic {name} has {partitions} partitions; use --shards {partitions}"
    ):
        ensure_topic(cluster, name, TopicShape(2))
    publish(cluster, name, [b"last"], partition=partitions - 1)


def test_another_process_is_told_that_its_topics_have_four_partitions(cluster: Cluster) -> None:
    assert f"by another process has {STRAY_PARTITIONS} partitions" in LIMITS
    elsewhere = Cluster(cluster.bootstrap)
    ensure_topic(elsewhere, "four", TopicShape(STRAY_PARTITIONS))
    with pytest.raises(InputError, match="shards=3: topic three has 4 partitions; use --shards 4"):
        ensure_topic(elsewhere, "three", TopicShape(3))


def test_a_client_library_without_the_cluster_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "rd_kafka_mock_missing", (None, []))
    with pytest.raises(ServiceError, match="confluent-kafka: this build has no rd_kafka_mock_missing"):
        MockCluster()


def test_a_broker_that_has_ended_creates_nothing() -> None:
    with EmbeddedBroker() as broker:
        cluster = broker.cluster()
    broker.close()
    assert cluster.create_topic is not None
    with pytest.raises(ServiceError, match="topic=late: the embedded broker has ended"):
        cluster.create_topic("late", 1)


def test_progress_inside_a_transaction(cluster: Cluster) -> None:
    outbox = Outbox(cluster, "data", "stream.1")
    outbox.own(20)
    outbox.begin()
    outbox.send_one("progress", b"1", b"here", 1)
    outbox.commit()
    assert last_record(cluster, "progress", 1) == b"here"
    assert last_record(cluster, "progress", 0) is None


def test_no_broker_is_said_with_where_it_was_looked_for() -> None:
    began = time.monotonic()
    with pytest.raises(ServiceError, match=r"bootstrap=127\.0\.0\.1:1: no broker answered there within 1 s"):
        check(Cluster("127.0.0.1:1"), 1.0)
    assert time.monotonic() - began < 10


def test_unknown_settings_are_refused_and_secrets_never_shown(cluster: Cluster) -> None:
    with pytest.raises(InputError, match=r"kafka settings: .*no\.such\.setting"):
        Outbox(Cluster(cluster.bootstrap, {"no.such.setting": 1}), "t", None)
    shown = repr(Cluster("b:1", {"sasl.password": "hidden", "client.id": "me"}))
    assert "hidden" not in shown
    assert "me" in shown


def test_the_users_own_settings_win_over_ours() -> None:
    cluster = Cluster("b:1", {"linger.ms": 5, "bootstrap.servers": "elsewhere"})
    configured = cluster.configured(PRODUCER, {"transactional.id": "x"})
    assert (configured["linger.ms"], configured["acks"], configured["transactional.id"]) == (5, "all", "x")
    assert configured["bootstrap.servers"] == "b:1"


@pytest.mark.parametrize(("partitions", "replication"), [(0, 1), (1, 0)])
def test_a_topic_shape_holds_something(partitions: int, replication: int) -> None:
    with pytest.raises(InputError, match="=0: must be at least 1"):
        TopicShape(partitions, replication)


def test_a_topic_shape_speaks_kafka() -> None:
    shape = TopicShape(1, retention_ms=5, min_insync_replicas=2, compacted=True)
    assert shape.config["retention.ms"] == "5"
    assert shape.config["min.insync.replicas"] == "2"
    assert shape.config["cleanup.policy"] == "compact"


def test_an_inbox_refuses_what_it_can_not_do(cluster: Cluster) -> None:
    with pytest.raises(InputError, match="topic=nowhere: does not exist"):
        Inbox(cluster, "nowhere")
    ensure_topic(cluster, "somewhere", TopicShape(1))
    with pytest.raises(InputError, match="goes on where it committed"):
        Inbox(cluster, "somewhere", group="g", start={0: 1})
