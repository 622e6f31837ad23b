"""`compare` through the command line, on a broker in this process: how it ends, what it says, and what it refuses."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from connectors.kafka import Inbox, Outbox, Records
from connectors.registry import Registry
from monitors.bands import Band, ColumnVerdict, Verdict
from schemas.avro import avro_schema
from schemas.framing import FRAME_BYTES, frame
from stream_app import comparison
from stream_app.commands import compare
from stream_app.settings import Place
from stream_app.watching.comparing import Comparing
from tests.stream_app.conftest import Here
from tests.stream_app.production import AVRO, MARKER, Turn, real, synthetic
from tests.stream_app.shop import START_MS, Record, cli, lines, signalled, trained
from tests.stream_app.test_commands_others import TERMINATE, answers, free_port

SECONDS, RATE, PARTITIONS = 8, 1_000.0, 2
WINDOWS = ("--window", 2, "--windows-per-false-band", 100, "--from-start", "--port", 0, "--json")


def put(here: Here, topic: str, avro: Any, records: list[Record]) -> str:
    """Write records to a topic as if the last of them were due now, under a schema registered for it."""
    here.topic(topic, PARTITIONS)
    with Registry(here.registry) as registry:
        mark = frame(registry.register(f"{topic}-value", avro))
    outbox = Outbox(here.cluster, topic, None)
    later_ms = int(time.time() * 1_000 - START_MS) - SECONDS * 1_000
    for partition in range(PARTITIONS):
        mine = [record for record in records if record.partition == partition]
        values = Records.of([mark + record.value[FRAME_BYTES:] for record in mine])
        outbox.send(values, partition, np.array([record.timestamp_ms + later_ms for record in mine]))
    outbox.flush()
    return topic


@cache
def drawn() -> list[Record]:
    return synthetic(SECONDS, rate=RATE)


@pytest.fixture(scope="module")
def drawn_topic(here: Here) -> str:
    return put(here, "orders_synth", avro_schema(trained().schema), drawn())


@pytest.fixture(scope="module")
def calm(here: Here) -> str:
    return put(here, "orders", AVRO, real(SECONDS, rate=RATE))


@pytest.fixture(scope="module")
def dearer(here: Here) -> str:
    return put(here, "orders_dearer", AVRO, real(SECONDS, [Turn(0, dearer=25, new_colour=0.4)], rate=RATE))


def stream_file(folder: Path, at: Path, here: Here) -> Path:
    where = f"bootstrap: {here.cluster.bootstrap}\nregistry: {here.registry}\n"
    at.write_text(
        f"stream: shop\ntopic: orders_synth\nartifact: {folder}\n{where}monitor: {{allowed_lateness_s: 0.5}}\n"
    )
    return at


def test_a_topic_that_represents_ends_with_0(
    here: Here, folder: Path, tmp_path: Path, drawn_topic: str, calm: str
) -> None:
    path = stream_file(folder, tmp_path / "shop.yaml", here)
    result = cli("compare", "--real", calm, "--synthetic", path, "--once", *WINDOWS)
    assert result.exit_code == 0, result.stderr
    begun, ended = map(json.loads, result.stdout.splitlines())
    assert begun["metrics"] == f"{begun['page']}/metrics"
    assert begun["compared"] == ["price", "pieces", "colour", "paid", "plate"]
    assert begun["left_out"]["at"] == "array in orders, timestamp in the synthetic topic"
    assert (ended["stream"], ended["real"], ended["synthetic"]) == ("shop", "orders", "orders_synth")
    assert (ended["band"], ended["advised"], ended["foreign"]) == ("represents", 0, [])
    assert set(ended["columns"].values()) == {"represents"}


def test_one_that_does_not_ends_with_1_and_advice_on_its_topic(
    here: Here, folder: Path, tmp_path: Path, drawn_topic: str, dearer: str
) -> None:
    path = stream_file(folder, tmp_path / "shop.yaml", here)
    result = cli("compare", "--real", dearer, "--synthetic", path, "--once", "--after", 1, *WINDOWS)
    assert result.exit_code == 1, result.stderr
    _, advice, ended = map(json.loads, result.stdout.splitlines())
    assert {each["column"] for each in advice["columns"]} >= {"price"}
    assert advice["next"].endswith(f"--bootstrap {here.cluster.bootstrap} --registry {here.registry}")
    assert (ended["band"], ended["advised"]) == ("no longer represents", 1)
    inbox = Inbox(here.cluster, "shop.advice")
    (written,) = [json.loads(value or b"") for value in inbox.poll(1, 5.0).values]
    inbox.close()
    assert written == advice
    assert MARKER not in result.stdout + result.stderr
    assert "training anew is advised" in result.stderr


def test_a_topic_alone_is_compared_by_its_own_records_or_by_the_artifact_that_is_named(
    here: Here, folder: Path, drawn_topic: str, calm: str
) -> None:
    asked = ("compare", "--real", calm, "--synthetic", drawn_topic, *here.flags, "--dry-run", "--json")
    alone, named = (json.loads(cli(*asked, *more).stdout) for more in ((), ("--artifact", folder)))
    assert alone["compared"] == named["compared"] == ["price", "pieces", "colour", "paid", "plate"]
    assert (alone["stream"], named["stream"]) == ("orders_synth", "orders_synth")
    result = cli("compare", "--real", calm, "--synthetic", drawn_topic, *here.flags, "--once", "--for", 60, *WINDOWS)
    assert (result.exit_code, json.loads(result.stdout.splitlines()[-1])["band"]) == (0, "represents"), result.stderr


def test_it_watches_until_it_is_told_to_stop(here: Here, folder: Path, drawn_topic: str, dearer: str) -> None:
    port, (number, act) = free_port(), TERMINATE
    with signalled(number, answers(f"http://127.0.0.1:{port}/readyz"), act):
        flags = ("--window", 2, "--from-start", "--port", port, "--artifact", folder, "--without", "colour")
        result = cli("compare", "--real", dearer, "--synthetic", drawn_topic, *here.flags, *flags)
    assert result.exit_code == 0
    assert "left out as asked" in result.stdout


def test_production_may_live_on_another_cluster(
    here: Here, folder: Path, tmp_path: Path, drawn_topic: str, calm: str
) -> None:
    far = tmp_path / "far.yaml"
    far.write_text(f"bootstrap: {here.cluster.bootstrap}\nregistry: {here.registry}\nkafka: {{client.id: far}}\n")
    asked = ("compare", "--real", calm, "--synthetic", drawn_topic, "--artifact", folder, "--dry-run", "--json")
    environment = {"SYNTHSTREAM_BOOTSTRAP": here.cluster.bootstrap, "SYNTHSTREAM_REGISTRY": here.registry}
    for more in (("--real-connection", far), ("--real-bootstrap", here.cluster.bootstrap)):
        result = cli(*asked, *more, environment=environment)
        assert json.loads(result.stdout)["compared"] != [], result.stderr
    both = cli(*asked, "--real-connection", far, "--real-registry", here.registry, environment=environment)
    assert (both.exit_code, "leave out --real-bootstrap" in both.stderr) == (2, True)
    nowhere = cli(*asked, "--real-bootstrap", "127.0.0.1:1", environment=environment)
    assert (nowhere.exit_code, "127.0.0.1:1" in nowhere.stderr) == (3, True)


def test_what_is_not_said_of_the_real_topics_cluster_is_as_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    near = Place("near:1", "http://near", {"client.id": "me"}, {"timeout": 3})
    monkeypatch.delenv("SYNTHSTREAM_CONNECTION", raising=False)

    def far(bootstrap: str | None, registry: str | None) -> Place:
        return compare.Where("t", None, None, None, bootstrap, registry, None).far(near)

    assert far(None, None) == near
    assert far("far:1", None) == Place("far:1", "http://near", {}, {"timeout": 3})
    assert far(None, "http://far") == Place("near:1", "http://far", {"client.id": "me"}, {})


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--real", "gone", "--synthetic", "orders_synth"), "real=gone: the topic does not exist at 127.0.0.1"),
        (("--real", "orders", "--synthetic", "gone"), "synthetic=gone: is neither a stream's file nor a topic at 127"),
        (("--real", "orders_synth", "--synthetic", "orders_synth"), "is the synthetic topic itself"),
        (("--real", "orders", "--synthetic", "orders_synth", "--without", "wide"), "without=wide"),
        (("--real", "orders", "--synthetic", "orders_synth", "--lost", "0.01"), "0 < drifting < lost < 1"),
        (("--real", "orders", "--synthetic", "orders_synth", "--after", "0"), "after=0"),
        (("--real", "orders", "--synthetic", "orders_synth", "--bootstrap", "embedded"), "broker of our own"),
        (("--real", "orders", "--synthetic", "a b.yaml"), "synthetic=a b.yaml: is neither a stream's file nor"),
    ],
)
def test_what_can_not_be_compared_is_refused_in_one_line(
    here: Here, folder: Path, drawn_topic: str, calm: str, flags: tuple[str, ...], said: str
) -> None:
    result = cli("compare", *here.flags, *flags, "--artifact", folder)
    assert (result.exit_code, len(lines(result))) == (2, 1), result.stderr
    assert said in result.stderr


def test_a_stream_that_workers_announced_is_found_by_its_topic(
    here: Here, folder: Path, drawn_topic: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spec = {
        "stream": "shop",
        "topic": "orders_synth",
        "artifact": str(folder),
        "event_time": "at",
        "kafka": {"a": "***"},
    }
    monkeypatch.setattr(comparison, "known_streams", lambda cluster: ["other", "shop"])
    monkeypatch.setattr(comparison, "described", lambda cluster, name: {"spec": spec if name == "shop" else {}})
    found = comparison.announced("orders_synth", here.cluster)
    assert (found.stream, found.artifact, found.event_time, found.kafka) == ("shop", folder, "at", {})
    spec["artifact"] = "/nowhere"
    assert comparison.announced("orders_synth", here.cluster).artifact is None
    assert "the stream's artifact is not on this machine" in caplog.text
    spec["topic"] = "elsewhere"
    assert comparison.announced("orders_synth", here.cluster).stream == "orders_synth"
    assert compare.HOST == "0.0.0.0"


class Judged:
    """What has been compared, as far as its end depends on it."""

    verdict = Verdict({})


def test_it_ends_by_itself_at_a_verdict_or_after_so_long() -> None:
    judged, now_s = Judged(), [100.0]

    def reached(ends: compare.Ends) -> bool:
        return ends.reached(cast(Comparing, judged))

    long, once, never = (
        compare.Ends(at_once, for_s, lambda: now_s[0]) for at_once, for_s in ((False, 5.0), (True, None), (False, None))
    )
    assert not any(map(reached, (long, once, never)))
    judged.verdict = Verdict({"a": ColumnVerdict(Band.LOST)})
    assert list(map(reached, (long, once, never))) == [False, True, False]
    now_s[0] = 105.0
    assert list(map(reached, (long, once, never))) == [True, True, False]
