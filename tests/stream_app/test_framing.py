"""Records that name their schema in a header: as published, as arranged, as stock readers and our own read them.

Covers stream_app.pages, stream_app.arranged, stream_app.decoding and stream_app.assemble.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from connectors.kafka import Inbox, list_topics
from schemas import disorder as forms
from schemas.framing import FRAME_BYTES, HEADER, frame, header
from schemas.rules import Range
from schemas.stream import from_mapping
from stream_app import lineage, monitoring, quarantine
from stream_app.assemble import reached
from stream_app.contents import Contents, Model
from stream_app.disorder import Disorder
from stream_app.progress import Progress
from stream_app.publish import ShardPublisher
from stream_app.quarantine import Gate
from stream_app.recipe import Recipe
from stream_app.replay import Range as Wanted
from stream_app.replay import replay
from stream_app.schedule import starting
from stream_app.settings import Place
from stream_app.topic_rows import newest_rows
from tests.connectors.older_registry import older_registry
from tests.stream_app.conftest import Here
from tests.stream_app.shop import SCHEMA_GUID, SCHEMA_ID, Kept, Record, cli, decoded, lines, recipe, storm, trained

MARK = (HEADER, header(SCHEMA_GUID))
SCHEDULE = starting(1_000, 0, 1, 0.0)


def kept(shared: Recipe, count: int, contents: Contents | None = None) -> Kept:
    """What a shard hands over."""
    out = Kept()
    contents = Contents() if contents is None else contents
    ShardPublisher(shared, 0, out.outbox, SCHEDULE, contents=contents).publish_until(count)
    return out


def without(record: Record, *names: str) -> Record:
    return replace(record, headers=[pair for pair in record.headers if pair[0] not in names])


@pytest.mark.parametrize("contents", [Contents(), Contents().changed(3, drifts=(storm("price", 2),))])
def test_the_header_stands_for_the_prefix_and_changes_nothing_else(contents: Contents) -> None:
    by_prefix = kept(recipe(), 9, contents).records
    by_header = kept(recipe(schema_id=SCHEMA_GUID), 9, contents).records
    assert [record.headers.count(MARK) for record in by_header] == [1] * 9
    assert [without(record, HEADER) for record in by_header] == [
        replace(record, value=record.value[FRAME_BYTES:]) for record in by_prefix
    ]
    assert {record.value[:FRAME_BYTES] for record in by_prefix} == {frame(SCHEMA_ID)}
    assert decoded(by_header).equals(decoded(by_prefix))


def test_displaced_repeated_and_quarantined_records_keep_it_and_labels_have_none() -> None:
    parts = {
        "out_of_order": {"share": 0.1},
        "duplicates": {"share": 0.1, "max_slots": 9},
        "missing": {"share": 0.1},
    }
    disorder = Disorder(forms.Disorder.model_validate(parts), "labels", None)
    gate = Gate((Range("price", high=60),), 1_000_000, True, "aside", 1_000_000)
    disturbed = recipe(schema_id=SCHEMA_GUID, disorder=disorder, gate=gate)
    out, prefixed = kept(disturbed, 2_000), kept(replace(disturbed, schema_id=SCHEMA_ID), 2_000)
    plain = {r.headers[0][1]: r for r in kept(recipe(schema_id=SCHEMA_GUID), 2_000).records}
    aside = out.aside["aside"]
    assert len(aside) > 10
    for record in [*out.records, *aside]:
        assert record.headers.count(MARK) == 1
        assert record.value == plain[record.headers[0][1]].value
    assert all(name != HEADER for record in out.aside["labels"] for name, _ in record.headers)
    assert out.aside["labels"] == prefixed.aside["labels"]
    assert all(record.headers[-1][0] == quarantine.HEADER for record in aside)
    for mine, theirs in zip([*out.records, *aside], [*prefixed.records, *prefixed.aside["aside"]], strict=True):
        assert without(mine, HEADER) == replace(theirs, value=theirs.value[FRAME_BYTES:])


def test_a_swap_names_the_other_schema_from_the_very_record_on() -> None:
    other = UUID(int=3)
    shared = recipe(schema_id=SCHEMA_GUID)
    shared = replace(shared, another=lambda model: replace(shared, schema_id=other))
    contents = Contents().changed(5, model=Model("later", "/models/later")).changed(8, model=None)
    named = [dict(record.headers)[HEADER] for record in kept(shared, 12, contents).records]
    assert named == [header(SCHEMA_GUID)] * 5 + [header(other)] * 3 + [header(SCHEMA_GUID)] * 4


def test_a_range_is_replayed_with_its_headers() -> None:
    shared, again = recipe(schema_id=SCHEMA_GUID), Kept()
    progress = Progress(0, {}, 50, SCHEDULE)
    replay(again.outbox, shared, progress, Wanted(0, 10, 30))
    assert again.records == kept(shared, 50).records[10:30]


STOCK = """
import json, sys
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient, dual_schema_id_deserializer
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
bootstrap, registry, topic, count = *sys.argv[1:4], int(sys.argv[4])
conf = {"schema.id.deserializer": dual_schema_id_deserializer}
read = AvroDeserializer(SchemaRegistryClient({"url": registry}), conf=conf)
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "stock", "enable.auto.commit": False})
consumer.assign([TopicPartition(topic, 0, 0)])
rows = []
while len(rows) < count:
    for message in consumer.consume(count, 10):
        rows.append(read(message.value(), SerializationContext(topic, MessageField.VALUE, message.headers())))
