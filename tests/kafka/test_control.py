"""A stream told what to do while it runs, on a real broker: steered, its model swapped, drained, replayed, audited.

stream_app.commands.control, stream_app.commands.replay, stream_app.replay and stream_app.streams, as users run them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox
from generators.artifact import load_artifact, save
from generators.fitting import fit_artifact
from schemas.inference import conform, infer
from schemas.stream import StreamSpec, load
from stream_app import assemble
from stream_app.cli import main
from stream_app.decoding import Decoders
from stream_app.lineage import HEADER, parse
from stream_app.settings import Place
from tests.kafka.worker_process import PATIENCE_S, WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def run(*arguments: object, code: int = 0) -> Any:
    done = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return json.loads(done.stdout) if code == 0 else done.stderr


STORM = "{name: storm, kind: shift, column: size, start_records: 0, by: 1000.0}"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline


def artifact(folder: Path, columns: dict[str, Any]) -> Path:
    raw = pa.table(columns)
    schema = infer(raw, "things")
    save(fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 1, lambda done, doing: None), folder)
    return folder


@pytest.fixture
def larger(tmp_path: Path) -> Path:
    """An artifact whose things are all larger, and of which one more column is known: a schema that evolved."""
    rng = np.random.default_rng(1)
    colors, marks = rng.choice(["red", "green", "blue"], 2_000).tolist(), rng.choice(["a", "b"], 2_000).tolist()
    columns = {"size": pa.array(rng.integers(100, 150, 2_000)), "color": colors, "mark": [None, *marks[1:]]}
    return artifact(tmp_path / "larger", columns)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """An artifact that readers of the stream could not read."""
    rng = np.random.default_rng(1)
    return artifact(tmp_path / "foreign", {"size": rng.choice(["small", "large"], 2_000).tolist()})


def rows(cluster: Cluster, registry: EmbeddedRegistry, topic: str) -> dict[int, list[tuple[int, str, dict[str, Any]]]]:
    """By partition: sequence, artifact and row of every record, in order."""
    inbox, found = Inbox(cluster, topic), dict[int, list[tuple[int, str, dict[str, Any]]]]()
    with assemble.reached(Place(cluster.bootstrap, registry.url)) as outside:
        decoders = Decoders(outside.registry)
        while not inbox.at_end():
            polled = inbox.poll(10_000, 0.2)
            decoded = decoders.decode(polled.values, polled.headers)
            places = np.argsort(np.concatenate([np.zeros(0, np.int64), *decoded.rows]))
            written = [row for batch in decoded.batches for row in batch.to_pylist()]
            by_place = [written[i] for i in places.tolist()]
            for partition, headers, row in zip(polled.partitions.tolist(), polled.headers, by_place, strict=True):
                lineage = parse(bytes(dict(headers or [])[HEADER] or b""))  # type: ignore[arg-type]
                assert lineage is not None
                found.setdefault(partition, []).append((lineage.sequence, lineage.artifact, row))
    inbox.close()
    return found


def published(spec: StreamSpec, at: list[str]) -> int:
    return int(run("status", spec.stream, *at)["published"])


def test_a_stream_is_steered_swapped_drained_and_audited(
    cluster: Cluster, registry: EmbeddedRegistry, stream: Path, larger: Path, foreign: Path
) -> None:
    spec, at = load(stream), ["--bootstrap", cluster.bootstrap]
    with WorkerProcess(stream, "--processes", "1") as worker:
        worker.wait_for("shards assigned")
        until(lambda: published(spec, at) > 400)
        steered = run("steer", stream, "color=red")["from_position"]
        far = max(steered) + 4_000
        run("swap", stream, larger, "--from", far)
        free = run("steer", stream, "--reset")["from_position"]
        stormy = run("drift", stream, STORM)["from_position"]
        assert "the stream has one of that name" in run("drift", stream, STORM, code=2)
        until(lambda: min(shard["published"] for shard in run("status", spec.stream, *at)["shards"]) > max(stormy) + 50)
        calm = run("drift", stream, "--stop", "storm")["from_position"]
        run("rate", stream, "8000")
        assert run("rate", stream, "--reset", "--dry-run")["command"] == "rate --reset"
        until(lambda: min(shard["published"] for shard in run("status", spec.stream, *at)["shards"]) > far + 200)
        assert "purple" in run("steer", stream, "color=purple", code=2)
        assert "refuses the schema" in run("swap", stream, foreign, code=3)
        drained = run("drain", stream)["from_position"]
        assert run("status", spec.stream, *at)["state"] == "drained"
        assert published(spec, at) == sum(drained)
        worker.stop()
    found = rows(cluster, registry, spec.topic)
    began, later = load_artifact(Path(str(spec.artifact))).identity, load_artifact(larger).identity
    for shard, records in found.items():
        assert [sequence for sequence, _, _ in records] == list(range(drained[shard]))
        assert {row["color"] for _, _, row in records[steered[shard] : free[shard]]} == {"red"}
        assert {row["color"] for _, _, row in records[free[shard] :]} == {"red", "green", "blue"}
        assert {name for _, name, _ in records[:far]} == {began[: len(records[0][1])]}
        assert {name for _, name, _ in records[far:]} == {later[: len(records[0][1])]}
        assert [sequence for sequence, _, row in records if "mark" in row] == list(range(far, drained[shard]))
        assert max(row["size"] % 1_000 for _, _, row in records[:far]) < 100
        assert min(row["size"] for _, _, row in records[far:]) >= 100
        drifted = [sequence for sequence, _, row in records if row["size"] >= 1_000]
        assert drifted == list(range(stormy[shard], calm[shard]))
    history = run("history", spec.stream, *at)
    assert [each["asked"] for each in history] == [
        "steer color=red",
        f"swap {later[:12]} --from {far}",
        "steer --reset",
        f"drift {STORM}",
        "drift --stop storm",
        "rate 8000",
        "drain",
    ]
    assert [sorted(shard["shard"] for shard in each["shards"]) for each in history] == [[0, 1, 2, 3]] * 7
    assert all("@" in each["by"] for each in history)
    assert "drain" in CliRunner().invoke(main, ["history", spec.stream, *at]).stdout
    again = ["replay", stream, "--to", f"{spec.topic}-again", "--shard", "2", "--start", str(far - 50)]
    assert run(*again, "--rows", "100", "--dry-run")["would_replay"] == 100
    assert run(*again, "--rows", "100")["replayed"] == 100
    assert rows(cluster, registry, f"{spec.topic}-again") == {2: found[2][far - 50 : far + 50]}
    again = ["replay", stream, "--to", f"{spec.topic}-stormy", "--shard", "1", "--start", str(stormy[1] - 20)]
    assert run(*again, "--rows", "60")["replayed"] == 60
    assert rows(cluster, registry, f"{spec.topic}-stormy") == {1: found[1][stormy[1] - 20 : stormy[1] + 40]}
    for how in ([], ["--dry-run"]):
        assert "has published records 0 to" in run(*again, "--rows", 10**6, *how, code=2)
    assert "shards 0 to 3" in run("replay", stream, "--to", "x", "--shard", "4", "--rows", "1", code=2)
    assert "is the topic the stream publishes to" in run(
        "replay", stream, "--to", spec.topic, "--shard", "1", "--rows", "1", code=2
    )


def test_what_makes_no_sense_is_refused_before_anything_is_sent(stream: Path) -> None:
    assert "give RATE, or pass --reset" in run("rate", stream, code=2)
    assert "give RATE, or pass --reset" in run("rate", stream, "5", "--reset", code=2)
    assert "name COLUMN=VALUE, --shares or --boost, or pass --reset" in run("steer", stream, code=2)
    assert "color: expected COLUMN=VALUE" in run("steer", stream, "color", code=2)
    assert "name the artifact's FOLDER, or pass --back" in run("swap", stream, code=2)
