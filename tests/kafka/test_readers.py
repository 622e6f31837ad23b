"""Readers that are not ours: kcat, Kafka's console consumer, and Confluent's AvroDeserializer read the topic."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from typing import Any

import pyarrow.parquet as pq
import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster
from connectors.local_broker import tool

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

COUNT, SHARDS = 1_003, 3


@pytest.fixture(scope="module", params=["prefix", "header"])
def topic(
    cluster: Cluster,
    registry: EmbeddedRegistry,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> str:
    folder = tmp_path_factory.mktemp("readers")
    name = f"r{uuid.uuid4().hex[:12]}"
    lines = [f"{i % 7},{'red' if i % 3 else 'blue'},{i % 11 / 2}" for i in range(500)]
    (folder / "things.csv").write_text("\n".join(["size,color,weight", *lines]) + "\n")
    run("train", str(folder / "things.csv"), "--out", str(folder / "things"))
    where = ["--bootstrap", cluster.bootstrap, "--registry", registry.url]
    count = ["--topic", name, "--rate", "max", "--shards", str(SHARDS), "--count", str(COUNT)]
    summary = run("publish", str(folder / "things"), *count, "--framing", request.param, *where)
    assert summary["by_shard"] == [335, 334, 334]
    sampled = folder / "things.parquet"
    run("sample", str(folder / "things"), "--rows", str(COUNT), "--shards", str(SHARDS), "--out", str(sampled))
    SAMPLED[name] = pq.read_table(sampled).to_pylist()
    return name


SAMPLED: dict[str, list[dict[str, Any]]] = {}


def run(*arguments: str) -> Any:
    command = [sys.executable, "-m", "stream_app", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


DESERIALIZE = """
import json, sys
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient, dual_schema_id_deserializer
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
bootstrap, registry, topic, shards, count = *sys.argv[1:4], *map(int, sys.argv[4:6])
conf = {"schema.id.deserializer": dual_schema_id_deserializer}
deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}), conf=conf)
rows = []
for shard in range(shards):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, shard, 0)])
    share = count // shards + (shard < count % shards)
    while share:
        for message in consumer.consume(share, 10):
            context = SerializationContext(topic, MessageField.VALUE, message.headers())
            rows.append(deserialize(message.value(), context)); share -= 1
    consumer.close()
json.dump(rows, sys.stdout)
"""


def test_stock_deserializers_read_the_rows_that_sample_writes(
    cluster: Cluster, registry: EmbeddedRegistry, topic: str
) -> None:
    arguments = [cluster.bootstrap, registry.url, topic, str(SHARDS), str(COUNT)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DESERIALIZE, *arguments], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == SAMPLED[topic]
    assert len(SAMPLED[topic]) == COUNT


def test_kafkas_console_consumer_reads_every_record(cluster: Cluster, topic: str) -> None:
    if shutil.which("java") is None or shutil.which("mvn") is None:
        pytest.skip("java or mvn is missing: Kafka's own tools can not run")
    flags = ["--bootstrap-server", cluster.bootstrap, "--topic", topic, "--from-beginning"]
    only = ["--max-messages", str(COUNT), "--timeout-ms", "30000", "--property", "print.value=false"]
    keys = ["--property", "print.key=true", "--property", "print.partition=true"]
    command = tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [*flags, *only, *keys])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == COUNT
    assert {line.split("\t")[0] for line in lines} == {f"Partition:{shard}" for shard in range(SHARDS)}
    assert len({line.split("\t")[1] for line in lines}) == COUNT


def test_kcat_reads_every_record(cluster: Cluster, topic: str) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("kcat is missing: install Debian's package kcat")
    isolated = ["-X", "isolation.level=read_committed"]
    command = ["kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-e", "-q", *isolated, "-f", "%p %k %S %h\\n"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, errors="replace")
    lines = [line for line in done.stdout.splitlines() if "synthstream=" in line]
    assert len(lines) == COUNT
