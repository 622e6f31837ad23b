"""An alarm that acts on its stream, on a real broker: a drift pauses it, once, and all of it is written down.

stream_app.watching.responder, stream_app.watching.deeds and stream_app.monitoring, as `synthstream monitor` runs them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from connectors.kafka import Cluster, Inbox
from generators.artifact import Artifact, load_artifact
from schemas.stream import load
from stream_app import assemble, monitoring
from stream_app.cli import main
from stream_app.settings import Place
from stream_app.watching.judging import Judging
from stream_app.watching.merged import Merged
from stream_app.watching.responder import Responder
from stream_app.watching.watch import Watch
from tests.kafka.worker_process import PATIENCE_S, WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

STORM = "{name: storm, kind: shift, column: size, start_records: 0, by: 1000.0, share: 0.5}"
ODD = "{name: odd, kind: unseen, column: color, start_records: 0, share: 0.5}"
RULES = [{"rule": "allowed", "column": "color", "values": ["red", "green", "blue"]}]
ON_ALARM = [
    {"metric": "violation_rate", "do": "quarantine"},
    {"metric": "ks", "do": "previous"},
    {"metric": "ks", "column": "size", "do": "rate", "rate_per_s": 400},
]


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, (done.stdout, done.stderr, done.exception)
    return json.loads(done.stdout)


@pytest.fixture
def watched(stream: Path) -> Path:
    form = yaml.safe_load(stream.read_text())
    monitor = {"window_s": 1, "pane_s": 0.25, "allowed_lateness_s": 0.5, "min_records": 100, "on_alarm": ON_ALARM}
    stream.write_text(yaml.safe_dump({**form, "rules": RULES, "quarantine": {}, "monitor": monitor}))
    return stream


@pytest.fixture
def outside(watched: Path) -> Iterator[assemble.Outside]:
    spec = load(watched)
    with assemble.reached(Place(str(spec.bootstrap), str(spec.registry))) as reached:
        yield reached


class Monitor:
    """A monitor with its responder, stepped by hand."""

    def __init__(self, judging: Watch | Merged, responder: Responder | None) -> None:
        assert responder is not None
        self.judging, self.responder = judging, responder

    def until(self, condition: Callable[[Judging], bool], beside: Callable[[], object] = lambda: None) -> None:
        """Watch until something holds and all is told."""
        deadline = time.monotonic() + PATIENCE_S
        while not (condition(self.judging) and self.responder.idle):
            beside()
            self.judging.step()
            self.responder.see(self.judging)
            assert time.monotonic() < deadline


def has_drifted(judging: Judging) -> bool:
    return "drift_ks" in {alarm.subject.metric for alarm in judging.ongoing.all}


def told(cluster: Cluster, topic: str) -> list[dict[str, Any]]:
    inbox, found = Inbox(cluster, topic), list[dict[str, Any]]()
    while not inbox.at_end():
        found += (json.loads(value or b"") for value in inbox.poll(1_000, 0.2).values)
    inbox.close()
    return found


def test_alarms_act_on_their_stream_once_and_say_so(watched: Path, outside: assemble.Outside) -> None:
    spec, at = load(watched), ["--bootstrap", outside.cluster.bootstrap]
    artifact = load_artifact(Path(str(spec.artifact)))
    notes: list[tuple[str, str]] = []

    def monitor() -> Monitor:
        judging = monitoring.watch(spec, artifact, outside, "latest")
        return Monitor(
            judging, monitoring.responder(spec, artifact, outside, judging, lambda *note: notes.append(note))
        )

    with WorkerProcess(watched, "--processes", "1") as worker:
        worker.wait_for("shards assigned")
        first, other = monitor(), monitor()
        first.until(lambda judging: len(judging.memory.verdicts) > 2)
        assert notes == []
        run("drift", watched, ODD)
        first.until(lambda judging: "over" in dict(notes))  # kept out, it is broken no more
        run("drift", watched, STORM)
        first.until(has_drifted)
        other.until(has_drifted)
        run("drift", watched, "--stop", "odd")
        run("hold", watched, "allowed:color", "--stop")
        again = monitor()
        again.until(lambda judging: judging.live)
        status, history = run("status", spec.stream, *at), run("history", spec.stream, *at)
        worker.stop()
    for each in (first, other, again):
        each.responder.close()
    done = {(row["do"], row["stage"]) for row in status["responses"]}
    assert done == {("quarantine", "accepted"), ("previous", "refused"), ("rate 400", "accepted")}
    assert status["state"] == "running"
    assert {shard["rate_per_s"] for shard in status["shards"]} == {100}
    assert history[-1]["asked"] == "hold allowed:color --stop"
    by_alarm = [each for each in history if each["by"].startswith("alarm ")]
    assert [(each["asked"], len(each["shards"])) for each in by_alarm] == [("quarantine", 4), ("rate 400", 4)]
    records = told(outside.cluster, f"{spec.stream}.responses")
    assert [each["stage"] for each in records].count("told") == 2
    kept_out = next(each for each in records if each["do"] == "quarantine" and each["stage"] == "accepted")
    assert kept_out["command"] in {each["command"] for each in records if each["stage"] == "told"}
    assert (kept_out["alarm"]["column"], len(kept_out["positions"])) == ("allowed:color", 4)
    said = [stage for stage, _ in notes]
    assert (said.count("accepted"), said.count("refused"), said.count("failed")) == (2, 1, 0)
    assert b'synthstream_alarm_responses_total{outcome="accepted"' in first.judging.judges.exporter.render()


def test_a_judge_that_adds_up_acts_like_a_reader(watched: Path, outside: assemble.Outside) -> None:
    spec = load(watched)
    artifact: Artifact = load_artifact(Path(str(spec.artifact)))
    with WorkerProcess(watched, "--processes", "1") as worker:
        worker.wait_for("shards assigned")
        counting = monitoring.member(spec, artifact, outside, "latest")
        judging = monitoring.merged(spec, artifact, outside)
        responder = monitoring.responder(spec, artifact, outside, judging, lambda stage, text: None)
        monitor = Monitor(judging, responder)
        monitor.until(lambda judging: len(judging.memory.verdicts) > 2, counting.step)
        run("drift", watched, STORM)
        monitor.until(has_drifted, counting.step)
        rows = run("status", spec.stream, "--bootstrap", outside.cluster.bootstrap)["responses"]
        assert {row["do"] for row in rows} == {"previous", "rate 400"}
        again = monitoring.merged(spec, artifact, outside)  # reads all of it once more, and does nothing twice
        other = Monitor(again, monitoring.responder(spec, artifact, outside, again, lambda stage, text: None))
        other.until(lambda judging: judging.live)
        worker.stop()
        counting.close()
        for each in (monitor, other):
            each.responder.close()
    stages = [each["stage"] for each in told(outside.cluster, f"{spec.stream}.responses")]
    assert stages.count("told") == 1
