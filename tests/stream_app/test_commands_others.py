"""`monitor`, `demo`, `broker` and `registry` through the command line, each ended as a user ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pyarrow as pa
import pytest

from generators import fitting
from stream_app.commands import broker, demo, monitor
from stream_app.demo import INCIDENT
from stream_app.web import Web
from tests.stream_app.conftest import Here
from tests.stream_app.shop import cli, lines, signalled

TERMINATE = (signal.SIGTERM, lambda number: os.kill(os.getpid(), number))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> Callable[[], bool]:
    """Whether somebody serves there."""

    def ask() -> bool:
        try:
            with urlopen(url, timeout=30) as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

    return ask


def monitored(url: str, records: int) -> Callable[[], bool]:
    """Whether the monitor that serves there is ready and has read that many records."""
    ready = answers(f"{url}/readyz")

    def ask() -> bool:
        if not ready():
            return False
        with urlopen(f"{url}/api/state", timeout=30) as answer:
            return bool(json.load(answer)["totals"]["monitored"] >= records)

    return ask


def test_monitor_judges_a_topic_until_it_is_told_to_stop(here: Here, folder: Path, tmp_path: Path) -> None:
    flags = ("--topic", "seen", "--count", 3_000, "--rate", 1_500, *here.flags)
    assert cli("publish", folder, *flags).exit_code == 0
    path, port = tmp_path / "s.yaml", free_port()
    where = f"bootstrap: {here.cluster.bootstrap}\nregistry: {here.registry}\n"
    windows = "monitor: {window_s: 0.5, pane_s: 0.1, allowed_lateness_s: 0.1, min_records: 100}\n"
    path.write_text(f"stream: s\ntopic: seen\nartifact: {folder}\n{where}{windows}rate_per_s: 1500\n")
    number, act = TERMINATE
    with signalled(number, monitored(f"http://127.0.0.1:{port}", 3_000), act):
        result = cli("monitor", path, "--port", port, "--from-start", "--json")
    assert result.exit_code == 0
    served, said = map(json.loads, result.stdout.splitlines())
    assert served["metrics"].endswith(f":{port}/metrics")
    assert (said["stream"], said["monitored"], said["alarms"]) == ("s", 3_000, 0)


def test_monitor_checks_a_stream_without_watching_it(here: Here, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: s\ntopic: t\nartifact: {folder}\nrules:\n- {{rule: not_null, column: colour}}\n")
    result = json.loads(cli("monitor", path, *here.flags, "--dry-run", "--json").stdout)
    assert result == {"stream": "s", "would_watch": "t", "rules": 1}
    counts = json.loads(cli("count", path, *here.flags, "--dry-run", "--json").stdout)
    assert counts == {"stream": "s", "would_count": result["would_watch"]}
    both = cli("monitor", path, *here.flags, "--merged", "--from-start")
    anew = cli("monitor", path, *here.flags, "--merged", "--anew")
    assert (anew.exit_code, "--merged: begins where counting began" in anew.stderr) == (2, True)
    assert (both.exit_code, "give --from-start to `synthstream count`" in both.stderr) == (2, True)
    refused = cli("monitor", path, "--bootstrap", "embedded")
    assert (refused.exit_code, len(lines(refused))) == (2, 1)
    assert "nothing publishes to a broker of our own" in refused.stderr
    strange = cli("monitor", path, *here.flags, "--dry-run", "--alertmanager", "pager:9093")
    assert (strange.exit_code, len(lines(strange))) == (2, 1)
    assert "alertmanager=pager:9093: expected a URL as in http://127.0.0.1:9093" in strange.stderr
    missing = cli("monitor", path, *here.flags)
    assert (missing.exit_code, len(lines(missing))) == (2, 1)
    assert "topic=t: does not exist" in missing.stderr
    assert monitor.HOST == "0.0.0.0"


def few_flights() -> pa.Table:
    rng, rows = np.random.Generator(np.random.PCG64(2)), 3_000
    delays = [str(int(d)) for d in rng.normal(5, 20, rows).round()]
    return pa.table(
        {
            "month": [str(m) for m in rng.integers(1, 13, rows)],
            "distance": [str(d) for d in rng.choice([200, 762, 1_400, 2_475], rows)],
            "origin": rng.choice(["EWR", "JFK", "LGA"], rows).tolist(),
            "carrier": rng.choice(["UA", "B6", "DL"], rows).tolist(),
            INCIDENT.column: delays,
        }
    )


def test_the_demo_trains_publishes_watches_and_sums_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "flights", few_flights)
    monkeypatch.setattr(fitting, "MOST_REFERENCE_ROWS", 100_000)
    result = cli("demo", "--seconds", "2.5", "--rate", 800, "--port", 0, "--json")
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert said == json.loads((tmp_path / "demo-summary.json").read_text())
    assert (said["trained_rows"], said["asked_rate_per_s"], said["violations"]) == (3_000, 800, 0)
    assert said["monitored"] == said["published"] >= 1_500
    assert (said["alarms_before_incident"], said["alarm_delay_s"], said["alarm_cleared"]) == (0, None, False)
    assert set(said) == {
        "trained_rows",
        "train_s",
        "first_record_s",
        "published",
        "monitored",
        "asked_rate_per_s",
        "measured_rate_per_s",
        "violations",
        "alarms_before_incident",
        "alarm_delay_s",
        "alarm_cleared",
    }


def test_a_demo_of_no_length_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seconds in ("0", "-1", "nan"):
        result = cli("demo", "--seconds", seconds)
        assert (result.exit_code, len(lines(result))) == (2, 1)
        assert "must be > 0" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_does_not_stop_the_demo() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo._served(Web(dict, bytes, bool), port) as served:
            assert not served.url.endswith(f":{port}")


def test_no_broker_runs_in_an_empty_folder(tmp_path: Path) -> None:
    status = json.loads(cli("broker", "status", "--folder", tmp_path, "--json").stdout)
    assert status == {"folder": str(tmp_path), "running": False, "bootstrap": None}
    assert json.loads(cli("broker", "down", "--folder", tmp_path, "--json").stdout)["stopped"] is False
    assert Path(".synthstream/kafka") == broker.FOLDER


def test_a_registry_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port = free_port()
    number, act = TERMINATE
    with signalled(number, answers(f"http://127.0.0.1:{port}/subjects"), act):
        result = cli("registry", "--port", port, "--folder", tmp_path / "kept", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"registry": f"http://127.0.0.1:{port}"})
    with socket.create_server(("127.0.0.1", port)):
        taken = cli("registry", "--port", port)
    assert (taken.exit_code, len(lines(taken))) == (3, 1)
    assert f"port={port}: can not serve a registry there" in taken.stderr
