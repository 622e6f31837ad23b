"""Workers on a real broker: they share a stream, obey commands, and publish every record exactly once.

Run as users run them (stream_app.__main__, stream_app.service, stream_app.processors, in processes of their own).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Heads, Inbox, last_record, list_topics
from generators.artifact import Artifact, load_artifact
from generators.blocks import Source
from schemas.blobs import Blobs
from schemas.errors import InputError
from schemas.stream import StreamSpec, load
from stream_app import assemble
from stream_app.control import ORDERS, Acknowledgement, Asked, Desired, at_rate, command, held
from stream_app.decoding import Decoders
from stream_app.lineage import HEADER, parse
from stream_app.settings import Place
from stream_app.shards import OwnedShard
from stream_app.streams import described, known_streams, stream_status
from stream_app.topics import Topics
from tests.kafka.worker_process import PATIENCE_S, WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

COUNT, SHARDS = 60_000, 4


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline


def published(cluster: Cluster, spec: StreamSpec) -> int:
    return int(stream_status(cluster, spec.stream)["published"])


def read_back(cluster: Cluster, topic: str) -> tuple[dict[int, list[int]], list[bytes | None]]:
    """The sequence numbers on every partition, in the order of their offsets; and the values of partition 0."""
    sequences: dict[int, list[int]] = defaultdict(list)
    values: list[bytes | None] = []
    inbox = Inbox(cluster, topic)
    while not inbox.at_end():
        polled = inbox.poll(10_000, 0.2)
        for partition, headers, value in zip(polled.partitions.tolist(), polled.headers, polled.values, strict=True):
            lineage = parse(bytes(dict(headers or [])[HEADER] or b""))  # type: ignore[arg-type]
            assert lineage is not None
            assert lineage.shard == partition
            sequences[partition].append(lineage.sequence)
            if partition == 0:
                values.append(value)
    inbox.close()
    return sequences, values


def counted(path: Path, count: int, **more: Any) -> StreamSpec:
    form = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**form, "count": count, **more}))
    return load(path)


def test_no_record_is_lost_or_repeated_as_workers_join_and_leave(
    cluster: Cluster, registry: EmbeddedRegistry, stream: Path
) -> None:
    spec = counted(stream, COUNT, rate_per_s=200)  # it goes on for as long as a second worker may take to begin
    with WorkerProcess(stream) as first:
        first.wait_for("shards assigned")
        until(lambda: published(cluster, spec) > 200)
        with WorkerProcess(stream) as second:
            second.wait_for("shards assigned")
            further = published(cluster, spec) + 400
            until(lambda: published(cluster, spec) > further)
            left = second.stop()
        command(
            cluster,
            assemble.topics_of(spec),
            assemble.initial_state(spec),
            Asked(at_rate(None, 0.0), "rate max"),
            PATIENCE_S,
        )
        until(lambda: published(cluster, spec) == COUNT)
        stayed = first.stop()
    sequences, values = read_back(cluster, spec.topic)
    assert {p: len(s) for p, s in sequences.items()} == dict.fromkeys(range(SHARDS), COUNT // SHARDS)
    assert all(s == list(range(COUNT // SHARDS)) for s in sequences.values())
    assert left["handed_over"] > 0
    assert stayed["handed_over"] > 0
    assert not list(Path.cwd().glob(f"*{spec.stream}*")), "a worker leaves nothing where it runs"
    assert assembled(cluster, registry, spec, values) == expected(spec)


def assembled(
    cluster: Cluster, registry: EmbeddedRegistry, spec: StreamSpec, values: list[bytes | None]
) -> list[dict[str, Any]]:
    with assemble.reached(Place(cluster.bootstrap, registry.url)) as outside:
        batches = Decoders(outside.registry).decode(Blobs.of(values), Heads.of([None] * len(values))).batches
    return [row for batch in batches for row in batch.to_pylist()]


def expected(spec: StreamSpec) -> list[dict[str, Any]]:
    assert spec.artifact is not None
    source = Source(load_artifact(spec.artifact), spec.seed, 0, 0, SHARDS)
    return [row for batch in source.rows(0, COUNT // SHARDS) for row in batch.to_pylist()]


def test_commands_are_obeyed_and_acknowledged_by_every_shard(cluster: Cluster, stream: Path) -> None:
    spec = load(stream)
    topics, initial = assemble.topics_of(spec), assemble.initial_state(spec)

    def tell(order: Callable[[Desired], Desired]) -> dict[int, Acknowledgement]:
        return command(cluster, topics, initial, Asked(order, "told"), PATIENCE_S)

    with pytest.raises(InputError, match="no worker has begun it"):
        assemble.running_topics(spec, cluster)
    with WorkerProcess(stream, "--processes", "1") as worker:
        worker.wait_for("shards assigned")
        until(lambda: published(cluster, spec) > 0)
        assert assemble.running_topics(spec, cluster) == topics
        paused = tell(ORDERS["pause"])
        still = {shard: answer.position for shard, answer in paused.items()}
        assert sorted(still) == list(range(SHARDS))
        assert [s["published"] for s in stream_status(cluster, spec.stream)["shards"]] == [
            still[shard] for shard in range(SHARDS)
        ]
        with pytest.raises(InputError, match="refused the command: hold nothing"):
            tell(held("nothing"))
        said = worker.wait_for("command refused")
        assert " warning " in said
        assert "shard=" in said
        assert "why=hold nothing" in said
        assert "\x1b" not in worker.said
        assert {s: a.position for s, a in tell(at_rate(8_000, 0.0)).items()} == still
        assert stream_status(cluster, spec.stream)["state"] == "paused"
        tell(ORDERS["resume"])
        until(lambda: published(cluster, spec) > sum(still.values()))
        assert {s["rate_per_s"] for s in stream_status(cluster, spec.stream)["shards"]} == {2_000.0}
        stopped = tell(ORDERS["stop"])
        worker.stop()
    with WorkerProcess(stream, "--processes", "1") as later:
        later.wait_for("shards assigned")
        started = tell(ORDERS["start"])
        assert {s: a.position for s, a in started.items()} == {s: a.position for s, a in stopped.items()}
        until(lambda: published(cluster, spec) > sum(a.position for a in started.values()))
        later.stop()
    sequences, _ = read_back(cluster, spec.topic)
    assert all(s == list(range(len(s))) for s in sequences.values())


def test_a_command_to_a_stream_that_never_began_is_written_nowhere(cluster: Cluster, stream: Path) -> None:
    spec = load(stream)
    topics = assemble.topics_of(spec)
    topics.create(cluster, assemble.topic_shape(spec))
    with pytest.raises(InputError, match=r"no worker has begun it"):
        command(cluster, topics, assemble.initial_state(spec), Asked(ORDERS["pause"], "pause"), 0.1)
    assert last_record(cluster, topics.commands, 0) is None


def test_the_broker_knows_which_streams_there_are(cluster: Cluster, stream: Path) -> None:
    spec = load(stream)
    topics = Topics(spec.stream, spec.topic, SHARDS)
    topics.create(cluster, assemble.topic_shape(spec))
    assert spec.stream in known_streams(cluster)
    there = set(described(cluster, spec.stream)["topics"])
    assert (
        there
        == set(topics.own) - {topics.panes, topics.responses, topics.monitor, topics.advice}
        <= set(list_topics(cluster))
    )
    assert stream_status(cluster, spec.stream)["published"] == 0
    with pytest.raises(InputError, match="stream=nonsense: is not on"):
        stream_status(cluster, "nonsense")


@pytest.fixture
def artifact(folder: Path) -> Artifact:
    return load_artifact(folder)


def test_a_shard_goes_on_where_its_last_owner_committed(
    cluster: Cluster, registry: EmbeddedRegistry, stream: Path, artifact: Artifact
) -> None:
    spec = load(stream)
    topics, initial = assemble.topics_of(spec), assemble.initial_state(spec)
    topics.create(cluster, assemble.topic_shape(spec))
    with assemble.reached(Place(cluster.bootstrap, registry.url)) as outside:
        recipe = assemble.recipe(spec, artifact, outside)

        def take(now_ms: float) -> OwnedShard:
            return OwnedShard(cluster, topics, recipe, 1, initial, None, now_ms)

        now_ms = 1e12
        first = take(now_ms)
        first.publish_due(now_ms + 1_000)
        first.commit()
        committed = first.committed
        first.publish_due(now_ms + 2_000)
        assert first.publisher.position > committed > 0
        second = take(now_ms + 3_000)
        assert second.publisher.position == second.committed == committed
        assert second.publisher.schedule == first.publisher.schedule
        other = assemble.recipe(spec.model_copy(update={"seed": 9}), artifact, outside)
        with pytest.raises(InputError, match=r"seed=9: epoch 0 of stream .* was begun with seed=0"):
            OwnedShard(cluster, topics, other, 1, initial, None, now_ms)
