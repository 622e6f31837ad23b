"""Envelopes: Debezium's names, fastavro as the reader, slices, and rows out of them again."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest

from schemas.codec import Codec
from schemas.envelope import Changed, Envelope
from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema

TABLE = TableSchema(
    "things",
    (
        Column("id", Kind.INTEGER),
        Column("größe in cm", Kind.NUMBER, nullable=True),
        Column("colour", Kind.CATEGORY),
        Column("on", Kind.DATE),
    ),
)
ENVELOPE = Envelope(TABLE, "shop", "shop-1.public.things")


def rows(start: int, count: int) -> pa.RecordBatch:
    numbers = list(range(start, start + count))
    columns: list[pa.Array[Any]] = [
        pa.array(numbers),
        pa.array([None if n % 3 == 0 else n / 2 for n in numbers], pa.float64()),
        pa.array([("red", "grün")[n % 2] for n in numbers]).dictionary_encode(),
        pa.array(numbers, pa.int32()).cast(pa.date32()),
    ]
    return pa.RecordBatch.from_arrays(columns, [*TABLE.names])


def changed(skipped: int, count: int) -> Changed:
    """Changes that are slices of longer batches."""
    before, after = (rows(start, skipped + count + 1).slice(skipped, count) for start in (0, 100))
    kind = np.arange(count) % 3
    return Changed(before, after, kind == 0, kind == 2, np.arange(count) + 1_000, 70, 5)


def read(messages: list[bytes], avro: dict[str, Any]) -> list[Any]:
    parsed = fastavro.parse_schema(json.loads(json.dumps(avro)))
    return [fastavro.schemaless_reader(io.BytesIO(message[5:]), parsed, None) for message in messages]


@pytest.mark.parametrize(("skipped", "count"), [(0, 9), (4, 7), (3, 1), (0, 0)])
def test_fastavro_reads_what_was_before_and_is_after(skipped: int, count: int) -> None:
    made = changed(skipped, count)
    messages = Codec(ENVELOPE.avro).encode(ENVELOPE.wrapped(made), 7).values()
    legal = ["id", "grosse_in_cm", "colour", "on"]
    before, after = (
        [dict(zip(legal, row.values(), strict=True)) for row in side.to_pylist()] for side in (made.before, made.after)
    )
    for i, record in enumerate(read(messages, ENVELOPE.avro)):
        assert record["before"] == (None if i % 3 == 0 else before[i])
        assert record["after"] == (None if i % 3 == 2 else after[i])
        assert record["op"] == "cud"[i % 3]
        assert record["ts_ms"] == record["source"]["ts_ms"] == 1_000 + i
        assert record["transaction"] is None
        assert record["source"] == {
            "version": "1",
            "connector": "synthstream",
            "name": "shop",
            "ts_ms": 1_000 + i,
            "snapshot": "false",
            "db": "shop",
            "sequence": str(70 + i),
            "table": "things",
            "shard": 5,
        }


def test_rows_come_out_again_under_their_columns() -> None:
    made = changed(2, 10)
    codec = Codec(ENVELOPE.avro)
    decoded = codec.decode(codec.encode(ENVELOPE.wrapped(made), 7).values())
    found = ENVELOPE.unwrapped(decoded.batch)
    assert found is not None
    batch, which = found
    assert which.tolist() == [i for i in range(10) if i % 3 != 2]
    assert batch.schema.names == [*TABLE.names]
    assert batch.to_pylist() == made.after.take(which).to_pylist()
    later = ENVELOPE.unwrapped(decoded.batch.slice(3, 4))
    assert later is not None
    assert later[1].tolist() == [0, 1, 3]
    assert later[0].to_pylist() == made.after.take([3, 4, 6]).to_pylist()


@pytest.mark.parametrize("batch", [rows(0, 2), pa.record_batch({"after": [1, 2]})])
def test_what_is_no_envelope_is_not_unwrapped(batch: pa.RecordBatch) -> None:
    assert ENVELOPE.unwrapped(batch) is None


def test_names_are_debeziums() -> None:
    avro = ENVELOPE.avro
    assert (avro["namespace"], avro["name"]) == ("shop_1.public.things", "Envelope")
    before, after = avro["fields"][0]["type"], avro["fields"][1]["type"]
    assert before[1]["name"] == "Value"
    assert after == ["null", "shop_1.public.things.Value"]


def test_a_table_with_an_avro_schema_of_its_own_keeps_its_names() -> None:
    fields = [{"name": "a", "type": "long"}, {"name": "more", "type": ["null", "string"], "default": None}]
    wire = {"type": "record", "name": "Thing", "namespace": "org.things", "fields": fields}
    table = TableSchema("t", (Column("a", Kind.INTEGER),), json.dumps(wire))
    envelope = Envelope(table, "s", "t")
    assert envelope.avro["fields"][1]["type"] == ["null", "org.things.Thing"]
    batch = pa.record_batch({"a": [1]})
    nothing = np.zeros(1, bool)
    wrapped = envelope.wrapped(Changed(batch, batch, ~nothing, nothing, np.zeros(1, np.int64), 0, 0))
    [record] = read(Codec(envelope.avro).encode(wrapped, 1).values(), envelope.avro)
    assert record["after"] == {"a": 1, "more": None}
    clash = json.dumps({**wire, "name": "Envelope", "namespace": "t"})
    with pytest.raises(InputError, match=r"topic=t: the table's Avro record is t\.Envelope, as the envelope; use"):
        _ = Envelope(TableSchema("t", (Column("a", Kind.INTEGER),), clash), "s", "t").avro
