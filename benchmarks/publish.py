"""How fast the publisher is, beside Kafka's own load generator and beside what a user writes today.

    python -m benchmarks.publish [--rounds 5] [--seconds 4] [--full] [--json FILE]

Starts a broker of its own. Records are like Adult's: 15 columns, keyed, stamped, with the lineage header, over four
shards. Each round runs kafka-producer-perf-test (acks=all, idempotent, the same partitions and record size, warm),
the publisher from batches that are ready, with and without transactions of half a second, and a loop of
AvroSerializer and produce over rows that are ready; ratios are medians over the rounds. Then every generator that
needs no tuning draws what is published, the stages are timed one by one, and two processes share the shards.
`--full` sweeps the number of columns, the size of records and the number of shards.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.codec import measure
from benchmarks.side_by_side import drop_topic, make_topic, people, perf_test, trained
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Outbox, TopicShape
from connectors.local_broker import down, up
from generators.artifact import Artifact
from generators.base import Generator
from generators.blocks import BLOCK_ROWS, Source
from schemas.avro import avro_schema
from schemas.codec import Codec
from stream_app.control import Desired, State
from stream_app.publish import Publisher, ShardPublisher, run
from stream_app.recipe import Recipe
from stream_app.schedule import UNPACED, starting
from stream_app.shards import OwnedShard
from stream_app.topics import Topics

SHARDS = 4
READY = 16
TRANSACTION_S = 0.5
MODELS = ("tabular.marginals", "tabular.copula", "tabular.mixture", "tabular.nade")
AS_FAST_AS_POSSIBLE = Desired("", State.RUNNING, None)


def main() -> None:
    """Run it all and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each is measured")
    parser.add_argument("--full", action="store_true", help="sweep columns, record size and shards too")
    parser.add_argument("--json", type=Path, help="also write the result here")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry = stack.enter_context(EmbeddedRegistry())
        broker = up(folder)
        stack.callback(down, folder)
        bench = Bench(broker.bootstrap, registry.url, asked.seconds)
        result = everything(bench, asked.rounds)
        if asked.full:
            result["sweep"] = swept(bench)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")


