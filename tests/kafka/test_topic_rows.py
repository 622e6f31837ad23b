"""The newest rows of a topic on a real broker: ends of transactions, what was aborted, what was deleted, nothing."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Outbox, Records, TopicShape, ensure_topic
from connectors.registry import Registry
from schemas.codec import Codec
from stream_app.assemble import Outside
from stream_app.topic_rows import newest_rows

pytestmark = pytest.mark.kafka
AVRO = {"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}


def test_the_newest_that_were_committed_are_read_whatever_else_partitions_hold(
    cluster: Cluster, registry: EmbeddedRegistry
) -> None:
    topic = f"rows{uuid.uuid4().hex}"
    ensure_topic(cluster, topic, TopicShape(4))
    with Registry(registry.url) as client:
        identity = client.register(f"{topic}-value", AVRO)
        outbox = Outbox(cluster, topic, topic)
        outbox.own()

        def send(first: int, count: int, partition: int, *, kept: bool = True) -> None:
            numbers = np.arange(first, first + count)
            values = Codec(AVRO).encode(pa.record_batch({"n": pa.array(numbers)}), identity).values()
            outbox.begin()
            outbox.send(Records.of(list(values)), partition, 1_767_272_400_000 + numbers)
            outbox.flush()  # else what is dropped never comes to the broker
            (outbox.commit if kept else outbox.abort)()

        for first in range(0, 60, 20):  # each with an end of its own
            send(first, 20, 0)
        send(100, 30, 1)
        send(200, 30, 2)
        send(300, 50, 2, kept=False)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        for done in admin.delete_records([TopicPartition(topic, 1, -1)]).values():
            done.result()
        outside = Outside(cluster, client, registry.url)
        committed = [*range(60), *range(200, 230)]
        for rows in (20, 1_000):
            found = newest_rows(outside, topic, rows, lambda share, what: None).rows.table["n"].to_pylist()
            assert len(found) == min(rows, len(committed))
            assert found == [number for number in committed if number in set(found)]
