"""How fast and how evenly a stream is published to a real broker, and whether it is the stream that `sample` writes.

    python benchmarks/publish.py [--json FILE] [--rows 1000000] [--seconds 25]

Trains the copula on the New York flights, starts a broker of its own, and runs everything one after the other:

1. `synthstream publish --count ROWS --rate max`, beside Kafka's own producer-perf-test on the same topic shape;
2. the topic decoded by Confluent's stock AvroDeserializer, beside `synthstream sample` to Parquet, row for row;
3. 100, 5,000 and 50,000 records a second, measured by an independent consumer on a topic with LogAppendTime.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from connectors.embedded_registry import EmbeddedRegistry
from connectors.local_broker import down, tool, up
from schemas.inference import Choices
from stream_app import training
from stream_app.demo import flights

SHARDS = 4
SPAN_S = 10.0


def main() -> None:
    """Run it all and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the result here")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=25, help="how long each rate is held")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedRegistry() as registry:
        folder = Path(name)
        plan = training.Training("tabular.copula", "flights", Choices())
        training.train(flights(), plan, folder / "flights", lambda done, doing: None)
        broker = up(folder / "kafka")
        try:
            where = ["--bootstrap", broker.bootstrap, "--registry", registry.url]
            result = fastest(folder, broker.bootstrap, where, asked.rows)
            result["rows_equal_to_sample"] = equal_rows(folder, broker.bootstrap, registry.url, asked.rows)
            result["rates"] = [
                held(folder, broker.bootstrap, where, rate, asked.seconds) for rate in (100, 5_000, 50_000)
            ]
        finally:
            down(folder / "kafka")
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")


def synthstream(*arguments: str) -> Any:
    """Run the command as users do, and give back what it prints."""
    command = [sys.executable, "-m", "stream_app", *arguments, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def fastest(folder: Path, bootstrap: str, where: list[str], rows: int) -> dict[str, Any]:
    """Publish as fast as possible; Kafka's own load generator before and after it, at the same record size."""
    make_topic(bootstrap, "flights", {})
    make_topic(bootstrap, "perf", {})
    before = perf_test(bootstrap, rows)
    count = ["--topic", "flights", "--rate", "max", "--shards", str(SHARDS), "--count", str(rows)]
    summary = synthstream("publish", str(folder / "flights"), *count, *where)
    perf = float(np.median([before, perf_test(bootstrap, rows)]))
    return {
        "published": summary["published"],
        "by_shard": summary["by_shard"],
        "rate_per_s": summary["rate_per_s"],
        "perf_test_per_s": perf,
        "ratio_to_perf_test": round(summary["rate_per_s"] / perf, 3),
    }


def make_topic(bootstrap: str, name: str, config: dict[str, str]) -> None:
    """Create a topic as wide as the stream."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, SHARDS, 1, config=config)])[name].result()


def perf_test(bootstrap: str, rows: int) -> float:
    """Records a second of kafka-producer-perf-test, acks=all and idempotent."""
    settings = [
        f"bootstrap.servers={bootstrap}",
        "acks=all",
        "enable.idempotence=true",
        "linger.ms=20",
        "batch.size=262144",
    ]
    arguments = ["--topic", "perf", "--num-records", str(rows), "--record-size", "110", "--throughput", "-1"]
    command = tool(
        "org.apache.kafka.tools.ProducerPerformance", [*arguments, "--producer-props", *settings], heap="512m"
    )
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.findall(r"([\d.]+) records/sec", out)[-1])


def equal_rows(folder: Path, bootstrap: str, registry: str, rows: int) -> int:
    """How many records of the topic, read by a stock deserializer, equal the rows that `sample` writes."""
    out = folder / "flights.parquet"
    synthstream("sample", str(folder / "flights"), "--rows", str(rows), "--shards", str(SHARDS), "--out", str(out))
    written = iter(row for batch in pq.ParquetFile(out).iter_batches() for row in batch.to_pylist())
    with SchemaRegistryClient({"url": registry}) as client:
        deserialize = AvroDeserializer(client)
        context = SerializationContext("flights", MessageField.VALUE)
        equal = 0
        for shard in range(SHARDS):
            share = rows // SHARDS + (shard < rows % SHARDS)
            for value, _ in read(bootstrap, "flights", shard, share):
                equal += deserialize(value, context) == next(written)
    return equal


def read(bootstrap: str, topic: str, partition: int, count: int) -> Iterator[tuple[bytes, int]]:
    """Values and timestamps of the first records of a partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "benchmark", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0)])
    left = count
    while left:
        for message in consumer.consume(min(left, 10_000), 30):
            left -= 1
            yield message.value() or b"", message.timestamp()[1]
    consumer.close()


def held(folder: Path, bootstrap: str, where: list[str], rate: int, seconds: int) -> dict[str, Any]:
    """Publish at a rate, and find the ten seconds, by the broker's own clock, that were furthest off."""
    topic = f"rate-{rate}"
    make_topic(bootstrap, topic, {"message.timestamp.type": "LogAppendTime"})
    count = rate * seconds
    paced = ["--topic", topic, "--rate", str(rate), "--shards", str(SHARDS), "--count", str(count)]
    synthstream("publish", str(folder / "flights"), *paced, *where)
    shares = [count // SHARDS + (shard < count % SHARDS) for shard in range(SHARDS)]
    times = [t for shard in range(SHARDS) for _, t in read(bootstrap, topic, shard, shares[shard])]
    off = worst(np.sort(np.array(times)) / 1_000, rate)
    return {"asked_per_s": rate, "worst_off_in_10_s": off, "allowed": max(rate * SPAN_S * 0.01, SHARDS)}


def worst(times_s: npt.NDArray[np.float64], rate: int) -> int:
    """The largest difference from the asked number of records in any ten seconds that begin at a tenth of one."""
    begins = np.arange(times_s[0], times_s[-1] - SPAN_S, 0.1)
    found = np.searchsorted(times_s, begins + SPAN_S) - np.searchsorted(times_s, begins)
    return int(np.abs(found - rate * SPAN_S).max())


if __name__ == "__main__":
    main()
