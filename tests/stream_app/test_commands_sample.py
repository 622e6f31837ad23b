"""`sample`: the records a stream publishes, in a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from stream_app.commands.sample import Asked
from tests.stream_app.conftest import Here
from tests.stream_app.shop import cli, lines


def rows_on(here: Here, topic: str, shards: int, count: int) -> list[dict[str, Any]]:
    """A topic's records by partition and offset, read by the stock consumer and the stock deserializer."""
    registry = SchemaRegistryClient({"url": here.registry})
    read = AvroDeserializer(registry)
    consumer = Consumer({"bootstrap.servers": here.cluster.bootstrap, "group.id": "stock"})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(shards)])
    found: dict[tuple[int, int], dict[str, Any]] = {}
    while len(found) < count:
        for message in consumer.consume(count, 2.0):
            context = SerializationContext(topic, MessageField.VALUE)
            found[message.partition() or 0, message.offset() or 0] = read(message.value(), context)
    consumer.close()
    registry.close()
    return [row for _, row in sorted(found.items())]


@pytest.mark.parametrize("rate", ["max", "100000"])
def test_a_sample_is_what_publish_puts_on_the_topic(here: Here, folder: Path, tmp_path: Path, rate: str) -> None:
    topic, out = here.topic(f"three-{rate}", 3), tmp_path / "sample.parquet"
    flags = ("--seed", 11, "--shards", 3, "--json")
    published = cli("publish", folder, "--topic", topic, "--rate", rate, "--count", 5_000, *flags, *here.flags)
    assert published.exit_code == 0, published.stderr
    assert json.loads(published.stdout)["by_shard"] == [1_667, 1_667, 1_666]
    assert cli("sample", folder, "--rows", 5_000, "--out", out, *flags).exit_code == 0
    assert rows_on(here, topic, 3, 5_000) == pq.read_table(out).to_pylist()


@pytest.mark.parametrize("key", ["{column: colour}", "{column: pieces, skew: 0.5}", "{entities: 40, skew: 1.2}"])
def test_a_keyed_sample_is_what_publish_puts_where_the_stock_partitioner_would(
    here: Here, folder: Path, tmp_path: Path, key: str
) -> None:
    name = "keyed-" + "".join(c for c in key if c.isalpha())
    topic, out = here.topic(name, 3), tmp_path / "sample.parquet"
    flags = ("--seed", 11, "--shards", 3, "--key", key, "--json")
    published = cli("publish", folder, "--topic", topic, "--rate", "max", "--count", 3_000, *flags, *here.flags)
    assert published.exit_code == 0, published.stderr
    assert sum(json.loads(published.stdout)["by_shard"]) == 3_000
    assert cli("sample", folder, "--rows", 3_000, "--out", out, *flags).exit_code == 0
    assert rows_on(here, topic, 3, 3_000) == pq.read_table(out).to_pylist()
    found = sorted((key, partition) for key, partition in keys_on(here, topic, 3, 3_000) if key is not None)
    assert found == stock_partitions(here, here.topic(f"stock-{topic}", 3), [key for key, _ in found])
    assert len(found) > 2