class Ready(Generator):
    """Stands for a generator whose rows are ready: some blocks, over and over."""

    HELP = "rows that are ready"

    def __init__(self, source: Source) -> None:
        self.schema, self.profile = source.artifact.schema, source.artifact.profile
        self._blocks = [source.block(i) for i in range(READY)]
        self._asked = 0

    @classmethod
    def fit(cls, *arguments: Any) -> Ready:
        """Nothing is learned."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """It takes no randomness."""
        return 0

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """The next block."""
        self._asked += 1
        return self._blocks[self._asked % READY]

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """None."""
        return {}

    @classmethod
    def from_weights(cls, *arguments: Any) -> Ready:
        """Nothing was learned."""
        raise NotImplementedError


def ready(artifact: Artifact) -> Artifact:
    """The artifact with rows that are ready in the place of its generator."""
    return replace(artifact, generator=Ready(Source(artifact, 0, 0, 0, 1)))


def recipe(artifact: Artifact, shards: int = SHARDS) -> Recipe:
    """What the shards share."""
    return Recipe(artifact, Codec(avro_schema(artifact.schema)), 1, seed=0, shards=shards)


@dataclass
class Bench:
    """Where everything is measured.

    Args:
        bootstrap: the broker.
        registry: URL of the registry.
        seconds: how long each is measured.
    """

    bootstrap: str
    registry: str
    seconds: float
    count: int = 0

    def topic(self, shards: int = SHARDS) -> Topics:
        """Topics of a stream that nobody used before."""
        self.count += 1
        topics = Topics(f"bench{self.count}", f"bench{self.count}-data", shards)
        topics.create(Cluster(self.bootstrap), TopicShape(shards))
        return topics

    def idempotent(self, shared: Recipe) -> float:
        """Records a second of one idempotent producer over all shards."""
        topics = self.topic(shared.shards)
        outbox = Outbox(Cluster(self.bootstrap), topics.data, None)
        shards = [
            ShardPublisher(shared, shard, outbox, starting(UNPACED, shard, shared.shards, 0.0))
            for shard in range(shared.shards)
        ]
        rate = timed(shards, self.seconds, finish=outbox.flush)
        drop_topic(self.bootstrap, topics.data)
        return rate

    def transactional(self, shared: Recipe) -> float:
        """Records a second with a transaction of half a second a shard, until they are committed."""
        topics = self.topic(shared.shards)
        rate = owned(Cluster(self.bootstrap), topics, shared, range(shared.shards), self.seconds)
        drop_topic(self.bootstrap, topics.data)
        return rate

    def by_processes(self, artifact: Artifact, processes: int) -> float:
        """Records a second of several processes that share the shards, with transactions."""
        topics = self.topic()
        context = multiprocessing.get_context("spawn")
        pipes = []
        for number in range(processes):
            ours, theirs = context.Pipe()
            arguments = (theirs, self.bootstrap, topics, range(number, SHARDS, processes), self.seconds)
            context.Process(target=shares, args=arguments).start()
            pipes.append(ours)
        for pipe in pipes:
            pipe.recv()
        for pipe in pipes:
            pipe.send("go")
        rate = sum(pipe.recv() for pipe in pipes)
        drop_topic(self.bootstrap, topics.data)
        return float(rate)

    def users_loop(self, artifact: Artifact) -> float:
        """Records a second of what a user writes today: AvroSerializer and produce over ready rows."""
        topics = self.topic()
        rows = Source(artifact, 0, 0, 0, 1).block(0).to_pylist()
        text = json.dumps(avro_schema(artifact.schema))
        context = SerializationContext(topics.data, MessageField.VALUE)
        serialize = AvroSerializer(SchemaRegistryClient({"url": self.registry}), text)
        settings = {"bootstrap.servers": self.bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 20}
        producer = Producer({**settings, "queue.buffering.max.messages": 500_000})
        sent, began = 0, time.perf_counter()
        while time.perf_counter() - began < self.seconds:
            for i, row in enumerate(rows):
                value, now_ms = serialize(row, context), int(time.time() * 1_000)
                producer.produce(topics.data, value, str(i).encode(), timestamp=now_ms, on_delivery=delivered)
                producer.poll(0)
            sent += len(rows)
        producer.flush()
        rate = sent / (time.perf_counter() - began)
        drop_topic(self.bootstrap, topics.data)
        return rate

    def kafkas_own(self, record_bytes: int, shards: int = SHARDS) -> float:
        """Records a second of kafka-producer-perf-test."""
        self.count += 1
        topic = f"perf{self.count}"
        make_topic(self.bootstrap, topic, shards)
        rate = perf_test(self.bootstrap, topic, record_bytes)
        drop_topic(self.bootstrap, topic)
        return rate


def delivered(error: Any, message: Any) -> None:
    """The callback every example has."""
    if error is not None:
        raise RuntimeError(error)


def timed(
    shards: list[Publisher] | list[ShardPublisher],
    seconds: float,
    finish: Callable[[], None],
    between: Callable[[float], None] = lambda now_ms: None,
) -> float:
    """Records a second of the publishing loop, until everything is delivered."""
    counted = 0

    def sent(shard: int, late_s: npt.NDArray[np.float64]) -> None:
        nonlocal counted
        counted += len(late_s)

    began = time.perf_counter()
    run(lambda: shards, sent, lambda: time.perf_counter() - began > seconds, between=between)
    finish()
    return counted / (time.perf_counter() - began)


@dataclass(frozen=True)
class _Never:
    """An owned shard as the loop takes it: never done."""

    owned: OwnedShard
    done: bool = False

    @property
    def shard(self) -> int:
        return self.owned.shard

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        return self.owned.publish_due(now_ms)

    def overdue(self, now_ms: float) -> bool:
        return self.owned.overdue(now_ms)

    def prepare(self) -> bool:
        return self.owned.publisher.prepare()


def owned(cluster: Cluster, topics: Topics, shared: Recipe, shards: range, seconds: float) -> float:
    """Records a second of some shards that this process owns."""
    mine = [
        OwnedShard(cluster, topics, shared, shard, AS_FAST_AS_POSSIBLE, None, time.time() * 1_000) for shard in shards
    ]

    def commit(now_ms: float) -> None:
        for each in mine:
            each.commit_if_due(TRANSACTION_S)

    def close() -> None:
        for each in mine:
            each.close()

    publishers: list[Publisher] = [_Never(each) for each in mine]
    return timed(publishers, seconds, close, commit)


def shares(parent: Connection, bootstrap: str, topics: Topics, shards: range, seconds: float) -> None:
    """What one of several processes runs."""
    shared = recipe(ready(trained(people(), MODELS[0])))
    parent.send("ready")
    parent.recv()
    parent.send(owned(Cluster(bootstrap), topics, shared, shards, seconds))


def everything(bench: Bench, rounds: int) -> dict[str, Any]:
    """All the figures of one run."""
    artifacts = {model: trained(people(), model) for model in MODELS}
    shared = recipe(ready(artifacts[MODELS[0]]))
    size = record_bytes(shared)
    bench.idempotent(shared)  # the broker's first second is its slowest
    taken: dict[str, list[float]] = {"perf_test": [], "idempotent": [], "transactions": [], "users_loop": []}
    for i in range(rounds):
        taken["perf_test"].append(bench.kafkas_own(size))
        taken["idempotent"].append(bench.idempotent(shared))
        taken["transactions"].append(bench.transactional(shared))
        taken["users_loop"].append(bench.users_loop(artifacts[MODELS[0]]))
        sys.stderr.write(f"round {i + 1} of {rounds}: { ({name: round(v[-1]) for name, v in taken.items()}) }\n")
    figures = measure(BLOCK_ROWS, bench.seconds / 2)
    perf = median(taken["perf_test"])
    return {
        "record_bytes": size,
        "records_per_s": {name: round(median(values)) for name, values in taken.items()},
        "ratio_to_perf_test": ratio(taken["transactions"], taken["perf_test"]),
        "ratio_to_perf_test_idempotent": ratio(taken["idempotent"], taken["perf_test"]),
        "ratio_to_user_loop": ratio(taken["transactions"], taken["users_loop"]),
        "exactly_once_cost": round(1 - ratio(taken["transactions"], taken["idempotent"]), 3),
        "encode_ratio_to_fastavro": round(figures.encode_ratio, 1),
        "decode_ratio_to_fastavro": round(figures.decode_ratio, 1),
        "generators": {
            model: by_generator(bench, artifact, perf, median(taken["users_loop"]))
            for model, artifact in artifacts.items()
        },
        "two_processes_per_s": round(median(bench.by_processes(artifacts[MODELS[0]], 2) for _ in range(3))),
        "stages_records_per_s": {model: stages(artifact) for model, artifact in artifacts.items()},
    }


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median over rounds of what was measured one after the other."""
    return round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3)


