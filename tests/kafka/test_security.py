"""TLS, mutual TLS and SASL on a real broker and a registry with a log-in; and no secret anywhere outside them.

Everything is logged while they run: the worker and the monitor in processes of their own, as users run them.
"""

from __future__ import annotations

import base64
import json
import logging
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from click.testing import CliRunner, Result

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import READ_UNCOMMITTED, Inbox, list_topics
from stream_app.cli import main
from stream_app.settings import BOOTSTRAP_VARIABLE, CONNECTION_VARIABLE, REGISTRY_VARIABLE
from tests.kafka.conftest import MISSING
from tests.kafka.secured import (
    PASSWORD,
    REGISTRY_PASSWORD,
    REGISTRY_USER,
    SECRETS,
    Secured,
    secured_broker,
)
from tests.kafka.worker_process import PATIENCE_S, WorkerProcess

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(MISSING), reason=f"missing: {' '.join(MISSING)}"),
]

AT_MOST_S = 10.0
"""A command that can not reach broker or registry says so within this time."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture(scope="module")
def registry(broker: Secured) -> Iterator[EmbeddedRegistry]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(broker.file("server.pem"))
    login = base64.b64encode(f"{REGISTRY_USER}:{REGISTRY_PASSWORD}".encode()).decode()
    with EmbeddedRegistry(tls=tls, authorization=f"Basic {login}") as registry:
        yield registry


@pytest.fixture
def form(broker: Secured, registry: EmbeddedRegistry, folder: Path) -> dict[str, Any]:
    """A stream's file as a mapping, its secrets written down: over SASL_SSL, the registry's user in its URL."""
    name = f"s{uuid.uuid4().hex[:12]}"
    return {
        "stream": name,
        "topic": f"{name}-data",
        "artifact": str(folder),
        "rate_per_s": 2_000,
        "shards": 2,
        "bootstrap": broker.sasl,
        "registry": registry.url.replace("://", f"://{REGISTRY_USER}:{REGISTRY_PASSWORD}@"),
        "kafka": broker.by_password(),
        "registry_settings": {"ssl.ca.location": broker.file("ca.pem")},
    }


def written(form: Mapping[str, Any], folder: Path) -> Path:
    path = folder / f"{uuid.uuid4().hex}.yaml"
    path.write_text(yaml.safe_dump(dict(form)))
    return path


class Heard:
    """Runs commands and keeps everything they say."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Result:
        """Run a command with everything logged."""
        around = dict.fromkeys((BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE, CONNECTION_VARIABLE)) | dict(environment or {})
        handlers, level = list(logging.root.handlers), logging.root.level
        try:
            done = CliRunner().invoke(main, ["--log-level", "debug", *arguments], env=around)
        finally:
            logging.root.handlers, logging.root.level = handlers, level
        self.texts += [done.stdout, done.stderr]
        return done

    def ask(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
        """The answer of a command that does well."""
        done = self.run(*arguments, "--json", environment=environment)
        assert done.exit_code == 0, (done.stdout, done.stderr, done.exception)
        return json.loads(done.stdout)

    def check(self) -> None:
        """No secret was said."""
        for text in self.texts:
            for secret in SECRETS:
                assert secret not in text


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()
    yield heard
    heard.check()
    assert any(heard.texts)


def everything_on(broker: Secured) -> bytes:
    """All that lies on all topics: keys, values and headers."""
    found: list[bytes] = []
    for topic in list_topics(broker.plain):
        inbox = Inbox(broker.plain, topic, isolation=READ_UNCOMMITTED)
        while not inbox.at_end():
            polled = inbox.poll(10_000, 0.1)
            for row, value in enumerate(polled.values):
                found += [value or b"", polled.keys[row] or b"", repr(polled.headers[row]).encode()]
        inbox.close()
    return b"\n".join(found)


def arguments_of(worker: WorkerProcess) -> str:
    """The command lines of a worker and its generator processes."""
    tasks = Path(f"/proc/{worker.pid}/task").glob("*/children")
    children = [pid for task in tasks for pid in task.read_text().split()]
    assert children
    return " ".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in (worker.pid, *children))


