"""The whole path on the embedded broker, command by command.

Through stream_app.commands.train, stream_app.commands.sample, stream_app.commands.publish, stream_app.commands.consume,
stream_app.commands.spec, stream_app.commands.monitor, stream_app.commands.demo and what they stand on:
stream_app.options, stream_app.report, stream_app.watch.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from connectors.embedded import EmbeddedBroker
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox, Outbox, TopicShape, ensure_topic
from connectors.registry import Registry
from generators.artifact import Artifact, load_artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.keys import murmur2
from schemas.codec import Codec
from schemas.errors import InputError
from stream_app import assemble, demo
from stream_app.cli import main
from stream_app.incident import Incident
from stream_app.lineage import HEADER, INCIDENT_HEADER, parse
from stream_app.publish import Clock, Recipe, ShardPublisher, run
from stream_app.publishing_metrics import published_metrics
from stream_app.schedule import UNPACED, starting
from stream_app.settings import Place
from stream_app.snapshot import Snapshots
from stream_app.specs import stream_spec
from stream_app.timeline import Timeline

SHARDS = 3


def invoke(*arguments: object, code: int = 0) -> Any:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return json.loads(done.stdout) if code == 0 and "--json" in arguments else done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "orders.csv"
    rows = np.random.default_rng(1)
    lines = [
        f"{amount},{'paid' if amount % 3 else 'open'},2024-03-{1 + amount % 28:02d}T10:00:00Z"
        for amount in rows.integers(0, 60, 1_500).tolist()
    ]
    path.write_text("\n".join(["amount,state,placed", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(table: Path) -> Path:
    out = table.parent / "artifact"
    report = invoke("train", table, "--out", out, "--model", "tabular.marginals", "--json")
    assert (report["trained_rows"], report["columns"]) == (1_500, ["amount", "state", "placed"])
    return out


@pytest.fixture(scope="module")
def artifact(folder: Path) -> Artifact:
    return load_artifact(folder)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with EmbeddedBroker() as broker, EmbeddedRegistry() as registry:
        cluster = broker.cluster()
        for topic in ("orders", "alien", "drifting", "like"):
            ensure_topic(cluster, topic, TopicShape(SHARDS))
        yield Place(broker.bootstrap, registry.url)


def where(place: Place) -> list[str]:
    return ["--bootstrap", place.bootstrap, "--registry", place.registry]


def test_publish_sends_the_rows_that_sample_writes(folder: Path, place: Place, tmp_path: Path) -> None:
    count = ["--count", 5_001, "--shards", SHARDS, "--seed", 4]
    summary = invoke("publish", folder, "--topic", "orders", "--rate", "max", *count, *where(place), "--json")
    assert (summary["published"], summary["by_shard"]) == (5_001, [1_667] * 3)
    out = tmp_path / "orders.parquet"
    invoke("sample", folder, "--rows", 5_001, "--shards", SHARDS, "--seed", 4, "--out", out, "--json")
    lines = invoke("consume", "--topic", "orders", *where(place)).splitlines()
    sampled = [{**row, "placed": row["placed"].isoformat()} for row in pq.read_table(out).to_pylist()]
    assert sorted(map(json.dumps, sampled)) == sorted(json.dumps(json.loads(line)) for line in lines)


def test_a_range_of_a_shard_is_replayed(folder: Path, artifact: Artifact, tmp_path: Path) -> None:
    out = tmp_path / "range.parquet"
    picked = ["--shards", SHARDS, "--shard", 2, "--start", BLOCK_ROWS - 5, "--rows", 10, "--out", out]
    invoke("sample", folder, *picked, "--json")
    wanted = pa.Table.from_batches(Source(artifact, 0, 0, 2, SHARDS).rows(BLOCK_ROWS - 5, BLOCK_ROWS + 5))
    assert pq.read_table(out).to_pylist() == wanted.to_pylist()
    assert "needs --shard" in invoke("sample", folder, "--start", 1, "--rows", 1, "--out", out, code=2)
    assert "shard=3" in invoke("sample", folder, "--shards", 3, "--shard", 3, "--rows", 1, "--out", out, code=2)


def test_strange_records_are_counted_and_skipped(place: Place) -> None:
    outbox = Outbox(Cluster(place.bootstrap), "alien", None)
    outbox.send([b"not avro", b""], None, 0, [1, 2], [[], []])
    outbox.flush()
    done = CliRunner().invoke(main, ["consume", "--topic", "alien", *where(place)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "2 records on alien are not registered Avro" in done.stderr
    assert "topic=nowhere: does not exist" in invoke("consume", "--topic", "nowhere", *where(place), code=2)


ORIGINAL = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["open", "paid"]}},
        {"name": "amount", "type": ["int", "null"]},
    ],
}


def test_a_synthetic_topic_stands_in_for_another(table: Path, place: Place, tmp_path: Path) -> None:
    with Registry(place.registry) as registry:
        registry.register("production-value", ORIGINAL)
        out = tmp_path / "like"
        like = ["--like-topic", "production", *where(place), "--model", "tabular.marginals"]
        invoke("train", table, "--out", out, *like, "--json")
        rate = ["--rate", "max", "--count", 50, "--shards", SHARDS]
        invoke("publish", out, "--topic", "like", *rate, *where(place), "--json")
        assert registry.latest("like-value") == registry.latest("production-value")
    inbox = Inbox(Cluster(place.bootstrap), "like")
    values: list[bytes | None] = []
    while not inbox.at_end():
        values += inbox.poll(100, 0.1).values
    inbox.close()
    decoded = Codec(ORIGINAL).decode([value or b"" for value in values])
    assert decoded.batch.num_rows == 50
    assert set(decoded.batch.column("state").to_pylist()) <= {"open", "paid"}
    back = tmp_path / "back"
    report = invoke("train", "--from-topic", "like", "--rows", 50, "--out", back, *where(place), "--json")
    assert report["trained_rows"] == 50
    assert report["avro"] == ORIGINAL


def test_a_stream_is_written_checked_and_refused(table: Path, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    invoke("init", table, "--out", path, "--json")
    assert invoke("validate", path, "--json")["checked"] == "keys and rules"
    assert "exists already" in invoke("init", table, "--out", path, code=2)
    text = path.read_text().replace("artifact: orders", f"artifact: {folder}")
    path.write_text(text.replace("rules: []", "rules: [{rule: range, column: amount, low: 0}]"))
    assert invoke("validate", path, "--json")["rules"] == 1
    path.write_text(text.replace("rate_per_s", "rate_per_sec") + "shards: 0\n")
    told = invoke("validate", path, code=2)
    assert "did you mean rate_per_s?" in told


def test_inspect_and_models_tell_people_and_programs(folder: Path) -> None:
    assert "amount" in invoke("inspect", folder)
    assert invoke("inspect", folder, "--json")["reproducible_here"] is True
    assert set(invoke("models", "--json")) == {"tabular.copula", "tabular.marginals"}


class Box:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None, int, int, dict[str, Any]]] = []

    def send(self, values: Any, keys: Any, partition: int, timestamps_ms: Any, headers: Any) -> None:
        keys = [None] * len(values) if keys is None else keys
        for value, key, timestamp, marks in zip(values, keys, timestamps_ms, headers, strict=True):
            self.records.append((value, key, partition, timestamp, dict(marks)))


def recipe(artifact: Artifact, **changes: Any) -> Recipe:
    from schemas.avro import avro_schema  # noqa: PLC0415

    return Recipe(artifact, Codec(avro_schema(artifact.schema)), 1, 0, SHARDS, **changes)


class Ticks:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.ms = 1e12

    def clock(self) -> Clock:
        return Clock(lambda: self.ms, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.ms += seconds * 1_000


def test_the_loop_hands_over_every_record_once_at_its_time(artifact: Artifact) -> None:
    ticks, box = Ticks(), Box()
    publishers = [
        ShardPublisher(recipe(artifact), s, box, starting(2_000, s, SHARDS, ticks.ms), count=c)  # type: ignore[arg-type]
        for s, c in enumerate((4_500, 20, 7))
    ]
    late: list[float] = []
    run(lambda: publishers, lambda shard, late_s: late.extend(late_s.tolist()), lambda: False, ticks.clock())
    by_shard = {s: [r for r in box.records if r[2] == s] for s in range(SHARDS)}
    assert [len(by_shard[s]) for s in range(SHARDS)] == [4_500, 20, 7]
    assert len(late) == 4_527
    assert 0 <= min(late) <= max(late) < 0.01
    for shard, records in by_shard.items():
        marks = [parse(r[4][HEADER]) for r in records]
        assert [m.sequence for m in marks if m is not None] == list(range(len(records)))
        assert all(m is not None and (m.shard, m.artifact) == (shard, artifact.identity[:32]) for m in marks)
        assert all((murmur2_of(r[1]) & 0x7FFFFFFF) % SHARDS == shard for r in records)
        assert [r[3] for r in records] == starting(2_000, shard, SHARDS, 1e12).due_ms(np.arange(len(records))).tolist()


def murmur2_of(key: bytes | None) -> int:
    assert key is not None
    return int(murmur2(key))


def test_a_drift_and_a_change_of_rate_touch_what_comes_after_and_nothing_else(artifact: Artifact) -> None:
    plain, drifted = Box(), Box()
    incident = Incident("storm", "amount", 1_000)
    for box in (plain, drifted):
        publisher = ShardPublisher(recipe(artifact), 0, box, starting(UNPACED, 0, 1, 0.0), count=300)  # type: ignore[arg-type]
        publisher.prepare()
        if box is drifted:
            publisher.change(publisher.schedule.with_incident(100, incident).with_incident(200, None))
        while not publisher.done:
            publisher.publish_due(5.0)
    same = [a[0] == b[0] for a, b in zip(plain.records, drifted.records, strict=True)]
    assert same == [True] * 100 + [False] * 100 + [True] * 100
    assert [INCIDENT_HEADER in r[4] for r in drifted.records] == [False] * 100 + [True] * 100 + [False] * 100


def test_event_time_is_the_streams_clock(artifact: Artifact) -> None:
    box = Box()
    made = recipe(artifact, event_time="placed", keyed=False)
    publisher = ShardPublisher(made, 0, box, starting(10, 0, 1, 1e12), count=3)  # type: ignore[arg-type]
    publisher.publish_due(1e12 + 1_000)
    batch = made.codec.decode([r[0] for r in box.records]).batch
    times = [t.timestamp() for t in batch.column("placed").to_pylist() if t is not None]
    assert times == [1e9, 1e9 + 0.1, 1e9 + 0.2]
    assert {r[1] for r in box.records} == {None}
    with pytest.raises(InputError, match="event_time=amount: is a integer; choose a timestamp column"):
        recipe(artifact, event_time="amount")


def test_metrics_are_served_while_publishing() -> None:
    with published_metrics("orders", None) as quiet:
        quiet(0, np.array([0.1]))
    asked: queue.Queue[str] = queue.Queue()
    with pytest.MonkeyPatch.context() as patch:
        real = published_metrics.__wrapped__.__globals__["serve"]  # type: ignore[attr-defined]

        def serve(app: Any, host: str, port: int) -> Any:
            served = real(app, "127.0.0.1", port)
            asked.put(served.url)
            return served

        patch.setattr("stream_app.publishing_metrics.serve", serve)
        with published_metrics("orders", 0) as sent:
            url = asked.get(timeout=10)
            assert httpx.get(f"{url}/readyz").status_code == 503
            sent(1, np.array([0.002, 0.2]))
            assert httpx.get(f"{url}/readyz").status_code == 200
            text = httpx.get(f"{url}/metrics").text
    assert 'synthstream_records_published_total{shard="1",stream="orders"} 2.0' in text


def test_the_demos_drift_raises_its_alarm_and_clears(
    folder: Path, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "INCIDENT", Incident("storm", "amount", 30))
    monkeypatch.setattr(demo, "INCIDENT_S", (4.0, 7.0))
    spec = demo.demo_spec(folder, 2_000).model_copy(update={"rules": ({"rule": "not_null", "column": "state"},)})
    with assemble.reached(Place("embedded", "embedded")) as outside:
        clock, timeline = Clock(), Timeline()
        job = assemble.publishing(spec, artifact, outside, clock)
        watch = assemble.watch(spec, artifact, outside, "earliest")
        shown = demo.Demo(job, watch, timeline, clock, lambda shard, late_s: None)
        snapshots = Snapshots(assemble.about(spec, artifact, outside), watch, timeline, 0.1, shown.tally.by_shard)
        empty = snapshots.take()
        assert (empty["totals"]["monitored"], empty["series"]["t_s"], empty["records"]) == (0, [], [])
        shown.run(18.0, lambda: False)
        told = demo.summary(shown, watch)
        state = snapshots.take()
    assert told["published"] == told["monitored"] > 30_000
    assert told["alarms_before_incident"] == 0
    assert told["alarm_delay_s"] < 10
    assert told["alarm_cleared"] is True
    assert told["violations"] == 0
    assert abs(told["measured_rate_per_s"] - 2_000) < 20
    kinds = [entry["kind"] for entry in state["timeline"]]
    assert kinds[:2] == ["started", "incident_started"]
    assert {"alarm_opened", "incident_ended", "alarm_cleared"} <= set(kinds)
    (alarm, *_) = [a for a in state["alarms"] if a["column"] == "amount"]
    assert alarm["cleared_ms"] > alarm["opened_ms"]
    amount = next(c for c in state["columns"] if c["name"] == "amount")
    assert amount["primary"] == "ks"
    assert {"ks", "psi", "total_variation"} <= set(amount["metrics"])
    assert len(amount["cells"]["expected"]) == len(amount["cells"]["observed"]) == len(amount["cells"]["labels"])
    assert state["rules"][0]["violations"] == 0
    assert len(state["records"]) == 12
    shown.start_incident()
    with pytest.raises(InputError, match="one is under way"):
        shown.start_incident()


def test_monitor_watches_from_outside_and_ends_when_told(folder: Path, place: Place, tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(f"stream: orders\ntopic: orders\nartifact: {folder}\nshards: {SHARDS}\n")
    assert invoke("monitor", path, *where(place), "--dry-run", "--json")["would_watch"] == "orders"
    assert "bootstrap=embedded" in invoke("monitor", path, "--bootstrap", "embedded", code=2)
    timer = threading.Timer(3.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    out = invoke("monitor", path, *where(place), "--port", 0, "--from-start")
    timer.join()
    assert "monitored  5001" in out


def test_flags_come_before_the_environment_before_the_file(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("stream: s\ntopic: t\nrate_per_s: 5\nbootstrap: file:1\n")
    assert stream_spec(path, {"rate": UNPACED, "replication": 2}, {}).topic_settings.replication == 2
    assert stream_spec(path, {"rate": UNPACED}, {}).rate_per_s == "max"
    assert stream_spec(path, {}, {"SYNTHSTREAM_BOOTSTRAP": "env:1"}).bootstrap == "env:1"
    assert stream_spec(path, {"bootstrap": "flag:1"}, {"SYNTHSTREAM_BOOTSTRAP": "env:1"}).bootstrap == "flag:1"
    with pytest.raises(InputError, match="topic: none named"):
        stream_spec(folder, {}, {})
    with pytest.raises(InputError, match="does not exist"):
        stream_spec(tmp_path / "none", {}, {})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["publsh"], 2, "did you mean publish?"),
        (["publish", "x", "--topic", "t", "--rate", "0"], 2, "must be a number > 0 or max"),
        (["publish", "x", "--topic", "t", "--rate", "nan"], 2, "must be a number > 0 or max"),
        (["train", "--out", "x"], 2, "name either a file, or a topic"),
        (["train", "none.csv", "--out", "x"], 2, "none.csv"),
        (["train", "none.csv", "--out", "x", "--model", "tabular.copla"], 2, "did you mean tabular.copula"),
        (["train", "none.csv", "--out", "x", "--set", "epochs"], 2, "expected NAME=VALUE"),
        (["demo", "--seconds", "-1"], 2, "seconds=-1: must be > 0"),
    ],
)
def test_mistakes_get_one_line_and_no_traceback(arguments: list[str], code: int, words: str) -> None:
    told = invoke(*arguments, code=code)
    assert words in told
    assert len(told.strip().splitlines()) == 1
