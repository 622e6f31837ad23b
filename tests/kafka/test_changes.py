"""A worker publishes changes on a real broker: a stock reader's compacted view of them is the state recomputed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, topic_setting
from generators.artifact import load_artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.population import population_of
from generators.steered import UNSTEERED
from schemas.stream import StreamSpec, load
from stream_app import assemble
from stream_app.schedule import share
from stream_app.streams import stream_status
from tests.kafka.worker_process import PATIENCE_S, WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

COUNT, SHARDS = 12_000, 2

FOLD = """
import json, sys
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
bootstrap, registry, topic, shards, form = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
context = SerializationContext(topic, MessageField.VALUE)
table, broken, tombstones = {}, 0, 0
for shard in range(shards):
    settings = {"bootstrap.servers": bootstrap, "group.id": topic, "enable.partition.eof": True}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, shard, 0)])
    while True:
        message = consumer.poll(10)
        if message.error():
            break
        key = message.key().decode()
        change = deserialize(message.value(), context)
        if change is None:
            tombstones += 1
            broken += (key in table) == (form == "debezium")
        elif "op" in change:
            broken += change["before"] != table.get(key)
            table[key] = change["after"]
        else:
            table[key] = change
        if table.get(key) is None or change is None:
            table.pop(key, None)
    consumer.close()
json.dump([table, broken, tombstones], sys.stdout)
"""


def recomputed(spec: StreamSpec) -> dict[str, Any]:
    """The row of every entity that lives after the last event, from its number alone."""
    assert spec.artifact is not None
    artifact = load_artifact(spec.artifact)
    changes = assemble.changes_of(spec, artifact)
    keys = population_of(artifact.generator, spec.key, SHARDS)
    assert changes is not None
    assert keys is not None
    table: dict[str, Any] = {}
    for shard in range(SHARDS):
        history = changes.history(Source(artifact, spec.seed, spec.epoch, shard, SHARDS, population=keys))
        members = np.arange(len(history.members.values))
        counts = history.entities.before(share(COUNT, shard, keys.fractions.tolist()), members)
        padded = np.zeros((2, BLOCK_ROWS), np.int64)
        padded[:, : len(members)] = members, (counts - 1).clip(min=0)
        events = history.lives.events(*padded)
        rows = history.images(artifact, events, UNSTEERED, history.kept(artifact, events, UNSTEERED)).to_pylist()
        for member in members[(counts > 0) & ~events.deleted[: len(members)]].tolist():
            table[str(history.members.texts[member], "utf-8")] = rows[member]
    return table


@pytest.mark.parametrize("form", ["upserts", "debezium"])
def test_the_compacted_view_is_the_state_recomputed(
    cluster: Cluster, registry: EmbeddedRegistry, stream: Path, form: str
) -> None:
    asked = yaml.safe_load(stream.read_text()) | {"shards": SHARDS, "count": COUNT, "rate_per_s": 20_000}
    asked |= {"key": {"entities": 300, "skew": 1.1}, "changes": {"form": form, "columns": ["size"], "deletes": 0.1}}
    asked |= {"topic_settings": {"compacted": True}}
    stream.write_text(yaml.safe_dump(asked))
    spec = load(stream)
    with WorkerProcess(stream) as worker:
        worker.wait_for("shard taken")
        deadline = time.monotonic() + PATIENCE_S
        while int(stream_status(cluster, spec.stream)["published"]) < COUNT:
            assert time.monotonic() < deadline, worker.said
        worker.stop()
    arguments = [cluster.bootstrap, registry.url, spec.topic, str(SHARDS), form]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FOLD, *arguments], capture_output=True, check=True)
    table, broken, tombstones = json.loads(done.stdout)
    assert topic_setting(cluster, spec.topic, "cleanup.policy") == "compact"
    assert broken == 0
    assert tombstones == pytest.approx(0.1 * COUNT, rel=0.15)
    assert table == recomputed(spec)
    assert len(table) > 100
