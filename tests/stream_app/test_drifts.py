"""Scripted drifts in the records of a shard: what they change, what stays, and that all of it is drawn again alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.blocks import BLOCK_ROWS
from schemas.drift_kinds import drifts_of, form_of
from schemas.errors import InputError
from schemas.keying import KeyForm
from schemas.steering import Steering
from stream_app.contents import Contents
from stream_app.control import at_rate, drift_ended, drifting, steered
from stream_app.drifts import Running, running
from stream_app.lineage import DRIFT_HEADER
from stream_app.progress import Progress
from stream_app.publish import ShardPublisher
from stream_app.recipe import Recipe
from stream_app.replay import Range, replay
from stream_app.schedule import Schedule, starting
from tests.stream_app.memory_broker import Broker, Stream
from tests.stream_app.shop import START_MS, Kept, Record, decoded, recipe

START, COUNT = 5_000, 3 * BLOCK_ROWS
"""Drifts begin in the middle of the second of three blocks."""

PRICE = {"name": "d", "kind": "shift", "column": "price", "by": 5}


def drifting_recipe(*forms: dict[str, Any], **settings: Any) -> Recipe:
    return recipe(drifts=drifts_of([{"name": f"d{i}", **form} for i, form in enumerate(forms)]), **settings)


def sent(shared: Recipe, count: int = COUNT, start: int = 0, schedule: Schedule | None = None) -> list[Record]:
    kept = Kept()
    plan = starting(1_000, 0, shared.shards, START_MS) if schedule is None else schedule
    ShardPublisher(shared, 0, kept.outbox, plan, start).publish_until(start + count)
    return kept.records


def labels(records: list[Record]) -> list[str | None]:
    texts = [dict(record.headers).get(DRIFT_HEADER) for record in records]
    return [text.decode() if isinstance(text, bytes) else text for text in texts]


def columns(records: list[Record]) -> pa.Table:
    return decoded(records).unify_dictionaries()


@pytest.mark.parametrize(
    ("form", "column"),
    [
        ({"kind": "shift", "column": "price", "by": 5}, "price"),
        ({"kind": "scale", "column": "pieces", "factor": 2}, "pieces"),
        ({"kind": "nulls", "column": "pieces"}, "pieces"),
        ({"kind": "unseen", "column": "colour", "value": "pink"}, "colour"),
        ({"kind": "label", "column": "paid"}, "paid"),
        ({"kind": "correlation", "column": "price"}, "price"),
    ],
    ids=lambda form: form["kind"] if isinstance(form, dict) else form,
)
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_only_its_column_drifts_and_only_in_labelled_records(form: dict[str, Any], column: str, share: float) -> None:
    plain = sent(recipe())
    records = sent(drifting_recipe({**form, "share": share, "start_records": START, "duration_records": 6_000}))
    said = labels(records)
    assert [label is None for label in said] == [not START <= i < START + 6_000 for i in range(COUNT)]
    kind = form["kind"]
    assert set(said) - {None} == {f"d0:{kind}:sudden:1"} | ({f"d0:{kind}:sudden:0"} if share < 1 else set())
    hit = np.array([label is not None and label.endswith("1") for label in said])
    assert hit.sum() == pytest.approx(6_000 * share, abs=150)
    assert [r for r, h in zip(records, hit, strict=True) if not h and DRIFT_HEADER not in dict(r.headers)] == [
        r for r, label in zip(plain, said, strict=True) if label is None
    ]
    before, after = columns(plain), columns(records)
    for name in before.column_names:
        old, new = before[name].to_pylist(), after[name].to_pylist()
        differs = np.array([a != b for a, b in zip(old, new, strict=True)])
        assert not (differs & ~hit).any(), name
        assert differs.any() == (name == column), name
    assert [(r.key, r.timestamp_ms, r.partition) for r in records] == [
        (r.key, r.timestamp_ms, r.partition) for r in plain
    ]


def test_a_label_drift_leaves_every_byte_of_the_features() -> None:
    plain = sent(recipe())
    records = sent(drifting_recipe({"kind": "label", "column": "paid", "start_records": 0}))
    before, after = columns(plain), columns(records)
    assert after.drop_columns(["paid"]).equals(before.drop_columns(["paid"]))
    assert after["paid"].to_pylist() == [not paid for paid in before["paid"].to_pylist()]


def test_a_correlation_drift_keeps_a_blocks_values_and_breaks_what_goes_with_them() -> None:
    plain, records = sent(recipe()), sent(drifting_recipe({"kind": "correlation", "column": "price"}))
    before, after = columns(plain), columns(records)
    assert after.drop_columns(["price"]).equals(before.drop_columns(["price"]))
    for start in range(0, COUNT, BLOCK_ROWS):
        old, new = (each["price"].slice(start, BLOCK_ROWS).to_pylist() for each in (before, after))
        assert sorted(map(str, old)) == sorted(map(str, new))
        assert old != new
    kept = before["pieces"].is_valid().to_numpy()
    pieces = np.array([n or 0 for n in before["pieces"].to_pylist()])
    goes = [abs(np.corrcoef(each["price"].to_numpy()[kept], pieces[kept])[0, 1]) for each in (before, after)]
    assert goes[0] > 0.3
    assert goes[1] < 0.05


def test_a_gradual_drift_grows_from_none_to_all_and_stays() -> None:
    grows = {**PRICE, "course": "gradual", "start_records": 0, "ramp_records": 2 * BLOCK_ROWS}
    hit = np.array([label is not None and label.endswith(":1") for label in labels(sent(drifting_recipe(grows)))])
    assert hit[:8].sum() <= 1
    tenths = hit[: 2 * BLOCK_ROWS - 2].reshape(10, -1).mean(axis=1)
    assert tenths == pytest.approx(np.arange(0.05, 1, 0.1), abs=0.06)
    assert hit[2 * BLOCK_ROWS :].all()


def test_an_incremental_drift_grows_in_every_record_to_its_size() -> None:
    grows = {**PRICE, "by": 100, "course": "incremental", "start_records": 0, "ramp_records": 1_000}
    shared = drifting_recipe(grows)
    before, after = columns(sent(recipe(), 1_200)), columns(sent(shared, 1_200))
    moved = after["price"].to_numpy() - before["price"].to_numpy()
    assert moved[:1_000] == pytest.approx(np.arange(1_000) / 10, abs=1e-6)
    assert moved[1_000:] == pytest.approx(100)


def test_a_recurring_drift_comes_back() -> None:
    comes = {**PRICE, "course": "recurring", "start_records": 500, "period_records": 1_000, "active": 0.4}
    said = labels(sent(drifting_recipe(comes), 4_000))
    assert said[:500] == [None] * 500
    assert [label == "d:shift:recurring:1" for label in said[500:]] == [i % 1_000 < 400 for i in range(3_500)]


def test_seconds_are_of_the_streams_clock() -> None:
    timed = drifting_recipe({**PRICE, "start_s": 2.5, "duration_s": 3}, {**PRICE, "name": "e", "start_s": 5})
    said = labels(sent(timed, 6_000))
    assert said[2_499:2_501] == [None, "d:shift:sudden:1"]
    assert said[4_999:5_001] == ["d:shift:sudden:1", "d:shift:sudden:1,e:shift:sudden:1"]
    assert said[5_499:5_501] == ["d:shift:sudden:1,e:shift:sudden:1", "e:shift:sudden:1"]
    price = columns(sent(timed, 6_000))["price"].to_numpy() - columns(sent(recipe(), 6_000))["price"].to_numpy()
    assert price[5_000:5_500] == pytest.approx(10)


def test_records_are_the_streams_in_every_shard_by_its_part() -> None:
    shared = drifting_recipe({**PRICE, "start_records": 4_000}, shards=4)
    assert [label is None for label in labels(sent(shared, 1_500))] == [i < 1_000 for i in range(1_500)]


EVERY: list[dict[str, Any]] = [
    {**PRICE, "course": "gradual", "start_s": 1, "ramp_s": 6},
    {"kind": "correlation", "column": "pieces", "start_s": 2, "share": 0.5},
    {"kind": "nulls", "column": "pieces", "share": 0.2, "start_s": 0.5, "duration_s": 5},
    {"kind": "label", "column": "paid", "course": "recurring", "period_s": 2},
    {"kind": "unseen", "column": "colour", "share": 0.1},
]


@pytest.mark.parametrize("settings", [{}, {"key": KeyForm(column="colour")}, {"event_time": "at"}], ids=str)
def test_records_are_the_same_however_they_are_asked_for(settings: dict[str, Any]) -> None:
    forms = EVERY[:-1] if "key" in settings else EVERY
    shared = drifting_recipe(*forms, **settings)
    whole = sent(shared)
    for start, count in ((0, 1), (BLOCK_ROWS - 3, 6), (5_000, 2_000), (COUNT - 10, 10)):
        assert sent(shared, count, start) == whole[start : start + count]


def test_what_is_published_before_anybody_knows_what_comes_is_replayed_alike() -> None:
    """A change of rate in the middle of a block moves the times of later records, and no byte of earlier ones."""
    shared, live, again = drifting_recipe(*EVERY), Kept(), Kept()
    publisher = ShardPublisher(shared, 0, live.outbox, starting(1_000, 0, 1, START_MS))
    for stop, rate in ((1_500, 300.0), (5_000, 2_000.0), (9_000, 1_000.0)):
        publisher.publish_until(stop)
        publisher.prepare()
        publisher.change(publisher.schedule.with_rate(publisher.position, START_MS + 2 * stop, rate))
    publisher.change(contents=publisher.contents.changed(9_000, steering=Steering(given={"pieces": 2})))
    publisher.publish_until(COUNT)
    progress = Progress(0, {}, COUNT, publisher.schedule, publisher.contents)
    progress = Progress.from_bytes(progress.to_bytes())
    replay(again.outbox, shared, progress, Range(0, 0, COUNT))
    assert again.records == live.records
    assert len(set(labels(live.records))) > 8


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: recipe().check_drifts(drifts_of([{"name": "d", "kind": "nulls", "column": "price"}])),
            "never missing",
        ),
        (
            lambda: recipe(event_time="at").check_drifts(drifts_of([{**PRICE, "column": "at"}])),
            "drift d column=at: is the event time, which the stream's clock fills; choose another column",
        ),
        (
            lambda: recipe(key=KeyForm(column="price")).check_drifts(drifts_of([PRICE])),
            "drift d column=price: records are keyed by it; choose another column",
        ),
    ],
)
def test_what_can_not_drift_is_one_line(make: Callable[[], None], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


def test_what_goes_on_goes_on_and_what_is_new_begins_now() -> None:
    first, second = drifts_of([PRICE, {**PRICE, "name": "e"}])
    began = running((first,), (), 10, 500.0)
    assert began == (Running(first, 10, 500.0),)
    assert running((first, second), began, 20, 900.0) == (*began, Running(second, 20, 900.0))
    other = replace(began[0], drift=drifts_of([{**PRICE, "by": 6}])[0])
    assert running((other.drift,), began, 20, 900.0) == (Running(other.drift, 20, 900.0),)
    assert Running.from_json(began[0].to_json()) == began[0]
    assert form_of(first) == PRICE


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(2).installed(monkeypatch)


def test_a_running_stream_drifts_by_command_and_says_from_where(broker: Broker) -> None:
    stream = Stream(broker, recipe(2)).begin()
    for shard, position in enumerate((70, 90)):
        stream.owned[shard].publisher.publish_until(position)
    (storm,) = drifts_of([{**PRICE, "duration_records": 100}])
    assert [answer.position for answer in stream.tell(drifting(storm)).values()] == [70, 90]
    stream.tell(steered(Steering(given={"paid": True})))
    stream.tell(at_rate(50.0, START_MS))
    assert [owned.publisher.contents.latest.drifts[0].sequence for owned in stream.owned.values()] == [70, 90]
    with pytest.raises(InputError, match="drift d: the stream has one of that name; choose another, or end it first"):
        stream.tell(drifting(storm))
    with pytest.raises(InputError, match="shard=0: refused the command: drift e column=price: is never missing"):
        stream.tell(drifting(drifts_of([{"name": "e", "kind": "nulls", "column": "price"}])[0]))
    stream.attend()
    for owned in stream.owned.values():
        owned.publisher.publish_until(300)
    stream.tell(drift_ended("d"))
    assert [owned.publisher.contents.latest.drifts for owned in stream.owned.values()] == [(), ()]
    with pytest.raises(InputError, match="drift d: the stream has none of that name; it has none"):
        stream.tell(drift_ended("d"))
    for owned in stream.owned.values():
        owned.commit()
    assert [each.drift for each in stream.progress(1).contents.at(90).drifts] == [storm]


def test_a_drift_in_seconds_and_a_rate_without_a_clock_exclude_each_other(broker: Broker) -> None:
    stream = Stream(broker, recipe(2)).begin()
    stream.tell(drifting(drifts_of([PRICE])[0]))
    with pytest.raises(InputError, match="shard=0: refused the command: drift d: counts seconds, and at the rate max"):
        stream.tell(at_rate(None, START_MS))
    stream.attend()
    assert stream.owned[0].publisher.contents.latest.drifts[0].at_ms == pytest.approx(
        stream.answers()[0]["at_ms"], abs=1
    )


def test_the_drifts_of_a_file_are_terms_and_begin_with_the_stream(broker: Broker) -> None:
    stream = Stream(broker, drifting_recipe(PRICE, shards=2))
    stream.initial = replace(stream.initial, drifts=stream.recipe.drifts)
    stream.begin()
    stream.tell(at_rate(50.0, START_MS))
    begun = stream.progress(0).contents
    assert begun == Contents((replace(begun.changes[0], drifts=(Running(stream.recipe.drifts[0]),)),))
    assert stream.recipe.terms["drifts"].startswith("{name: d, kind: shift, column: price")


def test_a_shard_that_is_taken_again_goes_on_with_its_drifts_byte_for_byte(broker: Broker) -> None:
    """What was handed over after the last commit is drawn anew by the next owner, drift and all."""
    stream = Stream(broker, drifting_recipe({**PRICE, "course": "gradual", "ramp_s": 20}, shards=2))
    stream.initial = replace(stream.initial, drifts=stream.recipe.drifts)
    stream.begin()
    first = stream.owned[0]
    first.publisher.publish_until(300)
    (gaps,) = drifts_of([{"name": "gaps", "kind": "nulls", "column": "pieces", "share": 0.5, "duration_records": 400}])
    stream.tell(drifting(gaps))
    first.publisher.publish_until(700)
    first.abandon()
    again = stream.take(0)
    assert again.publisher.position == 300
    assert again.publisher.contents == first.publisher.contents
    assert again.publisher.schedule == first.publisher.schedule
    kept = Kept()
    one, other = (
        ShardPublisher(stream.recipe, 0, kept.outbox, owned.publisher.schedule, 300, contents=owned.publisher.contents)
        for owned in (first, again)
    )
    one.publish_until(700)
    other.publish_until(700)
    assert kept.records[:400] == kept.records[400:]
    assert {label.count(":1") for label in labels(kept.records) if label is not None} == {0, 1, 2}