def test_a_steered_sample_is_what_the_streams_file_has_published(here: Here, folder: Path, tmp_path: Path) -> None:
    topic, out, path = here.topic("steered", 2), tmp_path / "sample.parquet", tmp_path / "s.yaml"
    steer = "steer: {given: {paid: true}, shares: {colour: {grün: 0.6}, pieces: {null: 0.5}}}"
    path.write_text(f"stream: steered\ntopic: {topic}\nartifact: {folder}\nshards: 2\nseed: 11\n{steer}\n")
    published = cli("publish", path, "--rate", "max", "--count", 4_000, "--json", *here.flags)
    assert published.exit_code == 0, published.stderr
    shares = ("--given", "paid=true", "--shares", "{colour: {grün: 0.6}, pieces: {null: 0.5}}")
    sampled = cli("sample", folder, "--rows", 4_000, "--out", out, "--seed", 11, "--shards", 2, *shares)
    assert sampled.exit_code == 0, sampled.stderr
    rows = pq.read_table(out).to_pylist()
    assert rows_on(here, topic, 2, 4_000) == rows
    assert {row["paid"] for row in rows} == {True}
    assert sum(row["colour"] == "grün" for row in rows) == pytest.approx(2_400, abs=200)
    assert sum(row["pieces"] is None for row in rows) == pytest.approx(2_000, abs=200)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("{entities: 300, skew: 1.0}", "{form: upserts, columns: [pieces, paid], deletes: 0.2}"),
        ("{column: colour}", "{form: debezium, deletes: 0.3, tombstones: false}"),
        ("{entities: 50}", "{form: upserts}"),
    ],
)
def test_sampled_changes_are_what_the_streams_file_has_published(
    here: Here, folder: Path, tmp_path: Path, key: str, form: str
) -> None:
    name = "changing-" + "".join(c for c in key + form if c.isalpha())
    topic, out, path = here.topic(name, 2), tmp_path / "sample.parquet", tmp_path / "s.yaml"
    steer = "steer: {given: {paid: true}}"
    path.write_text(
        f"stream: s\ntopic: {topic}\nartifact: {folder}\nshards: 2\nseed: 11\nkey: {key}\nchanges: {form}\n{steer}\n"
    )
    published = cli("publish", path, "--rate", "max", "--count", 6_000, "--json", *here.flags)
    assert published.exit_code == 0, published.stderr
    flags = ("--seed", 11, "--shards", 2, "--key", key, "--changes", form, "--given", "paid=true")
    sampled = cli("sample", folder, "--rows", 6_000, "--out", out, *flags)
    assert sampled.exit_code == 0, sampled.stderr
    rows = pq.read_table(out).to_pylist()
    done, keys = [row.pop("__op") for row in rows], {row.pop("__key") for row in rows}
    assert keys == {found.decode() for found, _ in keys_on(here, topic, 2, 6_000) if found is not None}
    wanted: list[Any] = rows
    if "debezium" in form:
        empty = dict.fromkeys(("before", "after"))
        wanted = [
            {**empty, "op": op, "before" if op == "d" else "after": row} for op, row in zip(done, rows, strict=True)
        ]
        found = [
            {**each, "before": each["before"] if each["op"] == "d" else None} for each in rows_on(here, topic, 2, 6_000)
        ]
        assert [{name: each[name] for name in wanted[0]} for each in found] == wanted
    else:
        wanted = [None if op == "d" else row for op, row in zip(done, rows, strict=True)]
        assert rows_on(here, topic, 2, 6_000) == wanted
    assert (done.count("d") > 0) == ("deletes" in form)
    assert done.count("c") >= len(keys)


def test_any_range_of_a_shards_changes_can_be_drawn_again(folder: Path, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    flags = ("--shards", 2, "--shard", 1, "--key", "{entities: 40}", "--changes", "{form: upserts, deletes: 0.2}")
    assert cli("sample", folder, "--rows", 5_000, *flags, "--out", whole).exit_code == 0
    assert cli("sample", folder, "--rows", 300, "--start", 4_000, *flags, "--out", part).exit_code == 0
    first, *rows = whole.read_text().splitlines()
    assert first.endswith(",__op,__key")
    assert part.read_text().splitlines() == [first, *rows[4_000:4_300]]


def keys_on(here: Here, topic: str, shards: int, count: int) -> set[tuple[bytes | None, int]]:
    """The keys of a topic, each with every partition it is on."""
    consumer = Consumer({"bootstrap.servers": here.cluster.bootstrap, "group.id": "keys"})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(shards)])
    found: set[tuple[bytes | None, int]] = set()
    read = 0
    while read < count:
        for message in consumer.consume(count, 2.0):
            found.add((message.key(), message.partition() or 0))
            read += 1
    consumer.close()
    return found


def stock_partitions(here: Here, topic: str, keys: list[bytes]) -> list[tuple[bytes, int]]:
    """Where librdkafka's murmur2 partitioner, which is Java's default, puts keys."""
    producer = Producer({"bootstrap.servers": here.cluster.bootstrap, "partitioner": "murmur2_random"})
    put: dict[bytes, int] = {}

    def delivered(_: object, message: Message) -> None:
        put[message.key() or b""] = message.partition() or 0

    for key in keys:
        producer.produce(topic, b"", key, on_delivery=delivered)
    producer.flush()
    return sorted(put.items())