def test_a_streams_whole_life_by_password_and_no_secret_anywhere(
    broker: Secured, form: dict[str, Any], heard: Heard, tmp_path: Path
) -> None:
    stream, name = str(written(form, tmp_path)), form["stream"]
    kafka = form["kafka"] | {"sasl.password": "${KAFKA_PASSWORD}"}
    settings = form["registry_settings"] | {"basic.auth.user.info": f"{REGISTRY_USER}:${{REGISTRY_PASSWORD}}"}
    url = form["registry"].replace(f"{REGISTRY_USER}:{REGISTRY_PASSWORD}@", "")
    where = {"bootstrap": broker.sasl, "registry": url, "kafka": kafka, "registry_settings": settings}
    around = {CONNECTION_VARIABLE: str(written(where, tmp_path))}
    around |= {"KAFKA_PASSWORD": PASSWORD, "REGISTRY_PASSWORD": REGISTRY_PASSWORD}

    def ask(*arguments: str) -> Any:
        return heard.ask(*arguments, environment=around)

    once = f"{name}-once"
    assert ask("publish", form["artifact"], "--topic", once, "--count", "200", "--rate", "max")["published"] == 200
    rows = heard.run("consume", "--topic", once, "--count", "200", environment=around)
    assert len(rows.stdout.splitlines()) == 200
    with WorkerProcess(Path(stream), "--processes", "1", level="debug") as worker:
        worker.wait_for("shards assigned")
        deadline = time.monotonic() + PATIENCE_S
        while ask("status", name)["published"] == 0:
            assert time.monotonic() < deadline, worker.said
        assert ask("pause", stream)["acknowledged"] == 2
        assert ask("rate", stream, "4000")["acknowledged"] == 2
        assert ask("resume", stream)["acknowledged"] == 2
        heard.texts += [watched(stream), arguments_of(worker)]
        assert ask("stop", stream)["acknowledged"] == 2
        worker.stop()
        heard.texts.append(worker.said)
    assert name in ask("list")
    said = ask("describe", name)["spec"]
    assert said["kafka"] == form["kafka"] | {"sasl.password": "***"}
    assert said["registry"] == url
    everything = everything_on(broker).decode("latin-1")
    assert f'"stream": "{name}"' in everything
    heard.texts.append(everything)
    assert set(ask("delete", name, "--yes", "--data")["deleted"]) > {form["topic"]}


