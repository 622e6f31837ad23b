"""Change streams as a reader sees them: chains of before and after, tombstones, and what changes beneath them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.kafka import Heads
from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS
from generators.changes.entities import Events
from generators.fitting import fit_artifact
from generators.keys import murmur2
from schemas import changes as forms
from schemas import disorder as disorders
from schemas.avro import avro_schema
from schemas.blobs import Blobs
from schemas.codec import Codec
from schemas.envelope import Envelope
from schemas.errors import InputError
from schemas.inference import conform, infer
from schemas.keying import KeyForm
from schemas.rules import Allowed
from schemas.steering import Steering
from schemas.table import Column, Kind, TableSchema
from stream_app.arranged import HEADER
from stream_app.changes import Changes, _Looks, flat_schema, happened
from stream_app.contents import Content, Contents, Model
from stream_app.disorder import Disorder
from stream_app.lineage import HEADER as LINEAGE
from stream_app.lineage import parse
from stream_app.progress import Progress
from stream_app.publish import ShardPublisher
from stream_app.quarantine import Gate
from stream_app.recipe import Recipe
from stream_app.replay import Range, replay
from stream_app.schedule import starting
from tests.stream_app.shop import SCHEMA_ID, START_MS, Book, Kept, Record, orders_table, recipe, trained

COUNT = 2 * BLOCK_ROWS + 700
ENTITIES = KeyForm(entities=700, skew=1.1)
COLUMNS = ["price", "pieces"]
ENVELOPED = 8
Row = dict[str, Any]


def changing(form: Mapping[str, Any], shards: int = 1, artifact: Artifact | None = None, **more: Any) -> Recipe:
    """A stream of changes to orders."""
    artifact = trained() if artifact is None else artifact
    changes = Changes(forms.Changes.model_validate({"form": "debezium", **form}))
    plain = recipe(shards, artifact, key=ENTITIES, **more)
    if changes.form.form == "debezium":
        envelope = Envelope(artifact.schema, "orders", "shop.orders")
        changes = replace(changes, envelope=envelope)
        plain = replace(plain, codec=Codec(envelope.avro), schema_id=ENVELOPED)
    return replace(plain, changes=changes)


def sent(
    shared: Recipe, cuts: tuple[int, ...] = (), contents: Contents | None = None, shard: int = 0, start: int = 0
) -> Kept:
    """Everything handed over by publishers that each take over where the one before was cut off."""
    kept, position = Kept(), start
    for cut in (*cuts, COUNT):
        publisher = ShardPublisher(
            shared, shard, kept.outbox, starting(1_000, 0, 1, START_MS), position, COUNT, contents
        )
        publisher.publish_until(cut)
        position = cut
    return kept


def opened(records: list[Record]) -> list[Any]:
    """Envelopes, None for tombstones."""
    envelope = Envelope(trained().schema, "orders", "shop.orders")
    decoders = Book({ENVELOPED: envelope.avro, SCHEMA_ID: avro_schema(trained().schema)}).decoders
    found: list[Any] = [None] * len(records)
    decoded = decoders.decode(
        Blobs.of(record.value for record in records), Heads.of(record.headers for record in records)
    )
    for batch, rows in zip(decoded.batches, decoded.rows, strict=True):
        for row, form in zip(rows.tolist(), batch.to_pylist(), strict=True):
            found[row] = form
    return found


def slot(record: Record) -> int:
    mark = parse(dict(record.headers)[LINEAGE])  # type: ignore[arg-type]
    assert mark is not None
    return mark.sequence


@cache
def whole(columns: tuple[str, ...] | None = None) -> Kept:
    return sent(changing({"deletes": 0.2, "columns": columns}))


@pytest.mark.parametrize("columns", [None, tuple(COLUMNS)])
def test_before_is_after_of_the_event_before_of_the_same_key_and_a_tombstone_follows_a_delete(
    columns: tuple[str, ...] | None,
) -> None:
    records = whole(columns).records
    last: dict[bytes | None, Row | None] = {}
    slots: list[int] = []
    deleted: bytes | None = None
    for record, form in zip(records, opened(records), strict=True):
        if form is None:
            assert record.key == deleted
            assert slot(record) == slots[-1]
            deleted = None
            continue
        assert deleted is None, "a tombstone follows at once"
        slots.append(slot(record))
        before, after = form["before"], form["after"]
        assert before == last.get(record.key)
        assert (
            form["op"] == {(True, False): "c", (False, False): "u", (False, True): "d"}[before is None, after is None]
        )
        assert form["ts_ms"] == form["source"]["ts_ms"] == record.timestamp_ms
        assert form["source"]["sequence"] == str(slots[-1])
        if after is not None:
            assert str(after["id"]).encode() == record.key
            if columns is not None and before is not None:
                assert {n for n in after if after[n] != before[n]} <= set(columns)
        deleted, last[record.key] = (record.key if after is None else None), after
    assert slots == list(range(COUNT))
    assert len(records) - COUNT == sum(form is not None and form["op"] == "d" for form in opened(records))
    assert len(last) > 500


def test_upserts_leave_the_same_table_as_envelopes() -> None:
    tables: list[dict[bytes | None, Row]] = []
    upserts = sent(changing({"form": "upserts", "deletes": 0.2}))
    assert [slot(record) for record in upserts.records] == list(range(COUNT))
    for records in (upserts.records, whole().records):
        table: dict[bytes | None, Row] = {}
        for record, form in zip(records, opened(records), strict=True):
            row = form["after"] if form is not None and "op" in form else form
            if row is None:
                table.pop(record.key, None)
            else:
                table[record.key] = row
        tables.append(table)
    assert tables[0] == tables[1]
    assert len(tables[0]) > 100
    empty = sum(record.value is None for record in upserts.records)
    assert empty / COUNT == pytest.approx(0.2 * (1 - 700 / COUNT), abs=0.03)


def test_without_tombstones_or_deletes_a_slot_is_a_record() -> None:
    silent = sent(changing({"deletes": 0.2, "tombstones": False})).records
    assert [slot(record) for record in silent] == list(range(COUNT))
    assert [r.value for r in silent] == [r.value for r in whole().records if r.value is not None]
    forever = opened(sent(changing({})).records)
    assert {form["op"] for form in forever} == {"c", "u"}


@pytest.mark.parametrize("cuts", [(1,), (17, 4_090, 4_096, 4_999), (2_048, 4_097)])
def test_wherever_a_shard_is_taken_over_the_same_leaves(cuts: tuple[int, ...]) -> None:
    assert sent(changing({"deletes": 0.2}), cuts).records == whole().records


def test_a_range_is_replayed_alone() -> None:
    shared, again = changing({"deletes": 0.2}), Kept()
    progress = Progress(0, {}, COUNT, starting(1_000, 0, 1, START_MS))
    assert replay(again.outbox, shared, progress, Range(0, 5_000, 5_100)) == 100
    assert again.records == [r for r in whole().records if 5_000 <= slot(r) < 5_100]


@pytest.mark.parametrize("shards", [2, 5])
def test_keys_are_where_murmur2_puts_them_and_shards_have_their_share(shards: int) -> None:
    shared = changing({"form": "upserts"}, shards)
    for shard in range(shards):
        keys = {record.key for record in sent(shared, shard=shard, start=BLOCK_ROWS).records}
        assert {(murmur2(key or b"") & 0x7FFFFFFF) % shards for key in keys} == {shard}
    assert sum(shared.fractions) == pytest.approx(1)


LATER = Model("later", "/models/later")


@cache
def successor() -> Artifact:
    """An artifact of the same columns that draws other rows."""
    raw = orders_table(2_000)
    schema = infer(raw, "orders")
    return fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 1, lambda share, what: None)


def test_the_chain_holds_across_steering_and_another_model() -> None:
    form = {"deletes": 0.1, "columns": COLUMNS}
    shared = replace(changing(form), another=lambda model: changing(form, artifact=successor()))
    log = (
        Contents()
        .changed(1_000, steering=Steering(given={"colour": "red"}))
        .changed(2_500, steering=Steering(given={"colour": "red"}, shares={"paid": {"true": 0.9}}))
    )
    log = log.changed(4_096, model=LATER).changed(6_000, steering=Steering()).changed(7_000, model=None)
    records = sent(shared, (1_000, 3_333), log).records
    last: dict[bytes | None, Row | None] = {}
    colours: dict[bool, set[str]] = {True: set(), False: set()}
    for record, row in zip(records, opened(records), strict=True):
        if row is None:
            continue
        assert row["before"] == last.get(record.key), slot(record)
        last[record.key] = row["after"]
        if row["after"] is not None:
            colours[1_000 <= slot(record) < 6_000].add(row["after"]["colour"])
    assert colours == {True: {"red"}, False: {"red", "green", "grün"}}
    assert [r.value for r in records if slot(r) < 1_000] == [
        r.value for r in sent(changing(form)).records if slot(r) < 1_000
    ]


def test_only_contents_are_drawn_that_some_event_before_fell_under(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Contents()
    for number in range(60):
        log = log.changed(4_000 + 7 * number, steering=Steering(given={"pieces": number % 9, "paid": number % 7 == 0}))
    shared = changing({"columns": COLUMNS, "deletes": 0.1})
    assert shared.changes is not None
    history = shared.changes.history(shared.source(0))
    start, stop = 2 * BLOCK_ROWS + 100, 2 * BLOCK_ROWS + 600
    blocks = [history.block(index) for index in range(3)]
    entities = np.concatenate([block.entities for block in blocks])[:stop].tolist()
    created = np.concatenate([block.created for block in blocks])
    last, needed = dict[int, int](), [log.at(start)]
    for slot, entity in enumerate(entities):
        if slot >= start and not created[slot]:
            needed.append(log.at(last[entity]))
        last[entity] = slot
    drawn: list[Content] = []
    under = _Looks.under

    def counted(self: _Looks, content: Content, *events: Events) -> list[pa.RecordBatch]:
        drawn.append(content)
        return under(self, content, *events)

    monkeypatch.setattr(_Looks, "under", counted)
    happened(history, lambda model: trained(), log, (start, stop), with_before=True)
    wanted = {repr(dict(content.steering.given)) for content in needed}
    assert len(drawn) == len(wanted)
    assert {repr(dict(content.steering.given)) for content in drawn} == wanted
    assert 1 < len(wanted) < 30


def test_a_model_of_other_columns_draws_rows_before_as_it_would_have_been() -> None:
    raw = orders_table(2_000).drop_columns(["plate"])
    schema = infer(raw, "orders")
    narrow = fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 1, lambda share, what: None)
    shared = replace(changing({}), another=lambda model: changing({}, artifact=narrow))
    records = sent(shared, (), Contents().changed(5_000, model=LATER).changed(7_000, model=None)).records
    codec = Codec(Envelope(narrow.schema, "orders", "shop.orders").avro)
    swapped = [record for record in records if 5_000 <= slot(record) < 7_000]
    narrowed = codec.decode([record.value for record in swapped]).batch.to_pylist()
    last: dict[bytes | None, Row] = {}
    for record, row in zip(swapped, narrowed, strict=True):
        assert row["before"] is None or set(row["before"]) == set(narrow.schema.names)
        assert record.key not in last or row["before"] == last[record.key]
        last[record.key] = row["after"]
    assert [r.value for r in records if slot(r) < 5_000] == [
        r.value for r in sent(changing({})).records if slot(r) < 5_000
    ]


def test_a_model_that_does_not_know_an_entity_and_columns_that_can_not_be_held_are_refused() -> None:
    def keyed(artifact: Artifact | None = None) -> Recipe:
        return replace(changing({"form": "upserts"}, artifact=artifact), key=KeyForm(column="colour"))

    raw = orders_table(2_000)
    fewer = raw.set_column(3, "colour", [["red", "green"] * 1_000])
    schema = infer(fewer, "orders")
    other = fit_artifact(conform(fewer, schema), schema, "tabular.marginals", {}, 1, lambda share, what: None)
    shared = replace(keyed(), another=lambda model: keyed(other if model == LATER else successor()))
    publisher = ShardPublisher(shared, 0, Kept().outbox, starting(1_000, 0, 1, 0.0))
    publisher.check(None, Steering(given={"paid": True}))
    publisher.check(Model("same", "/models/same"), Steering(given={"paid": True}))
    with pytest.raises(InputError, match="does not know colour=grün, an entity of this stream; train it on rows"):
        publisher.check(LATER, Steering())
    with pytest.raises(InputError, match="colour: records are keyed by it, so it can not be held at one value"):
        publisher.check(None, Steering(given={"colour": "red"}))
    with pytest.raises(InputError, match="paid=maybe: must be a boolean"):
        publisher.check(None, Steering(given={"paid": "maybe"}))


DISORDER = {
    "out_of_order": {"share": 0.1, "max_slots": 40},
    "duplicates": {"share": 0.1},
    "missing": {"share": 0.05},
}


def test_what_befalls_a_delete_befalls_its_tombstone() -> None:
    disorder = Disorder(disorders.Disorder.model_validate(DISORDER), "labels", COUNT)
    shared = changing({"deletes": 0.2}, disorder=disorder)
    kept = sent(shared)
    values = {slot(r): r for r in whole().records if r.value is not None}
    dead = {slot(r) for r in whole().records if r.value is None}
    seen: set[int] = set()
    at = 0
    while at < len(kept.records):
        record = kept.records[at]
        assert record.value == values[slot(record)].value
        seen.add(slot(record))
        at += 1
        if slot(record) in dead:
            tombstone = kept.records[at]
            assert not tombstone.value
            assert (tombstone.key, tombstone.headers) == (record.key, record.headers)
            at += 1
    assert len(seen) == pytest.approx(0.95 * COUNT, rel=0.02)
    assert any(HEADER in dict(r.headers) for r in kept.records if r.value is None)
    assert sent(shared, (1_111, 5_000)).records == kept.records


@pytest.mark.parametrize("form", ["upserts", "debezium"])
def test_hard_rules_judge_the_row_after_and_let_deletes_pass(form: str) -> None:
    gate = Gate((Allowed("colour", ("red", "green")),), keeps=True, topic="aside")
    changes = {"form": form, "deletes": 0.2}
    kept = sent(changing(changes, gate=gate))
    plain = sent(changing(changes)).records
    aside = kept.aside["aside"]
    colours = {(row["after"] if form == "debezium" else row)["colour"] for row in opened(aside)}
    assert colours == {"grün"}
    assert sorted(map(slot, [*kept.records, *aside])) == sorted(map(slot, plain))
    assert sum(r.value is None for r in kept.records) == sum(r.value is None for r in plain) > 0


def test_event_times_are_those_of_upserts() -> None:
    records = sent(changing({"form": "upserts", "deletes": 0.2}, event_time="at")).records
    for record, row in zip(records[:500], opened(records[:500]), strict=True):
        assert row is None or row["at"].timestamp() * 1_000 == record.timestamp_ms


def test_entities_are_as_popular_as_their_keys() -> None:
    shared = changing({"form": "upserts"})
    assert shared.population is not None
    keys = [str(text).encode() for text in shared.population.texts.to_pylist()]
    counted = dict.fromkeys(keys, 0)
    whole = 2 * BLOCK_ROWS  # each block has its share of every entity, to within one
    for record in sent(shared).records[:whole]:
        counted[record.key or b""] += 1
    off = np.array([counted[key] for key in keys]) - shared.population.shares * whole
    assert np.abs(off).max() < 2.1


def test_changes_as_rows_need_their_own_columns() -> None:
    schema = TableSchema("t", (Column("a", Kind.INTEGER),))
    assert flat_schema(schema).names == ("a", "__op", "__key")
    with pytest.raises(InputError, match="changes: the table has a column __op, as a change has; rename it"):
        flat_schema(flat_schema(schema))
