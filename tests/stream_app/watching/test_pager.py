"""From a record that drifted to the pager: the real Prometheus scrapes, the real Alertmanager calls a webhook."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from generators.artifact import save
from stream_app import assemble, demo, monitoring
from stream_app.publish import Clock
from stream_app.settings import Place
from stream_app.watching.timeline import Timeline
from stream_app.web import Web, app, serve
from tests.stream_app.shop import storm, trained
from tests.stream_app.test_publishing_metrics import free_port

PROGRAMS = ("prometheus", "prometheus-alertmanager")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
DEPLOY = Path(__file__).parents[3] / "deploy"
SECONDS, INCIDENT_S = 30.0, (6.0, 14.0)


class Pager(ThreadingHTTPServer):
    """A webhook that keeps what it is told of."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.paged = threading.Event()
        super().__init__(("127.0.0.1", 0), _Heard)

    @property
    def drifts(self) -> list[dict[str, Any]]:
        """The pages about a number that drifts; one that drifts far also burns the budget of fidelity."""
        wanted = {"alertname": "SynthstreamNumberDrift", "severity": "page"}
        return [alert for alert in self.alerts if wanted.items() <= alert["labels"].items()]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alerts"


class _Heard(BaseHTTPRequestHandler):
    server: Pager

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.alerts += told["alerts"]
        if self.server.drifts:
            self.server.paged.set()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pager() -> Iterator[Pager]:
    with Pager() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def configured(name: str, folder: Path, **changes: Any) -> Path:
    """A program's deployed configuration with some of it changed, in a folder of its own."""
    form = {**yaml.safe_load((DEPLOY / name).read_text()), **changes}
    path = folder / Path(name).name
    path.write_text(yaml.safe_dump(form))
    return path


def alertmanager(folder: Path, port: int, pager: Pager) -> list[str]:
    """The command that runs Alertmanager as it is deployed, but for whom it calls."""
    receivers = [{"name": name, "webhook_configs": [{"url": pager.url}]} for name in ("page", "warning")]
    config = configured("alertmanager/alertmanager.yml", folder, receivers=receivers)
    flags = [f"--config.file={config}", f"--storage.path={folder / 'alerts'}", "--cluster.listen-address="]
    return ["prometheus-alertmanager", *flags, f"--web.listen-address=127.0.0.1:{port}"]


def prometheus(folder: Path, port: int, managed: int, scraped: str) -> list[str]:
    """The command that runs Prometheus with the deployed rules, looking every second."""
    config = configured(
        "prometheus/prometheus.yml",
        folder,
        **{"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}},
        rule_files=[str(DEPLOY / "prometheus/alerts.yml")],
        alerting={"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{managed}"]}]}]},
        scrape_configs=[{"job_name": "monitor", "static_configs": [{"targets": [scraped.removeprefix("http://")]}]}],
    )
    flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'series'}"]
    return ["prometheus", *flags, f"--web.listen-address=127.0.0.1:{port}"]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    """A program that runs meanwhile, and is still running at the end."""
    with log.open("wb") as told, subprocess.Popen(command, stdout=told, stderr=told) as process:
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_a_drift_reaches_the_pager(tmp_path: Path, pager: Pager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "INCIDENT", storm("price", 30).drift)
    monkeypatch.setattr(demo, "INCIDENT_S", INCIDENT_S)
    save(trained(), tmp_path / "artifact")
    spec = demo.demo_spec(tmp_path / "artifact", 2_000).model_copy(update={"rules": ()})
    managed = free_port()
    with ExitStack() as stack:
        outside = stack.enter_context(assemble.reached(Place("embedded", "embedded")))
        clock = Clock()
        job = assemble.publishing(spec, trained(), outside, clock)
        watch = monitoring.watch(spec, trained(), outside, "earliest")
        shown = demo.Demo(job, watch, Timeline(), clock, lambda shard, late_s: None)
        web = Web(dict, watch.judges.exporter.render, lambda: True)
        page = stack.enter_context(serve(app(web), "127.0.0.1", 0))
        stack.enter_context(running(alertmanager(tmp_path, managed, pager), tmp_path / "alertmanager.log"))
        stack.enter_context(running(prometheus(tmp_path, free_port(), managed, page.url), tmp_path / "prometheus.log"))
        shown.run(SECONDS, pager.paged.is_set)
    assert pager.paged.is_set()
    assert demo.summary(shown, watch)["alarms_before_incident"] == 0
    assert {alert["labels"]["column"] for alert in pager.alerts if alert["labels"]["severity"] == "page"} == {"price"}
    page_alert = pager.drifts[0]
    assert page_alert["status"] == "firing"
    assert page_alert["labels"]["stream"] == spec.stream
    assert page_alert["annotations"]["runbook_url"] == "docs/alerts.md#synthstreamnumberdrift"