def watched(stream: str) -> str:
    """What a monitor prints, logs and serves while it watches."""
    command = [sys.executable, "-m", "stream_app", "--log-level", "debug", "monitor", stream]
    command += ["--port", "0", "--from-start", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout is not None
        try:
            first = monitor.stdout.readline()
            page = json.loads(first)["page"]
            deadline = time.monotonic() + PATIENCE_S
            while json.loads(state := fetched(f"{page}/api/state"))["totals"]["monitored"] == 0:
                assert time.monotonic() < deadline
            metrics = fetched(f"{page}/metrics")
            assert fetched(f"{page}/")
        finally:
            monitor.terminate()
        rest, logged = monitor.communicate(timeout=PATIENCE_S)
        assert monitor.returncode == 0, logged
        assert json.loads(rest)["monitored"] > 0
    return "\n".join((first, rest, logged, state, metrics))


def fetched(url: str) -> str:
    with urlopen(url, timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("how", ["SSL", "PLAIN", "SCRAM-SHA-256"])
def test_workers_connect_in_every_way(
    broker: Secured, form: dict[str, Any], heard: Heard, tmp_path: Path, how: str
) -> None:
    if how == "SSL":
        form |= {"bootstrap": broker.tls, "kafka": broker.by_certificate()}
    else:
        form["kafka"] = broker.by_password(how)
    stream = written(form, tmp_path)
    with WorkerProcess(stream, "--processes", "1", level="debug") as worker:
        worker.wait_for("shards assigned")
        assert heard.ask("pause", str(stream))["acknowledged"] == 2
        worker.stop()
        heard.texts.append(worker.said)


def test_records_go_and_come_by_certificate(
    broker: Secured, form: dict[str, Any], heard: Heard, tmp_path: Path
) -> None:
    stream = str(written(form | {"bootstrap": broker.tls, "kafka": broker.by_certificate()}, tmp_path))
    assert heard.ask("publish", stream, "--count", "100")["published"] == 100
    rows = heard.run("consume", "--topic", form["topic"], environment={CONNECTION_VARIABLE: stream})
    assert len(rows.stdout.splitlines()) == 100


def faulty(fault: str, broker: Secured, form: dict[str, Any]) -> dict[str, Any]:
    """A stream's file with one thing wrong."""
    kafka, there = broker.by_password(), form["registry_settings"]
    stranger = broker.file("stranger.pem")
    wrong: dict[str, dict[str, Any]] = {
        "wrong password": {"kafka": kafka | {"sasl.password": "wrong"}},
        "unknown user": {"kafka": kafka | {"sasl.username": "nobody"}},
        "unknown authority": {"kafka": kafka | {"ssl.ca.location": stranger}},
        "no TLS": {"kafka": {}},
        "TLS to a plain port": {"bootstrap": broker.plain.bootstrap},
        "no certificate": {
            "bootstrap": broker.tls,
            "kafka": {"security.protocol": "SSL", "ssl.ca.location": broker.file("ca.pem")},
        },
        "wrong key password": {
            "bootstrap": broker.tls,
            "kafka": broker.by_certificate() | {"ssl.key.password": "wrong"},
        },
        "missing file": {"kafka": kafka | {"ssl.ca.location": "nowhere.pem"}},
        "unset variable": {"kafka": kafka | {"sasl.password": "${NO_SUCH_VARIABLE}"}},
        "registry: wrong password": {"registry": form["registry"].replace(REGISTRY_PASSWORD, "wrong")},
        "registry: unknown authority": {"registry_settings": there | {"ssl.ca.location": stranger}},
        "registry: missing file": {"registry_settings": there | {"ssl.ca.location": "nowhere.pem"}},
        "registry: no TLS": {"registry": form["registry"].replace("https", "http")},
    }
    return form | wrong[fault]


FAULTS = {
    "wrong password": (3, "do not trust each other (sasl_ssl://"),
    "unknown user": (3, "do not trust each other (sasl_ssl://"),
    "unknown authority": (3, "certificate verify failed"),
    "no TLS": (3, "it may expect TLS"),
    "TLS to a plain port": (3, "in state SSL_HANDSHAKE"),
    "no certificate": (3, "alert bad certificate"),
    "wrong key password": (2, "kafka settings: "),
    "missing file": (2, "kafka.ssl.ca.location=nowhere.pem: there is no such file"),
    "unset variable": (2, "kafka.sasl.password: ${NO_SUCH_VARIABLE} stands for nothing"),
    "registry: wrong password": (3, "refuses this client (Unauthorized"),
    "registry: unknown authority": (3, "CERTIFICATE_VERIFY_FAILED"),
    "registry: missing file": (2, "registry_settings.ssl.ca.location=nowhere.pem: there is no such file"),
    "registry: no TLS": (3, "does not answer"),
}


def refusal(heard: Heard, code: int, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """The one line a command says when it refuses."""
    began = time.monotonic()
    done = heard.run(*arguments, environment=environment)
    assert time.monotonic() - began < AT_MOST_S
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if " debug " not in line and " info " not in line]
    assert line.startswith("synthstream: ")
    return line


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_said_in_one_line_and_nothing_is_half_done(
    broker: Secured, form: dict[str, Any], heard: Heard, tmp_path: Path, fault: str
) -> None:
    stream = str(written(faulty(fault, broker, form), tmp_path))
    code, says = FAULTS[fault]
    before = list_topics(broker.plain)
    assert says in refusal(heard, code, "publish", stream, "--count", "10")
    assert list_topics(broker.plain) == before


@pytest.mark.parametrize(
    ("fault", "command"),
    [
        *(("wrong password", command) for command in ("worker", "monitor", "pause", "consume", "status")),
        *(("registry: wrong password", command) for command in ("worker", "monitor", "consume")),
    ],
)
def test_every_command_says_who_was_refused(
    broker: Secured, form: dict[str, Any], heard: Heard, tmp_path: Path, fault: str, command: str
) -> None:
    stream = str(written(faulty(fault, broker, form), tmp_path))
    arguments = {"consume": ("--topic", form["topic"]), "status": (form["stream"],)}.get(command, (stream,))
    before = list_topics(broker.plain)
    code, says = FAULTS[fault]
    assert says in refusal(heard, code, command, *arguments, environment={CONNECTION_VARIABLE: stream})
    assert list_topics(broker.plain) == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [("sasl.mechanism", "GSSAPI"), ("sasl.mechanism", "OAUTHBEARER"), ("ssl.keystore.location", "{folder}/client.key")],
)
def test_workers_refuse_what_their_control_path_can_not_follow(
    broker: Secured, form: dict[str, Any], heard: Heard, tmp_path: Path, setting: str, value: str
) -> None:
    form["kafka"] = form["kafka"] | {setting: value.format(folder=broker.folder)}
    said = refusal(heard, 2, "worker", str(written(form, tmp_path)))
    assert f"kafka.{setting}" in said
    assert "`synthstream publish`" in said
