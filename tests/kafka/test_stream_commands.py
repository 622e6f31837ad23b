"""The commands about streams that workers publish.

stream_app.commands.streams, stream_app.commands.control, stream_app.commands.worker, stream_app.commands.broker.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from connectors.kafka import Cluster, Inbox, Outbox, TopicShape, list_topics
from stream_app.cli import main
from stream_app.control import Acknowledgement
from stream_app.progress import Progress
from stream_app.schedule import starting
from stream_app.topics import Topics

pytestmark = pytest.mark.kafka


def run(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(main, arguments, input="n\n")
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return json.loads(done.stdout) if code == 0 else done.stderr


@pytest.fixture
def spec(cluster: Cluster, tmp_path: Path) -> Path:
    name = f"c{uuid.uuid4().hex[:12]}"
    path = tmp_path / "stream.yaml"
    form = {"stream": name, "topic": f"{name}-data", "shards": 2, "bootstrap": cluster.bootstrap}
    path.write_text(yaml.safe_dump(form))
    return path


@pytest.fixture
def begun(cluster: Cluster, spec: Path) -> Topics:
    form = yaml.safe_load(spec.read_text())
    topics = Topics(form["stream"], form["topic"], form["shards"])
    topics.create(cluster, TopicShape(topics.shards))
    outbox = Outbox(cluster, topics.artifacts, None)
    facts = {"spec": form, "artifact": {"identity": "abc"}}
    outbox.send_one(topics.artifacts, b"abc", json.dumps(facts).encode(), 0)
    for shard in range(topics.shards):
        progress = Progress(0, {}, 0, starting(10, shard, topics.shards, 0.0))
        outbox.send_one(topics.progress, str(shard).encode(), progress.to_bytes(), shard)
    outbox.flush()
    return topics


def test_a_stream_is_listed_described_and_deleted(cluster: Cluster, begun: Topics) -> None:
    at = ["--bootstrap", cluster.bootstrap, "--json"]
    assert begun.stream in run("list", *at)
    assert run("describe", begun.stream, *at)["spec"]["topic"] == begun.data
    status = run("status", begun.stream, *at)
    assert (status["state"], status["published"], len(status["shards"])) == ("running", 0, 2)
    of_readers = {begun.panes, begun.responses, begun.monitor, begun.advice}  # nobody has watched yet
    deleted = {*begun.own, begun.data} - of_readers
    assert set(run("delete", begun.stream, "--data", "--dry-run", *at)["would_delete"]) == deleted
    assert begun.stream in run("list", *at)
    assert "not deleted" in run("delete", begun.stream, *at, code=2)
    worker = Inbox(cluster, begun.ownership, group=begun.stream)
    while not worker.assignment:
        worker.poll(1, 0.1)
    assert "workers running: 1; end them" in run("delete", begun.stream, "--yes", *at, code=2)
    worker.close()
    run("delete", begun.stream, "--yes", *at)
    assert not set(begun.own) & set(list_topics(cluster))
    assert begun.data in list_topics(cluster)
    assert f"stream={begun.stream}: is not on" in run("status", begun.stream, *at, code=2)


def test_people_read_lines(cluster: Cluster, begun: Topics) -> None:
    at = ["--bootstrap", cluster.bootstrap]
    assert begun.stream in CliRunner().invoke(main, ["list", *at]).stdout
    assert "shard 1  published 0" in CliRunner().invoke(main, ["status", begun.stream, *at]).stdout


@pytest.mark.parametrize("verb", ["pause", "resume", "stop", "start"])
def test_a_command_says_what_it_would_tell(spec: Path, begun: Topics, verb: str) -> None:
    assert run(verb, str(spec), "--dry-run", "--json") == {
        "stream": begun.stream,
        "command": verb,
        "would_tell": [0, 1],
    }


def test_a_command_waits_for_every_shard(spec: Path, begun: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_app.commands.control.ANSWER_S", 0.1)
    silent = run("rate", str(spec), "500", "--json", code=3)
    assert "shards 0, 1: did not acknowledge" in silent

    def answered(*_: Any) -> dict[int, Acknowledgement]:
        return {shard: Acknowledgement("x", shard, 10 + shard) for shard in range(2)}

    monkeypatch.setattr("stream_app.commands.control.command", answered)
    told = run("rate", str(spec), "max", "--json")
    assert (told["acknowledged"], told["from_position"]) == (2, [10, 11])


def test_a_stream_nobody_began_can_not_be_told_anything(spec: Path, cluster: Cluster) -> None:
    assert f"no worker has begun it on {cluster.bootstrap}" in run("pause", str(spec), code=2)


def test_workers_need_a_broker_they_can_share(spec: Path) -> None:
    refused = run("worker", str(spec), "--bootstrap", "embedded", "--registry", "embedded", code=2)
    assert "bootstrap=embedded: workers share a broker" in refused
    assert "bootstrap=embedded: streams of workers live on a real broker" in run(
        "list", "--bootstrap", "embedded", code=2
    )
