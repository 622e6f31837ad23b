"""Whether a stream on a real broker is the one that `sample` writes, and how fast it gets there.

    python -m benchmarks.stream [--json FILE] [--rows 1000000]

Trains the copula on the New York flights, starts a broker of its own, and runs one after the other:

1. `synthstream publish --count ROWS --rate max` of the copula, beside Kafka's own producer-perf-test;
2. the topic decoded by Confluent's stock AvroDeserializer, beside `synthstream sample` to Parquet, row for row.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.side_by_side import make_topic, perf_test, read, synthstream, trained_flights
from connectors.embedded_registry import EmbeddedRegistry
from connectors.local_broker import down, up

SHARDS = 4
FLIGHT_BYTES = 110
"""About the size of a flight's value."""


def main() -> None:
    """Run it all and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the result here")
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedRegistry() as registry:
        folder = Path(name)
        trained_flights(folder / "flights")
        broker = up(folder / "kafka")
        try:
            where = ["--bootstrap", broker.bootstrap, "--registry", registry.url]
            result = fastest(folder, broker.bootstrap, where, asked.rows)
            result["rows_equal_to_sample"] = equal_rows(folder, broker.bootstrap, registry.url, asked.rows)
        finally:
            down(folder / "kafka")
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")


def fastest(folder: Path, bootstrap: str, where: list[str], rows: int) -> dict[str, Any]:
    """Publish as fast as possible; Kafka's own load generator before and after it, at the same record size."""
    make_topic(bootstrap, "flights", SHARDS)
    make_topic(bootstrap, "perf", SHARDS)
    before = perf_test(bootstrap, "perf", FLIGHT_BYTES)
    count = ["--topic", "flights", "--rate", "max", "--shards", str(SHARDS), "--count", str(rows)]
    summary = synthstream("publish", str(folder / "flights"), *count, *where)
    perf = float(np.median([before, perf_test(bootstrap, "perf", FLIGHT_BYTES)]))
    return {
        "published": summary["published"],
        "by_shard": summary["by_shard"],
        "rate_per_s": summary["rate_per_s"],
        "perf_test_per_s": perf,
        "ratio_to_perf_test": round(summary["rate_per_s"] / perf, 3),
    }


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


if __name__ == "__main__":
    main()
