"""Pages of encoded records: what they are drawn from, and where one ends because something changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS
from generators.fitting import fit_artifact
from generators.keys import murmur2
from schemas import changes as change_forms
from schemas.errors import InputError
from schemas.inference import conform, infer
from schemas.keying import KeyForm
from schemas.steering import Steering, steering_of
from stream_app.changes import Changes
from stream_app.contents import Contents, Model
from stream_app.lineage import HEADER, WEIGHT_HEADER, parse
from stream_app.progress import Progress
from stream_app.publish import ShardPublisher, run
from stream_app.recipe import Recipe
from stream_app.replay import Range, replay
from stream_app.schedule import begun, starting
from tests.stream_app.shop import START_MS, Hands, Kept, Record, decoded, orders_table, recipe, trained

LATER = Model("later", "/models/later")


def kept(shared: Recipe, contents: Contents | None, count: int, start: int = 0) -> list[Record]:
    """Records of a shard under a content log."""
    out = Kept()
    publisher = ShardPublisher(shared, 0, out.outbox, starting(1_000, 0, 1, 0.0), start, contents=contents)
    publisher.publish_until(start + count)
    return out.records


def other() -> Artifact:
    """An artifact of the same columns that draws other records."""
    raw = orders_table(2_000)
    schema = infer(raw, "orders")
    return fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 1, lambda share, what: None)


def test_steering_holds_columns_from_the_very_record_on() -> None:
    at = BLOCK_ROWS - 10
    steered = kept(
        recipe(), Contents().changed(at, steering=Steering(given={"colour": "red", "pieces": None})), BLOCK_ROWS + 100
    )
    plain = kept(recipe(), Contents(), BLOCK_ROWS + 100)
    assert [r.value for r in steered[:at]] == [r.value for r in plain[:at]]
    rows = decoded(steered[at:]).to_pylist()
    assert {row["colour"] for row in rows} == {"red"}
    assert {row["pieces"] for row in rows} == {None}
    assert len({row["price"] for row in rows}) > 10


SHARED = steering_of({"shares": {"colour": {"red": 0.1}}})
BOOSTED = steering_of({"boost": {"column": "colour", "value": "grün", "share": 0.9}})


@pytest.mark.parametrize("steering", [SHARED, BOOSTED])
def test_values_come_in_other_shares_from_the_very_record_on_and_weights_say_so(steering: Steering) -> None:
    at = BLOCK_ROWS - 10
    log = Contents().changed(at, steering=steering).changed(at + 3_000, steering=Steering())
    told = kept(recipe(), log, at + 3_100)
    begun, plain = kept(replace(recipe(), steering=steering), None, at + 3_000), kept(recipe(), Contents(), at + 3_100)
    assert told[:at] == plain[:at]
    assert told[at:-100] == begun[at:]
    assert told[-100:] == plain[-100:]
    colours = decoded(begun)["colour"].to_pylist()
    assert colours.count("red" if steering == SHARED else "grün") == pytest.approx(
        len(colours) * (0.1 if steering == SHARED else 0.9), rel=0.1
    )
    worth = [dict(r.headers).get(WEIGHT_HEADER) for r in begun]
    green = trained().generator.domain("colour").shares[2]
    expected = {"grün": f"{green / 0.9:.9g}", "else": f"{(1 - green) / 0.1:.9g}"}
    assert worth == [
        expected["grün" if c == "grün" else "else"].encode() if steering == BOOSTED else None for c in colours
    ]
    assert not any(WEIGHT_HEADER in dict(r.headers) for r in plain)


def test_weights_of_changes_are_those_of_the_rows_after_and_deletes_have_none() -> None:
    changes = Changes(change_forms.Changes(form="upserts", deletes=0.2))
    records = kept(recipe(key=KeyForm(entities=200), changes=changes, steering=BOOSTED), None, 3_000)
    weighted = [r for r in records if r.value is not None]
    assert {WEIGHT_HEADER in dict(r.headers) for r in records if r.value is None} == {False}
    colours = decoded(weighted)["colour"].to_pylist()
    assert colours.count("grün") == pytest.approx(0.9 * len(colours), rel=0.1)
    worth = [float(dict(r.headers)[WEIGHT_HEADER] or b"") for r in weighted]
    assert {(c == "grün", w < 1) for c, w in zip(colours, worth, strict=True)} == {(True, True), (False, False)}
    assert sum(worth) / len(worth) == pytest.approx(1, abs=0.2)


def test_another_artifact_takes_over_at_the_very_record_and_says_so() -> None:
    successor = replace(recipe(), artifact=other(), schema_id=9)
    asked: list[Model] = []

    def another(model: Model) -> Recipe:
        asked.append(model)
        return successor

    shared = replace(recipe(), another=another)
    records = kept(shared, Contents().changed(100, model=LATER).changed(200, model=None), 300)
    plain, own = kept(recipe(), Contents(), 300), kept(successor, Contents(), 300)
    expected = [*plain[:100], *own[100:200], *plain[200:]]
    assert [(r.value, r.key) for r in records] == [(r.value, r.key) for r in expected]
    lineages = [parse(bytes(dict(r.headers)[HEADER] or b"")) for r in records]  # type: ignore[arg-type]
    assert all(lineage is not None and lineage.sequence == n for n, lineage in enumerate(lineages))
    assert [x.artifact for x in lineages if x][100] == successor.artifact.identity[:32]
    assert asked == [LATER]


def test_a_stream_that_knows_no_other_artifact_refuses_one() -> None:
    with pytest.raises(InputError, match="artifact=/models/later: this stream can not change its artifact"):
        kept(recipe(), Contents().changed(5, model=LATER), 10)


@pytest.mark.parametrize("given", [{"colour": "blue"}, {"nonsense": 1}, {"plate": "B1"}])
def test_a_publisher_says_beforehand_what_can_not_be_held(given: dict[str, Any]) -> None:
    publisher = ShardPublisher(recipe(), 0, Kept().outbox, starting(1_000, 0, 1, 0.0))
    with pytest.raises(InputError):
        publisher.check(None, Steering(given=given))
    publisher.check(None, Steering(given={"colour": "red"}))


def test_a_range_is_replayed_byte_for_byte_under_the_logs_it_was_published_by() -> None:
    contents = Contents().changed(50, steering=Steering(given={"colour": "red"})).changed(60, steering=BOOSTED)
    contents = contents.changed(90, steering=Steering())
    schedule = starting(1_000, 0, 1, 0.0).with_rate(70, 500.0, 10)
    whole, again = Kept(), Kept()
    ShardPublisher(recipe(), 0, whole.outbox, schedule, contents=contents).publish_until(150)
    progress = Progress(0, {}, 150, schedule, contents)
    assert replay(again.outbox, recipe(), progress, Range(0, 40, 100)) == 60
    assert again.records == whole.records[40:100]
    assert again.flushed == 60


@pytest.mark.parametrize("make", [lambda: Range(0, 5, 5), lambda: Range(0, -1, 5)])
def test_an_empty_range_is_refused(make: Callable[[], Range]) -> None:
    with pytest.raises(InputError, match="expected at least one record"):
        make()


COLOURS = KeyForm(column="colour")


@pytest.mark.parametrize("shards", [1, 2, 4, 50])
@pytest.mark.parametrize("count", [1, 7, 9_001])
@pytest.mark.parametrize("key", [COLOURS, KeyForm(column="pieces", skew=3), KeyForm(entities=5)])
def test_shares_follow_the_keys_and_counts_are_exact(key: KeyForm, shards: int, count: int) -> None:
    shared = recipe(shards, key=key)
    assert sum(shared.fractions) == pytest.approx(1)
    counts = [shared.count(shard, count) for shard in range(shards)]
    assert sum(n or 0 for n in counts) == count
    for shard, fraction in enumerate(shared.fractions):
        assert (shared.count(shard, None) == 0) == (fraction == 0)
        assert abs((counts[shard] or 0) - count * fraction) < 1
        assert shared.share(shard).fraction == fraction
        assert shared.share(shard).phase == pytest.approx(sum(shared.fractions[:shard]))


@pytest.mark.parametrize("rate", [1_000, math.inf])
def test_a_keyed_stream_has_every_key_where_murmur2_puts_it(rate: float) -> None:
    shared, out, count = recipe(4, key=COLOURS), Kept(), 2_000
    shards = [
        ShardPublisher(shared, s, out.outbox, begun(rate, shared.share(s), START_MS), count=shared.count(s, count))
        for s in range(4)
    ]
    assert sum(shard.done for shard in shards) == shared.fractions.count(0) > 0  # done before they began
    run(lambda: shards, lambda shard, late_s: None, lambda: False, Hands().clock)
    assert len(out.records) == count
    for record in out.records:
        assert record.key is not None
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 4
    keys = [str(record.key, "utf-8") for record in out.records if record.key is not None]
    assert decoded(out.records)["colour"].to_pylist() == keys
    if rate < math.inf:  # together they keep the stream's rate
        due = sorted(record.timestamp_ms for record in out.records)
        assert due[-1] - due[0] == pytest.approx(count, rel=0.01)


def test_a_keyed_stream_can_not_be_steered_by_its_key_but_by_other_columns() -> None:
    shared = recipe(1, key=COLOURS)
    publisher = ShardPublisher(shared, 0, Kept().outbox, starting(10, 0, 1, 0.0))
    publisher.check(None, Steering(given={"paid": True}))
    with pytest.raises(InputError, match="colour: records are keyed by it, so it can not be held at one value"):
        publisher.check(None, Steering(given={"colour": "red"}))
    steered = kept(shared, Contents().changed(10, steering=Steering(given={"paid": True})), 50)
    plain = kept(shared, Contents(), 50)
    assert [r.key for r in steered] == [r.key for r in plain]
    assert decoded(steered[10:])["paid"].to_pylist() == [True] * 40