def by_generator(bench: Bench, artifact: Artifact, perf: float, users: float) -> dict[str, float]:
    """The publisher's rate when the generator draws every block, with transactions."""
    rate = median(bench.transactional(recipe(artifact)) for _ in range(3))
    facts = {"ratio_to_perf_test": round(rate / perf, 3), "ratio_to_user_loop": round(rate / users, 2)}
    return {"records_per_s": round(rate), **facts}


def record_bytes(shared: Recipe) -> int:
    """The mean size of a record's value."""
    messages = shared.codec.encode(shared.artifact.generator.sample(BLOCK_ROWS, np.zeros((0, 0))), 1)
    return round(len(messages.buffer) / len(messages))


def stages(artifact: Artifact) -> dict[str, int]:
    """Records a second of each stage alone, the median over blocks."""
    shared, source = recipe(artifact), Source(artifact, 0, 0, 0, SHARDS)
    block = source.block(0)
    messages = shared.codec.encode(block, 1)
    works: dict[str, Callable[[], object]] = {
        "sample": lambda: source.block(1),
        "encode": lambda: shared.codec.encode(block, 1),
        "split": messages.values,
        "keys": lambda: source.keys(0, BLOCK_ROWS),
    }
    return {name: round(BLOCK_ROWS / median(seconds(work) for _ in range(30))) for name, work in works.items()}


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def swept(bench: Bench) -> list[dict[str, Any]]:
    """The publisher beside perf-test over the number of columns, the size of records and the number of shards."""
    shapes = [(columns, 1, SHARDS) for columns in (5, 15, 50, 200)]
    shapes += [(15, words, SHARDS) for words in (4, 16)] + [(15, 1, shards) for shards in (1, 2, 8)]
    found = []
    for columns, word, shards in shapes:
        half = (columns - 1) // 2
        table = people(numbers=columns - 1 - half, categories=half, word=word)
        shared = recipe(ready(trained(table, MODELS[0])), shards)
        size = record_bytes(shared)
        rate, perf = bench.transactional(shared), bench.kafkas_own(size, shards)
        found.append(
            {
                "columns": columns,
                "record_bytes": size,
                "shards": shards,
                "records_per_s": round(rate),
                "ratio_to_perf_test": round(rate / perf, 3),
            }
        )
        sys.stderr.write(f"{found[-1]}\n")
    return found


if __name__ == "__main__":
    main()