def test_any_range_of_a_shard_can_be_drawn_again(folder: Path, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    assert cli("sample", folder, "--rows", 12_000, "--shards", 2, "--out", whole).exit_code == 0
    again = ("--shards", 2, "--shard", 1, "--start", 4_000, "--rows", 500)
    assert cli("sample", folder, *again, "--out", part).exit_code == 0
    assert pq.read_table(part).to_pylist() == pq.read_table(whole).slice(6_000 + 4_000, 500).to_pylist()


def test_a_file_of_values_spells_them_as_the_table_did(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.csv"
    assert cli("sample", folder, "--rows", 400, "--out", out).exit_code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 400
    assert {row["paid"] for row in rows} == {"true", "false"}
    assert {row["colour"] for row in rows} == {"red", "green", "grün"}
    assert "NA" in {row["pieces"] for row in rows}
    assert all(row["price"].partition(".")[2].isdigit() and len(row["price"].partition(".")[2]) == 2 for row in rows)
    assert all(row["at"].startswith("2024-01-02T") and row["at"].endswith(":00Z") for row in rows)


def test_seeds_and_json_lines(folder: Path, tmp_path: Path) -> None:
    texts = []
    for seed in (0, 0, 1):
        result = cli("sample", folder, "--rows", 5, "--seed", seed, "--out", tmp_path / "s.jsonl", "--json")
        assert json.loads(result.stdout)["seed"] == seed
        texts.append((tmp_path / "s.jsonl").read_text())
    assert texts[0] == texts[1] != texts[2]
    assert len([json.loads(line) for line in texts[2].splitlines()]) == 5


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--rows", "0", "--out", "s.csv"], "'--rows': 0"),
        (["--rows", "5", "--out", "s.foo"], "expected .csv"),
        (["--rows", "5", "--out", "none/s.csv"], "there is no folder none; make it first"),
        (["--rows", "5", "--out", "s.csv", "--start", "3"], "start=3: needs --shard"),
        (["--rows", "5", "--out", "s.csv", "--shards", "2", "--shard", "2"], "shard=2: must be below --shards"),
        (["--rows", "5"], "'--out'"),
        (["--rows", "5", "--out", "s.csv", "--key", "colour"], "key='colour': must be surrogate, none, or as in"),
        (["--rows", "5", "--out", "s.csv", "--changes", "{form: upserts}"], "changes: needs a key that comes again"),
        (["--rows", "5", "--out", "s.csv", "--changes", "{form: upsert}"], "changes.form='upsert'"),
        (["--rows", "5", "--out", "s.csv", "--changes", ""], "changes.form: is missing"),
        (
            [
                "--rows",
                "5",
                "--out",
                "s.csv",
                "--key",
                "{entities: 9}",
                "--changes",
                "{form: upserts, columns: [colours]}",
            ],
            "changes.columns=colours: not in table",
        ),
        (["--rows", "5", "--out", "s.csv", "--key", "{column: price}"], "key.column=price: is a number with decimals"),
        (
            ["--rows", "5", "--out", "s.csv", "--key", "{entities: 1}", "--shards", "9", "--shard", "1"],
            "shard=1: no key of the stream hashes to it",
        ),
    ],
)
@pytest.mark.parametrize("how", [[], ["--dry-run"]])
def test_bad_flags_are_one_line_and_leave_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], said: str, how: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("sample", folder, *flags, *how)
    assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1)
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_range_without_keys_is_one_line_and_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    far = ("--shard", 0, "--start", 2**61, "--rows", 5)
    result = cli("sample", folder, *far, "--out", tmp_path / "s.csv")
    assert (result.exit_code, len(lines(result))) == (2, 1)
    assert "has no key within 64 bits" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_nothing(folder: Path, tmp_path: Path) -> None:
    result = cli("sample", folder, "--rows", 5, "--out", tmp_path / "s.csv", "--dry-run", "--json")
    assert json.loads(result.stdout)["would_write"] == str(tmp_path / "s.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_ranges_that_are_asked_for(tmp_path: Path) -> None:
    whole, quarters = Asked(tmp_path, 10, tmp_path, 0, 0, 4, None, 0), [0.25] * 4
    assert whole.ranges(quarters) == [(0, 0, 3), (1, 0, 3), (2, 0, 2), (3, 0, 2)]
    assert whole.ranges([0.5, 0, 0.35, 0.15]) == [(0, 0, 5), (2, 0, 4), (3, 0, 1)]
    assert Asked(tmp_path, 10, tmp_path, 0, 0, 4, 2, 7).ranges(quarters) == [(2, 7, 17)]
