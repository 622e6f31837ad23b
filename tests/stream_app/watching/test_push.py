"""Alarms told to an Alertmanager without a Prometheus between: stream_app.watching.pager, connectors.alertmanager."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

import pytest
import yaml

from connectors.alertmanager import Alertmanager
from monitors.alarms import Event
from monitors.alert_rules import alert_rules
from monitors.estimate import Estimate
from monitors.metric import Severity
from monitors.ongoing import OpenAlarms
from schemas.errors import InputError, ServiceError
from schemas.stream import from_mapping
from stream_app.watching.judging import Judging
from stream_app.watching.pager import FIRST_PAUSE_S, RESEND_S, VALID_S, Pager
from tests.stream_app.test_publishing_metrics import free_port
from tests.stream_app.watching import test_pager

pager = test_pager.pager
PROGRAM = "prometheus-alertmanager"
NOW_S = 1_767_272_400.0


def event(kind: Any = "opened", column: str = "price", severity: Severity = Severity.PAGE) -> Event:
    return Event(kind, severity, column, "drift_ks", 9, Estimate(0.2, 0.1, 0.3, 500), 5, 9, ())


@dataclass
class Judged:
    """As much of a monitor as the pager sees."""

    ongoing: OpenAlarms = field(default_factory=OpenAlarms)
    live: bool = True

    def took(self, *events: Event) -> Judging:
        """The monitor after some events."""
        self.ongoing.take(events)
        return cast(Judging, self)


@dataclass
class Told:
    """An Alertmanager that keeps what it is told, or fails."""

    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    fails: int = 0
    waits: threading.Event | None = None

    def post(self, alerts: Any) -> None:
        """Keep alerts."""
        if self.waits is not None:
            assert self.waits.wait(30)
        if self.fails > 0:
            self.fails -= 1
            raise ServiceError("alertmanager=u: does not answer")
        self.posts.append(alerts)


@dataclass
class Scene:
    """A pager with hands on everything it meets."""

    told: Told
    counts: list[str]
    now_s: list[float]
    pager: Pager

    def settle(self, judging: Judging) -> list[dict[str, Any]]:
        """Have it look until it has told all it wants to now; what the newest post said."""
        for _ in range(3):
            self.pager.see(judging)
            if self.pager._telling is not None:
                self.pager._telling[0].exception(10)
        return self.told.posts[-1] if self.told.posts else []


@pytest.fixture
def scene() -> Iterator[Scene]:
    told, counts, now_s = Told(), list[str](), [NOW_S]
    pager = Pager(told.post, "orders", counts.append, lambda: now_s[0])
    yield Scene(told, counts, now_s, pager)
    pager.close()


def test_an_alarm_is_told_as_the_rules_for_prometheus_would_have_it(scene: Scene) -> None:
    (alert,) = scene.settle(Judged().took(event()))
    rules = [rule for group in yaml.safe_load(alert_rules())["groups"] for rule in group["rules"]]
    name = "SynthstreamNumberDrift"
    (rule,) = (r for r in rules if r.get("alert") == name and r["labels"]["severity"] == "page")
    about = {"stream": "orders", "metric": "drift_ks", "column": "price"}
    assert alert["labels"] == {"alertname": name, **rule["labels"], **about}
    summary = rule["annotations"]["summary"].replace("{{ $labels.column }}", "price")
    assert alert["annotations"].pop("summary") == summary.replace("{{ $labels.stream }}", "orders")
    assert alert["annotations"].pop("runbook_url") == rule["annotations"]["runbook_url"]
    assert alert["annotations"] == {"description": "drift_ks 0.2 [0.1, 0.3], n 500"}
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-01-01T13:00:00.000+00:00", "2026-01-01T13:04:00.000+00:00")


def test_it_is_told_at_once_again_while_it_is_open_and_once_when_it_is_over(scene: Scene) -> None:
    judged = Judged()
    scene.settle(judged.took())
    assert scene.told.posts == []
    scene.settle(judged.took(event()))
    scene.now_s[0] += RESEND_S - 1
    scene.settle(judged.took())
    assert len(scene.told.posts) == 1
    scene.now_s[0] += 1
    (again,) = scene.settle(judged.took())
    assert (len(scene.told.posts), again["startsAt"]) == (2, scene.told.posts[0][0]["startsAt"])
    assert VALID_S > 2 * RESEND_S
    scene.now_s[0] += 5
    (over,) = scene.settle(judged.took(event("cleared")))
    assert over["labels"] == again["labels"]
    assert over["endsAt"] == "2026-01-01T13:01:05.000+00:00"
    assert (len(scene.told.posts), scene.pager.idle) == (3, True)
    scene.now_s[0] += 2 * RESEND_S
    scene.settle(judged.took())
    assert (len(scene.told.posts), scene.counts) == (3, ["accepted"] * 3)


def test_a_warning_that_is_raised_is_over_and_a_page_begins(scene: Scene) -> None:
    judged = Judged()
    scene.settle(judged.took(event(severity=Severity.WARNING), event(column="pieces")))
    scene.now_s[0] += 1
    alerts = scene.settle(judged.took(event("raised")))
    now = "2026-01-01T13:00:01.000+00:00"
    said = {(a["labels"]["column"], a["labels"]["severity"]): a["endsAt"] == now for a in alerts}
    assert said == {("price", "warning"): True, ("price", "page"): False, ("pieces", "page"): False}


def test_what_it_did_not_take_is_told_again_and_the_monitor_never_waits(scene: Scene) -> None:
    judged = Judged()
    scene.told.fails, scene.told.waits = 2, threading.Event()
    opened = judged.took(event())
    scene.pager.see(opened)
    scene.pager.see(opened)  # comes back although it is being told
    scene.told.waits.set()
    for pause_s in (FIRST_PAUSE_S, 2 * FIRST_PAUSE_S):
        scene.settle(opened)
        assert scene.told.posts == []
        scene.now_s[0] += pause_s
    scene.settle(opened)
    assert (len(scene.told.posts), scene.counts) == (1, ["failed", "failed", "accepted"])
    scene.told.fails = 1
    scene.settle(judged.took(event("cleared")))
    assert not scene.pager.idle
    scene.now_s[0] += FIRST_PAUSE_S
    scene.settle(judged.took())
    assert (len(scene.told.posts), scene.pager.idle) == (2, True)


def test_nothing_is_said_of_a_past_that_is_only_read(scene: Scene) -> None:
    judged = Judged(live=False)
    scene.settle(judged.took(event(), event(column="pieces")))
    scene.settle(judged.took(event("cleared")))
    assert scene.told.posts == []
    judged.live = True
    assert [alert["labels"]["column"] for alert in scene.settle(judged.took())] == ["pieces"]


class _Asked(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast(Any, self.server).asked.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(400 if b"bad" in body else 200)
        self.end_headers()
        self.wfile.write(b"no such label" if b"bad" in body else b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_client_says_what_is_wrong_and_never_the_password() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Asked) as server:
        asked: list[tuple[str, str | None, Any]] = []
        cast(Any, server).asked = asked
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        at = f"127.0.0.1:{server.server_port}"
        client = Alertmanager(f"http://me:hunter%3A2@{at}/under/")
        client.post([{"labels": {"alertname": "a"}}])
        with pytest.raises(ServiceError, match=rf"alertmanager=http://{at}/under: refused the alerts \(400\): no such"):
            client.post([{"labels": {"bad": "1"}}])
        server.shutdown()
        thread.join()
    basic = "Basic bWU6aHVudGVyOjI="
    assert [(path, user) for path, user, _ in asked] == [("/under/api/v2/alerts", basic)] * 2
    with pytest.raises(ServiceError, match=r"alertmanager=http://127\.0\.0\.1:1: does not answer: ") as silent:
        Alertmanager("http://me:hunter2@127.0.0.1:1", 0.5).post([])
    assert "hunter2" not in str(silent.value)


@pytest.mark.parametrize("url", ["localhost:9093", "ftp://a", "http://", "9093", "http://[::1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"expected a URL as in http://127\.0\.0\.1:9093"):
        Alertmanager(url)


def test_a_stream_that_is_shown_does_not_show_the_password() -> None:
    form = {"stream": "s", "topic": "t", "monitor": {"alertmanager": "https://me:hunter2@pager:9093"}}
    spec = from_mapping(form, Path())
    assert spec.monitor.alertmanager == "https://me:hunter2@pager:9093"
    assert "hunter2" not in spec.model_dump_json() + repr(spec)
    assert json.loads(spec.model_dump_json())["monitor"]["alertmanager"] == "https://pager:9093"


def test_what_is_no_url_is_refused_with_the_stream_and_not_shown() -> None:
    with pytest.raises(InputError, match=r"^monitor\.alertmanager: expected a URL as in http://127") as fault:
        from_mapping({"stream": "s", "topic": "t", "monitor": {"alertmanager": "me:hunter2@pager:9093"}}, Path())
    assert "hunter2" not in str(fault.value)
    referred = {"stream": "s", "topic": "t", "monitor": {"alertmanager": "${PAGER}"}}
    assert from_mapping(referred, Path()).monitor.alertmanager == "${PAGER}"


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"not installed: {PROGRAM}")
def test_the_real_alertmanager_pages_and_hears_that_it_is_over(tmp_path: Path, pager: test_pager.Pager) -> None:
    port = free_port()
    client, judged = Alertmanager(f"http://127.0.0.1:{port}"), Judged()

    def active() -> list[dict[str, Any]]:
        with urlopen(f"{client.url}/api/v2/alerts", timeout=30) as answer:
            return list(json.load(answer))

    with ExitStack() as stack:
        stack.enter_context(
            test_pager.running(test_pager.alertmanager(tmp_path, port, pager), tmp_path / "alertmanager.log")
        )
        telling = Pager(client.post, "orders", lambda outcome: None)
        stack.callback(telling.close)

        def told(*events: Event) -> None:
            judging = judged.took(*events)

            def heard() -> bool:
                telling.see(judging)
                return telling.idle

            until(heard)

        told(event(), event(column="pieces", severity=Severity.WARNING))
        until(pager.paged.is_set)
        (paged,) = (alert for alert in pager.alerts if alert["labels"]["severity"] == "page")
        assert paged["status"] == "firing"
        assert (paged["labels"]["alertname"], paged["labels"]["column"]) == ("SynthstreamNumberDrift", "price")
        assert paged["annotations"]["runbook_url"] == "docs/alerts.md#synthstreamnumberdrift"
        assert {alert["labels"]["column"] for alert in active()} == {"price", "pieces"}
        told(event("cleared"))
        until(lambda: {alert["labels"]["column"] for alert in active()} == {"pieces"})
        told(event("cleared", "pieces", Severity.WARNING))
        until(lambda: active() == [])