consumer.close()
json.dump([row["plate"] for row in rows], sys.stdout)
"""


def test_stock_readers_and_ours_read_a_topic_of_both_forms(here: Here, folder: Path) -> None:
    topic = here.topic("both-forms", 1)
    flags = ("--topic", topic, "--shards", 1, "--rate", "max", *here.flags)
    assert cli("publish", folder, "--count", 30, *flags).exit_code == 0
    assert cli("publish", folder, "--count", 50, "--framing", "header", *flags).exit_code == 0
    arguments = [here.cluster.bootstrap, here.registry, topic, "80"]
    command = [sys.executable, "-W", "ignore", "-c", STOCK, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    plates = json.loads(done.stdout)
    assert plates[:30] == plates[30:60]
    shown = cli("consume", "--topic", topic, *here.flags)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert [json.loads(line)["plate"] for line in shown.stdout.splitlines()] == plates
    spec = from_mapping({"stream": "s", "topic": topic, "framing": "header"}, Path())
    with reached(Place(here.cluster.bootstrap, here.registry)) as outside:
        assert newest_rows(outside, topic, 80, lambda share, what: None).rows.count == 80
        watch = monitoring.watch(spec, trained(), outside, "earliest")
        while watch.memory.records + watch.memory.foreign < 80:
            watch.step()
        assert (watch.memory.records, watch.memory.foreign) == (80, 0)
        assert watch.memory.seen[-1].lineage is not None
        watch._inbox.close()


def headers_on(here: Here, topic: str, count: int) -> list[list[str]]:
    """The names of the headers of the first records."""
    inbox = Inbox(here.cluster, topic)
    names: list[list[str]] = []
    while len(names) < count:
        names += [[name for name, _ in heads or []] for heads in inbox.poll(count, 2.0).headers]
    inbox.close()
    return names


def test_a_file_says_it_too_and_the_header_is_there_once(here: Here, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: s\ntopic: said\nartifact: {folder}\ncount: 5\nrate_per_s: max\nframing: header\n")
    assert cli("publish", path, *here.flags).exit_code == 0
    assert headers_on(here, "said", 5) == [[lineage.HEADER, HEADER]] * 5
    assert cli("publish", path, "--framing", "prefix", "--topic", "unsaid", *here.flags).exit_code == 0
    assert headers_on(here, "unsaid", 5) == [[lineage.HEADER]] * 5


@pytest.mark.parametrize("how", [[], ["--dry-run"]])
def test_a_registry_without_guids_publishes_nothing(here: Here, folder: Path, how: list[str]) -> None:
    with older_registry() as older:
        where = ("--bootstrap", here.cluster.bootstrap, "--registry", older.url)
        flags = ("--topic", "unnamed", "--count", 5, "--rate", "max", *where)
        refused = cli("publish", folder, *flags, "--framing", "header", *how)
        assert (refused.exit_code, refused.stdout) == (3, "")
        (line,) = lines(refused)
        assert line.startswith(f"synthstream: registry={older.url}: gives schemas no GUID")
        assert "use `framing: prefix`" in line
        assert "unnamed" not in list_topics(here.cluster)


def test_another_framing_is_one_line(folder: Path, tmp_path: Path) -> None:
    refused = cli("publish", folder, "--topic", "t", "--framing", "both")
    assert (refused.exit_code, len(lines(refused))) == (2, 1)
    assert "'both' is not one of 'prefix', 'header'" in refused.stderr
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: s\ntopic: t\nartifact: {folder}\nframing: both\n")
    refused = cli("validate", path)
    assert (refused.exit_code, len(lines(refused))) == (2, 1)
    assert "framing='both'" in refused.stderr
