"""`publish` and `consume` through the command line, on the embedded broker.

Covers stream_app.commands.publish.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from connectors.kafka import Inbox, Outbox, Records, list_topics, topic_partitions
from stream_app import assemble
from stream_app.commands import consume
from stream_app.lineage import DRIFT_HEADER, HEADER, WEIGHT_HEADER
from tests.stream_app.conftest import Here
from tests.stream_app.shop import cli, lines, signalled

OTHER = '{"type": "record", "name": "q", "fields": [{"name": "z", "type": "int"}]}'


def written(here: Here, topic: str) -> int:
    inbox = Inbox(here.cluster, topic)
    try:
        return sum(inbox.ends().values())
    finally:
        inbox.close()


def fails(said: str, *arguments: object, code: int = 2) -> None:
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    assert len(lines(result)) == 1, result.stderr
    assert said in result.stderr


def test_exactly_so_many_records_are_published_and_read_back(here: Here, folder: Path) -> None:
    here.topic("counted", 3)
    flags = ("--topic", "counted", "--shards", 3, "--count", 100, "--rate", "max", *here.flags)
    summary = json.loads(cli("publish", folder, *flags, "--json").stdout)
    assert (summary["published"], summary["by_shard"], summary["asked_rate_per_s"]) == (100, [34, 33, 33], "max")
    assert written(here, "counted") == 100
    shown = cli("consume", "--topic", "counted", *here.flags)
    assert (shown.exit_code, shown.stderr) == (0, "")
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == len({row["id"] for row in rows}) == 100
    assert {row["colour"] for row in rows} <= {"red", "green", "grün"}
    assert all(row["at"].endswith("+00:00") and len(row["day"]) == 10 for row in rows)


def test_weights_of_a_boost_travel_in_headers_that_consume_shows(here: Here, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    boost = "steer: {boost: {column: colour, value: grün, factor: 3}}"
    path.write_text(f"stream: boosted\ntopic: {here.topic('boosted', 2)}\nartifact: {folder}\nshards: 2\n{boost}\n")
    result = cli("publish", path, "--rate", "max", "--count", 2_000, *here.flags)
    assert result.exit_code == 0, result.stderr
    shown = cli("consume", "--topic", "boosted", "--headers", *here.flags)
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(records) == 2_000
    assert {tuple(record) for record in records} == {("key", "headers", "value")}
    assert {(r["headers"][HEADER]["shard"], r["headers"][HEADER]["sequence"]) for r in records} == {
        (shard, sequence) for shard in range(2) for sequence in range(1_000)
    }
    worth = np.array([float(record["headers"][WEIGHT_HEADER]) for record in records])
    green = np.array([record["value"]["colour"] == "grün" for record in records])
    assert set(worth[green].tolist()) == {0.333333333}
    assert green.mean() == pytest.approx(0.6, abs=0.06)
    assert (worth * green).mean() == pytest.approx(0.2, abs=0.02)
    plain = json.loads(cli("consume", "--topic", "boosted", "--count", 1, *here.flags).stdout)
    assert plain in [record["value"] for record in records]


def test_scripted_drifts_are_labelled_on_the_topic(here: Here, folder: Path, tmp_path: Path) -> None:
    path, topic = tmp_path / "s.yaml", here.topic("drifting", 2)
    drifts = """drifts:
- {name: storm, kind: shift, column: price, by: 500, start_records: 1000, duration_records: 500}
- {name: pink, kind: unseen, column: colour, value: pink, share: 0.5, start_records: 1200}
"""
    path.write_text(f"stream: drifting\ntopic: {topic}\nartifact: {folder}\nshards: 2\n{drifts}")
    result = cli("publish", path, "--rate", "max", "--count", 2_000, *here.flags)
    assert result.exit_code == 0, result.stderr
    shown = cli("consume", "--topic", topic, "--headers", *here.flags)
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(records) == 2_000
    for record in records:
        sequence, said = record["headers"][HEADER]["sequence"], record["headers"].get(DRIFT_HEADER, "")
        assert ("storm:shift:sudden:1" in said) == (500 <= sequence < 750) == (record["value"]["price"] > 300)
        assert ("pink:unseen:sudden" in said) == (sequence >= 600)
        assert said.endswith("pink:unseen:sudden:1") == (record["value"]["colour"] == "pink")
    assert sum(record["value"]["colour"] == "pink" for record in records) == pytest.approx(400, abs=70)


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        ("{name: d, kind: shift, column: colour, by: 5, start_records: 0}", "drift d column=colour: is a category; a"),
        ("{name: d, kind: shift, column: price, by: 5}", "drifts: d counts seconds, which need a rate_per_s in"),
        ("{name: d, kind: storm, column: price}", "drifts.0.kind='storm': expected one of 'shift', 'scale'"),
    ],
)
def test_drifts_that_can_not_be_are_one_line_and_leave_nothing(
    here: Here, folder: Path, tmp_path: Path, drift: str, said: str
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: never\ntopic: never\nartifact: {folder}\nshards: 2\ndrifts: [{drift}]\n")
    fails(said, "publish", path, "--rate", "max", "--count", 10, *here.flags)
    assert topic_partitions(here.cluster, "never") is None


def test_a_rate_is_kept_to(here: Here, folder: Path) -> None:
    flags = ("--topic", "paced", "--count", 60, "--rate", 200, *here.flags, "--json")
    summary = json.loads(cli("publish", folder, *flags).stdout)
    inbox = Inbox(here.cluster, "paced")
    times: list[int] = []
    while len(times) < 60:
        times += inbox.poll(60, 2.0).timestamps_ms.tolist()
    inbox.close()
    assert [t - min(times) for t in sorted(times)] == list(range(0, 300, 5))
    assert summary["asked_rate_per_s"] == 200


def test_people_are_told_in_lines(here: Here, folder: Path) -> None:
    result = cli("publish", folder, "--topic", "told", "--count", 8, "--rate", "max", *here.flags)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "published              8" in result.stdout
    assert "by shard               2, 2, 2, 2" in result.stdout


def test_an_interrupt_flushes_and_says_what_was_sent(here: Here, folder: Path) -> None:
    topic = here.topic("endless", 4)
    with signalled(signal.SIGINT, lambda: written(here, topic) > 50, lambda number: os.kill(os.getpid(), number)):
        result = cli("publish", folder, "--topic", topic, "--rate", 2_000, *here.flags, "--json")
    summary = json.loads(result.stdout)
    assert result.exit_code == 0
    assert summary["published"] == sum(summary["by_shard"]) == written(here, topic) > 50


def test_keys_can_be_left_out(here: Here, folder: Path) -> None:
    flags = ("--topic", "keyless", "--count", 4, "--rate", "max", "--key", "none", *here.flags)
    assert cli("publish", folder, *flags).exit_code == 0
    inbox = Inbox(here.cluster, "keyless")
    keys: list[Any] = []
    marks: list[Any] = []
    while len(keys) < 4:
        polled = inbox.poll(4, 2.0)
        keys += list(polled.keys)
        marks += [dict(headers or []) for headers in polled.headers]
    inbox.close()
    assert keys == [None] * 4
    assert all(len(mark[HEADER]) == 32 for mark in marks)


def test_a_stream_file_says_it_all_and_flags_come_first(here: Here, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    where = f"bootstrap: {here.cluster.bootstrap}\nregistry: {here.registry}\n"
    path.write_text(f"stream: s\ntopic: filed\nartifact: {folder}\ncount: 50\nrate_per_s: max\n{where}")
    summary = json.loads(cli("publish", path, "--count", 12, "--json").stdout)
    assert (summary["stream"], summary["published"], written(here, "filed")) == ("s", 12, 12)


@pytest.mark.parametrize("form", ["upserts", "debezium"])
def test_changes_are_published_by_their_file_and_shown_with_their_nulls(
    here: Here, folder: Path, tmp_path: Path, form: str
) -> None:
    topic, count = here.topic(f"changed-{form}", 2), 400
    asked = (
        f"key: {{entities: 20}}\nchanges: {{form: {form}, deletes: 0.2}}\nshards: 2\nrate_per_s: max\ncount: {count}\n"
    )
    path = tmp_path / "c.yaml"
    path.write_text(f"stream: c\ntopic: {topic}\nartifact: {folder}\n{asked}")
    result = cli("publish", path, *here.flags, "--json")
    assert result.exit_code == 0, result.stderr
    shown = cli("consume", "--topic", topic, *here.flags)
    assert (shown.exit_code, shown.stderr) == (0, "")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    nulls = records.count(None)
    assert 40 < nulls < 120
    assert json.loads(result.stdout)["published"] == len(records) == count + (nulls if form == "debezium" else 0)
    changes = [record for record in records if record is not None]
    if form == "debezium":
        assert sum(change["op"] == "d" for change in changes) == nulls
        assert {change["source"]["name"] for change in changes} == {"c"}
    else:
        assert all("colour" in row for row in changes)


def test_a_dry_run_publishes_nothing(here: Here, folder: Path) -> None:
    result = cli("publish", folder, "--topic", "dry", "--count", 7, *here.flags, "--dry-run", "--json")
    assert json.loads(result.stdout) == {"stream": "dry", "topic": "dry", "would_publish": 7}
    assert topic_partitions(here.cluster, "dry") is None


@pytest.mark.parametrize("rate", ["0", "-5", "nan", "inf", "fast"])
def test_a_bad_rate_is_one_line(folder: Path, rate: str) -> None:
    fails("must be a number > 0, or max", "publish", folder, "--topic", "t", "--rate", rate)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "topic: none named for the artifact"),
        (["--topic", "t"], "bootstrap: no broker named"),
        (["--topic", "t", "--bootstrap", "127.0.0.1:1"], "registry: no schema registry named"),
        (["--topic", "t", "--shards", "0"], "'--shards'"),
        (["--topic", "t", "--count", "0"], "'--count'"),
        (["--topic", "t", "--key", "id"], "key='id': must be surrogate, none"),
        (["--topic", "t", "--metrics-port", "70000"], "'--metrics-port'"),
        (["--topic", "t", "--bootstrap", "embedded", "--registry", "nowhere"], "expected a URL"),
    ],
)
def test_a_bad_flag_is_one_line(folder: Path, flags: list[str], said: str) -> None:
    fails(said, "publish", folder, *flags)


def test_no_source_is_one_line(tmp_path: Path) -> None:
    fails("does not exist; expected an artifact's folder or a stream's YAML", "publish", tmp_path / "none.yaml")
    (tmp_path / "s.yaml").write_text("stream: s\ntopic: t\n")
    fails("artifact: none named", "publish", tmp_path / "s.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("event_time: price\n", "event_time=price: is a number; choose a timestamp column"),
        ("event_time: nosuch\n", "event_time=nosuch: table 'orders' has no such column"),
        ("event_time: at\nrate_per_s: max\n", "event_time: needs a rate_per_s in numbers"),
        ("rules:\n- {rule: not_null, column: nosuch}\n", "nosuch"),
        (
            "topic_settings: {compacted: true}\nkey: {column: pieces}\n",
            "key.column=pieces: is missing in 11 % of the rows, and a compacted topic takes no record without a key",
        ),
        ("topic_settings: [1]\n", "topic_settings=[1]: expected keys and values"),
        ("rat_per_s: 3\n", "rat_per_s: no such key; did you mean rate_per_s?"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_made(
    here: Here, folder: Path, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: s\ntopic: unfit\nartifact: {folder}\n{text}")
    for how in ([], ["--dry-run"]):
        fails(said, "publish", path, "--retention-ms", 1_000, *here.flags, *how)
    assert topic_partitions(here.cluster, "unfit") is None


def test_a_topic_of_other_partitions_is_refused_with_both_numbers(here: Here, folder: Path) -> None:
    topic = here.topic("five", 5)
    for how in ([], ["--dry-run"]):
        fails(
            "shards=3: topic five has 5 partitions; use --shards 5",
            "publish",
            folder,
            "--topic",
            topic,
            "--shards",
            3,
            *here.flags,
            *how,
        )
    assert written(here, topic) == 0


def test_a_schema_the_registry_refuses_publishes_nothing(here: Here, folder: Path) -> None:
    with SchemaRegistryClient({"url": here.registry}) as client:
        client.register_schema("taken-value", Schema(OTHER, "AVRO"))
    for how in ([], ["--dry-run"]):
        fails("refuse", "publish", folder, "--topic", "taken", "--count", 5, *here.flags, *how, code=3)
    assert "taken" not in list_topics(here.cluster)


def test_a_silent_broker_or_registry_is_named(here: Here, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assemble.REACH_S < 10
    monkeypatch.setattr(assemble, "REACH_S", 0.2)
    nowhere = ("--bootstrap", "127.0.0.1:1", "--registry", "http://127.0.0.1:1")
    said = "bootstrap=127.0.0.1:1: no broker answered there within 0.2 s"
    fails(said, "publish", folder, "--topic", "t", *nowhere, code=3)
    fails(said, "consume", "--topic", "t", *nowhere, code=3)
    deaf = ("--bootstrap", here.cluster.bootstrap, "--registry", "http://127.0.0.1:1")
    fails("registry=http://127.0.0.1:1: does not answer", "publish", folder, "--topic", "deaf", *deaf, code=3)
    assert topic_partitions(here.cluster, "deaf") is None


def strangers(here: Here, topic: str, values: list[bytes]) -> None:
    outbox = Outbox(here.cluster, topic, None)
    outbox.send(Records.of(values), 0, np.zeros(len(values), np.int64))
    outbox.flush()


def test_records_that_are_not_ours_are_counted_shown_and_skipped(here: Here, folder: Path) -> None:
    topic = here.topic("guests", 1)
    strangers(here, topic, [b"hello", b"", b"\x00\x00\x00\xff\xffx"])
    flags = ("--topic", topic, "--shards", 1, "--count", 4, "--rate", "max", *here.flags)
    assert cli("publish", folder, *flags).exit_code == 0
    result = cli("consume", "--topic", topic, *here.flags)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 4)
    assert lines(result) == ["synthstream: 3 records on guests are not registered Avro; skipped"]


def test_a_count_ends_reading_and_silence_gives_up(here: Here, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("publish", folder, "--topic", "few", "--count", 9, "--rate", "max", *here.flags).exit_code == 0
    assert len(cli("consume", "--topic", "few", "--count", 5, *here.flags).stdout.splitlines()) == 5
    monkeypatch.setattr(consume, "SILENCE_S", 1.0)
    result = cli("consume", "--topic", "few", "--count", 10, "--uncommitted", *here.flags)
    assert (result.exit_code, len(result.stdout.splitlines())) == (3, 9)
    assert lines(result) == ["synthstream: topic=few: 9 of 10 records came, then 1 s of silence"]


def test_a_topic_that_is_not_there_is_named(here: Here) -> None:
    fails("topic=nosuch: does not exist at 127.0.0.1:", "consume", "--topic", "nosuch", *here.flags)
    fails(
        "bootstrap=embedded: a broker of our own holds no topics", "consume", "--topic", "t", "--bootstrap", "embedded"
    )
    fails("bootstrap: no broker named", "consume", "--topic", "t")


def test_the_environment_says_where(here: Here, folder: Path) -> None:
    around = {"SYNTHSTREAM_BOOTSTRAP": here.cluster.bootstrap, "SYNTHSTREAM_REGISTRY": here.registry}
    arguments = ("publish", folder, "--topic", "around", "--count", 2, "--rate", "max")
    assert cli(*arguments, environment=around).exit_code == 0
    assert len(cli("consume", "--topic", "around", environment=around).stdout.splitlines()) == 2
