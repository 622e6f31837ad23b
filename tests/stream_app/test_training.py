"""From a file, under a topic's schema, from a topic's records: what is trained, and what consumers then read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from connectors.kafka import Cluster, Inbox, Outbox, Records
from connectors.registry import Registry
from schemas.errors import InputError
from schemas.framing import FRAME_BYTES, frame
from schemas.inference import Choices
from schemas.rows import Rows
from schemas.stream import from_mapping
from schemas.table import Kind
from stream_app import training
from stream_app.assemble import Outside, publishing
from stream_app.publish import Clock, run
from stream_app.topic_rows import newest_rows
from stream_app.training import (
    Training,
    checked,
    rows_of_file,
    schema_of_file,
    schema_of_topic,
    train,
)
from tests.stream_app.conftest import Here
from tests.stream_app.shop import orders_table

ORDER = """{"namespace": "shop", "type": "record", "name": "Order", "doc": "An order, as the till wrote it: grün",
"fields": [{"name": "paid", "type": {"type": "enum", "name": "Paid", "symbols": ["unknown", "true", "false"]}},
{"name": "price", "type": "float"}, {"name": "pieces", "type": ["int", "null"], "default": 1},
{"name": "paid_when", "type": {"type": "int", "logicalType": "date"}, "column": "day"},
{"name": "channel", "type": "string", "default": "till"}, {"name": "colour", "type": ["null", "string"]}]}"""


@pytest.fixture
def outside(here: Here) -> Iterator[Outside]:
    with Registry(here.registry) as registry:
        yield Outside(here.cluster, registry, here.registry)


@pytest.fixture
def client(here: Here) -> Iterator[SchemaRegistryClient]:
    client = SchemaRegistryClient({"url": here.registry})
    yield client
    client.close()


def plan(**changes: Any) -> Training:
    return Training(**{"model": "tabular.marginals", "name": "orders", "choices": Choices(), **changes})


def quiet(share: float, what: str) -> None:
    """Nobody watches."""


def send(cluster: Cluster, topic: str, values: list[bytes]) -> None:
    outbox = Outbox(cluster, topic, None)
    outbox.send(Records.of(values), 0, np.zeros(len(values), np.int64))
    outbox.flush()


def values_on(outside: Outside, topic: str, count: int) -> list[bytes]:
    inbox = Inbox(outside.cluster, topic)
    values: list[bytes] = []
    while len(values) < count:
        values += [value for value in inbox.poll(count, 5.0).values if value is not None]
    inbox.close()
    return values


@pytest.mark.usefixtures("quick")
def test_from_a_file_to_an_artifact_that_is_saved(orders: Path, tmp_path: Path) -> None:
    told: list[float] = []
    artifact = train(rows_of_file(orders), plan(), tmp_path / "a", lambda share, what: told.append(share))
    assert (artifact.profile.rows, artifact.schema["price"].kind) == (3_000, Kind.NUMBER)
    assert (tmp_path / "a" / "manifest.json").exists()
    assert told == sorted(told)
    assert told[-1] == 1
    again = train(rows_of_file(orders), plan(), None, quiet)
    assert again.identity == artifact.identity
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_the_checks_alone_need_no_fitting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "artifact_from", None)
    assert checked(Rows.of(orders_table(50)), plan())[0].names == tuple(orders_table(2).column_names)
    with pytest.raises(InputError, match="column 'n': every cell is missing"):
        checked(Rows.of(pa.table({"n": ["", "NA"], "m": ["1", "2"]})), plan())


@pytest.mark.usefixtures("quick")
def test_a_topic_like_another_has_its_very_schema_and_its_readers_read_it(
    client: SchemaRegistryClient, outside: Outside
) -> None:
    original = client.register_schema("till-value", Schema(ORDER, "AVRO"))
    wire = schema_of_topic(outside, "till")
    artifact = train(Rows.of(orders_table()), plan(wire=wire), None, quiet)
    stream = {"stream": "like-till", "topic": "like-till", "shards": 4, "count": 500, "rate_per_s": "max"}
    job = publishing(from_mapping(stream, Path()), artifact, outside, Clock())
    run(lambda: job.publishers, lambda shard, late_s: None, lambda: False)
    job.outbox.flush()
    published = client.get_latest_version("like-till-value")
    assert published.schema_id == original
    assert published.schema.schema_str == ORDER
    values = values_on(outside, "like-till", 500)
    assert {value[:FRAME_BYTES] for value in values} == {frame(original)}
    reader = fastavro.parse_schema(json.loads(ORDER))
    rows: list[Any] = [fastavro.schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), reader, None) for value in values]
    assert {row["colour"] for row in rows} == {"red", "green", "grün"}
    assert {row["paid"] for row in rows} == {"true", "false"}
    assert {row["channel"] for row in rows} == {"till"}
    assert {type(row["pieces"]) for row in rows} == {int, type(None)}
    assert all(row["paid_when"].isoformat()[:7] == "2024-01" for row in rows)


def test_a_schema_whose_columns_the_table_lacks_is_refused_with_every_field() -> None:
    wire = {"type": "record", "name": "o", "fields": [{"name": n, "type": "long"} for n in ("id", "pric", "weight")]}
    with pytest.raises(InputError) as raised:
        train(Rows.of(orders_table(50)), plan(wire=wire), None, quiet)
    assert [fault.split(":")[0] for fault in raised.value.faults] == ["field 'pric'", "field 'weight'"]
    assert "did you mean its column 'price'?" in raised.value.faults[0]


def test_strings_of_a_schema_stay_strings_whatever_they_look_like() -> None:
    wire = {"type": "record", "name": "o", "fields": [{"name": "id", "type": "string"}]}
    assert checked(Rows.of(orders_table(50)), plan(wire=wire))[0]["id"].kind in (Kind.TEXT, Kind.CATEGORY)


def test_a_schema_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "o.avsc"
    path.write_text(ORDER, encoding="utf-8")
    assert schema_of_file(path) == json.loads(ORDER)


def test_a_topic_without_a_schema_is_named(outside: Outside) -> None:
    with pytest.raises(InputError, match="topic=unknown: no schema is registered under unknown-value at http"):
        schema_of_topic(outside, "unknown")


@pytest.mark.usefixtures("quick")
def test_records_of_a_topic_are_a_table_and_the_same_schema_comes_out(outside: Outside) -> None:
    identity = outside.registry.register("from-value", json.loads(ORDER))
    artifact = train(Rows.of(orders_table()), plan(wire=json.loads(ORDER)), None, quiet)
    stream = {"stream": "from", "topic": "from", "shards": 4, "count": 3_000, "rate_per_s": "max"}
    job = publishing(from_mapping(stream, Path()), artifact, outside, Clock())
    run(lambda: job.publishers, lambda shard, late_s: None, lambda: False)
    job.outbox.flush()
    rows = newest_rows(outside, "from", 2_500, quiet).rows
    assert rows.count == 2_500
    wire = schema_of_topic(outside, "from")
    again = train(rows, plan(wire=wire), None, quiet)
    assert again.schema.wire is not None
    assert outside.registry.register("again-value", json.loads(again.schema.wire)) == identity
    assert set(again.profile["colour"].values) == {"red", "green", "grün"}
