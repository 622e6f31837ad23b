"""What several benchmarks need: tables and generators of them, topics, and Kafka's own load generator."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from connectors.local_broker import tool
from generators.artifact import Artifact
from generators.fitting import fit_artifact
from schemas.inference import Choices, conform, infer
from schemas.rows import Rows
from stream_app import training
from stream_app.demo import flights

WORDS = ("Private", "Self-emp-not-inc", "Married-civ-spouse", "Bachelors", "HS-grad", "United-States", "Husband")


def people(rows: int = 5_000, numbers: int = 6, categories: int = 8, word: int = 1) -> pa.Table:
    """A made-up table like Adult: integers, categories and one number with decimals.

    Args:
        rows: how many rows.
        numbers: how many columns of integers.
        categories: how many columns of categories.
        word: how many words a category has, which sets the records' size.
    """
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"n{i}": pa.array(rng.integers(0, 100_000, rows)) for i in range(numbers)}
    for i in range(categories):
        columns[f"c{i}"] = [" ".join([each] * word) for each in rng.choice(WORDS, rows).tolist()]
    columns["x"] = pa.array(np.round(rng.normal(0, 10, rows), 2))
    return pa.table(columns)


def trained(table: pa.Table, model: str) -> Artifact:
    """A generator of a table."""
    schema = infer(table, "people")
    return fit_artifact(conform(table, schema), schema, model, {}, 0, lambda done, doing: None)


def trained_flights(folder: Path) -> None:
    """Train the copula on the New York flights."""
    plan = training.Training("tabular.copula", "flights", Choices())
    training.train(Rows.of(flights()), plan, folder, lambda done, doing: None)


def synthstream(*arguments: str) -> Any:
    """Run the command as users do, and give back what it prints."""
    command = [sys.executable, "-m", "stream_app", *arguments, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def read(bootstrap: str, topic: str, partition: int, count: int) -> Iterator[tuple[bytes, int]]:
    """Values and timestamps of the first records of a partition, by a consumer that is not ours."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "benchmark", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0)])
    left = count
    while left:
        for message in consumer.consume(min(left, 10_000), 30):
            left -= 1
            yield message.value() or b"", message.timestamp()[1]
    consumer.close()


def make_topic(bootstrap: str, name: str, partitions: int, config: dict[str, str] | None = None) -> None:
    """Create a topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1, config=config or {})])[name].result()


def drop_topic(bootstrap: str, name: str) -> None:
    """Delete a topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([name])[name].result()


def perf_test(bootstrap: str, topic: str, record_bytes: int, intervals: int = 2) -> float:
    """Records a second of kafka-producer-perf-test once it is warm: acks=all, idempotent.

    Args:
        bootstrap: the broker.
        topic: where it sends; deleting it is the caller's.
        record_bytes: the size of a record.
        intervals: how many of its intervals of five seconds to wait for; the last one counts.
    """
    settings = [
        f"bootstrap.servers={bootstrap}",
        "acks=all",
        "enable.idempotence=true",
        "linger.ms=20",
        "batch.size=262144",
    ]
    arguments = ["--topic", topic, "--num-records", "1000000000", "--record-size", str(record_bytes)]
    command = tool(
        "org.apache.kafka.tools.ProducerPerformance",
        [*arguments, "--throughput", "-1", "--producer-props", *settings],
        heap="512m",
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = [re.findall(r"([\d.]+) records/sec", process.stdout.readline()) for _ in range(intervals)]
        process.kill()
    return float(found[-1][-1])
