"""What befalls records: the plan of a block, and what a reader who knows nothing of it counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.blocks import BLOCK_ROWS
from schemas import disorder as forms
from schemas.errors import InputError
from schemas.stream import from_mapping
from stream_app.arranged import HEADER
from stream_app.contents import Contents
from stream_app.disorder import Disorder, undisturbed
from stream_app.lineage import DRIFT_HEADER, parse
from stream_app.lineage import HEADER as LINEAGE
from stream_app.publish import ShardPublisher
from stream_app.recipe import Recipe
from stream_app.schedule import starting
from tests.stream_app.shop import START_MS, Kept, Record, decoded, recipe, storm

KEY = (11, 12)
ALL = {
    "late": {"share": 0.1, "mean_s": 2, "max_s": 9},
    "out_of_order": {"share": 0.1, "max_slots": 40},
    "duplicates": {"share": 0.05, "max_slots": 300},
    "missing": {"share": 0.05},
}


def disorder(form: Mapping[str, Any], count: int | None = None) -> Disorder:
    return Disorder(forms.Disorder.model_validate(form), "labels", count)


SHARE = st.sampled_from([0.0, 0.01, 0.5, 1.0])
SLOTS = st.sampled_from([1, 2, 50, 4_095])


@settings(max_examples=40, deadline=None)
@given(st.tuples(SHARE, SHARE, SHARE), st.tuples(SLOTS, SLOTS), st.integers(0, 2**40), st.integers(1, BLOCK_ROWS))
def test_the_laws_of_a_plan(shares: tuple[float, ...], reach: tuple[int, int], block: int, size: int) -> None:
    form = {
        "out_of_order": {"share": shares[0], "max_slots": reach[0]},
        "duplicates": {"share": shares[1], "max_slots": reach[1]},
        "missing": {"share": shares[2]},
    }
    plan = disorder(form).plan(KEY, block, block * BLOCK_ROWS + size)
    first, again = plan.rows[~plan.copies], plan.rows[plan.copies]
    assert sorted([*first.tolist(), *plan.missing.tolist()]) == list(range(size))
    assert len(set(again.tolist())) == len(again)
    assert set(again.tolist()) <= set(first.tolist())
    assert (np.diff(plan.slots) >= 0).all()
    assert plan.slots.max(initial=-1) < size
    moved = plan.slots - plan.rows
    assert ((moved[~plan.copies] >= 0) & (moved[~plan.copies] <= reach[0])).all()
    at = dict(zip(first.tolist(), plan.slots[~plan.copies].tolist(), strict=True))
    behind = [slot - at[row] for slot, row in zip(plan.slots[plan.copies].tolist(), again.tolist(), strict=True)]
    assert all(0 <= slots <= reach[1] for slots in behind)
    places = {row: i for i, row in reversed(list(enumerate(plan.rows.tolist())))}
    assert not plan.copies[list(places.values())].any(), "a copy came before what it repeats"


def test_shares_are_met_and_lateness_has_its_mean_and_cap() -> None:
    plans = [disorder(ALL).plan(KEY, block) for block in range(50)]
    n = 50 * BLOCK_ROWS
    counted = {
        "late": sum(np.count_nonzero(plan.late_ms) for plan in plans),
        "out_of_order": sum(np.count_nonzero((plan.slots > plan.rows) & ~plan.copies) for plan in plans),
        "duplicates": sum(np.count_nonzero(plan.copies) for plan in plans),
        "missing": sum(len(plan.missing) for plan in plans),
    }
    shares = {"late": 0.1, "out_of_order": 0.1 * 0.95, "duplicates": 0.05 * 0.95, "missing": 0.05}
    for kind, share in shares.items():
        assert abs(counted[kind] - n * share) < 5 * (n * share) ** 0.5, kind
    late_s = np.concatenate([plan.late_ms[plan.late_ms > 0] for plan in plans]) / 1_000
    assert late_s.mean() == pytest.approx(2 * (1 - np.exp(-4.5)), rel=0.03)
    assert late_s.max() == 9


@pytest.mark.parametrize(("distribution", "median_s"), [("fixed", 2.0), ("lognormal", 2 * np.exp(-0.5))])
def test_other_distributions_of_lateness(distribution: str, median_s: float) -> None:
    form = {"late": {"share": 1, "mean_s": 2, "max_s": 1_000, "distribution": distribution}}
    late_ms = disorder(form).plan(KEY, 0).late_ms
    assert np.median(late_ms) / 1_000 == pytest.approx(median_s, rel=0.05)
    assert late_ms.mean() / 1_000 == pytest.approx(2, rel=0.06)


def test_blocks_have_plans_of_their_own_and_always_the_same() -> None:
    one, same, other = (disorder(ALL).plan(KEY, block) for block in (3, 3, 4))
    assert one.rows.tolist() == same.rows.tolist() != other.rows.tolist()
    calm = undisturbed()
    assert calm.rows.tolist() == calm.slots.tolist() == list(range(BLOCK_ROWS))
    assert one.first_row(0) == 0
    assert one.first_row(1_000) == min(1_000, *one.rows[one.slots >= 1_000].tolist())


COUNT = 5_000
RATE = 1_000


def disturbed(form: Mapping[str, Any], **more: Any) -> Recipe:
    return recipe(event_time="at", disorder=disorder(form, COUNT), **more)


def sent(shared: Recipe, cuts: tuple[int, ...] = (), contents: Contents | None = None) -> Kept:
    """Everything handed over by publishers that each take over where the one before was cut off."""
    kept, position = Kept(), 0
    for cut in (*cuts, COUNT):
        publisher = ShardPublisher(shared, 0, kept.outbox, starting(RATE, 0, 1, START_MS), position, COUNT, contents)
        publisher.publish_due(START_MS + cut - 1)
        while publisher.position < cut:
            publisher.publish_due(START_MS + cut - 1)
        position = publisher.position
    return kept


@cache
def whole() -> Kept:
    return sent(disturbed(ALL))


def sequence(record: Record) -> int:
    mark = parse(dict(record.headers)[LINEAGE])  # type: ignore[arg-type]
    assert mark is not None
    return mark.sequence


def said(record: Record) -> dict[str, int]:
    label = dict(record.headers).get(HEADER)
    assert not isinstance(label, str)
    return {} if label is None else {k: int(v) for k, v in (each.split("=") for each in label.decode().split(","))}


def test_what_an_independent_reader_counts_is_what_the_labels_say() -> None:
    """At 1,000 records a second from START_MS on, the slot of a record is its timestamp in milliseconds."""
    records = whole().records
    labels = [json.loads(record.value) for record in whole().aside["labels"]]
    events: list[int] = decoded(records)["at"].cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).to_numpy().tolist()
    seen: set[int] = set()
    counted = []
    for record, event_ms in zip(records, events, strict=True):
        n, slot = sequence(record), record.timestamp_ms - int(START_MS)
        kinds = {"late_ms": record.timestamp_ms - event_ms} if record.timestamp_ms > event_ms else {}
        if n in seen:
            kinds["copy"] = 1
        elif slot > n:
            kinds["displaced"] = slot - n
        assert said(record) == kinds
        if kinds:
            counted.append({"epoch": 0, "shard": 0, "sequence": n, "slot": slot, **kinds})
        seen.add(n)
    gaps = sorted(set(range(COUNT)) - seen)
    counted += [{"epoch": 0, "shard": 0, "sequence": n, "slot": n, "missing": 1} for n in gaps]

    def canonical(forms: list[dict[str, int]]) -> list[list[tuple[str, int]]]:
        return sorted(sorted(form.items()) for form in forms)

    assert canonical(counted) == canonical(labels)
    assert Counter(k for form in labels for k in form if k in ("copy", "displaced", "missing")).keys() == {
        "copy",
        "displaced",
        "missing",
    }
    assert len(records) == COUNT - len(gaps) + sum("copy" in form for form in labels)
    assert [r.timestamp_ms for r in whole().aside["labels"]] == [START_MS + form["slot"] for form in labels]


def test_a_copy_is_the_same_record_and_only_event_times_differ_from_an_undisturbed_stream() -> None:
    values: dict[int, bytes] = {}
    for record in whole().records:
        assert values.setdefault(sequence(record), record.value) == record.value
    plain = decoded(sent(recipe(event_time="at")).records).drop_columns(["at"])
    numbers = sorted(values)
    here = decoded([next(r for r in whole().records if sequence(r) == n) for n in numbers[:300]])
    assert here.drop_columns(["at"]).to_pylist() == plain.take(numbers[:300]).to_pylist()
    assert all(record.key is not None and int(record.key) for record in whole().aside["labels"])


@pytest.mark.parametrize("cuts", [(1,), (17, 4_090, 4_096, 4_999), (2_048, 4_097)])
def test_wherever_a_shard_is_taken_over_the_same_leaves(cuts: tuple[int, ...]) -> None:
    again = sent(disturbed(ALL), cuts)
    assert again.records == whole().records
    assert again.aside == whole().aside


def test_what_is_on_its_way_when_something_changes_is_as_it_was() -> None:
    log = Contents().changed(1_000, drifts=(storm("price", 30),))
    form = {"out_of_order": {"share": 0.5, "max_slots": 100}}
    kept = sent(disturbed(form), (1_000,), log)
    assert {dict(r.headers).get(DRIFT_HEADER) for r in kept.records if sequence(r) < 1_000} == {None}
    labels = {dict(r.headers).get(DRIFT_HEADER) for r in kept.records if sequence(r) >= 1_000}
    assert labels == {b"storm:shift:sudden:1"}
    assert any(sequence(r) < 1_000 <= r.timestamp_ms - START_MS for r in kept.records)
    assert sorted(map(sequence, kept.records)) == list(range(COUNT))
    assert kept.records == sent(disturbed(form), (990, 1_050), log).records


def test_a_stream_of_which_everything_is_missing_still_moves_on() -> None:
    kept = sent(disturbed({"missing": {"share": 1}}))
    assert kept.records == []
    assert [json.loads(r.value)["sequence"] for r in kept.aside["labels"]] == list(range(COUNT))
    silent = replace(disorder({"missing": {"share": 1}}, COUNT), labels=None)
    assert sent(recipe(disorder=silent)) == Kept()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "has no part; expected late, out_of_order, duplicates or missing"),
        ({"late": {"share": 1.5}}, "less than or equal to 1"),
        ({"late": {"share": 0.1, "mean_s": 30, "max_s": 10}}, "max_s=10: must be at least mean_s, which is 30"),
        ({"missing": {"share": -0.1}}, "greater than or equal to 0"),
        ({"duplicates": {"share": 0.1, "max_slots": 4_096}}, "less than or equal to 4095"),
        ({"out_of_order": {"max_slots": 5}}, "share"),
    ],
)
def test_nonsense_is_refused(form: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        forms.Disorder.model_validate(form)


def test_a_stream_that_knows_no_event_time_is_not_late() -> None:
    with pytest.raises(InputError, match=r"disorder\.late: needs an event_time"):
        from_form({"disorder": {"late": {"share": 0.1}}})
    assert from_form({"disorder": {"missing": {"share": 0.1}}}).labels_topic == "t.labels"
    with pytest.raises(InputError, match="need a topic each"):
        from_form({"disorder": {"missing": {"share": 0.1}, "labels_topic": "t"}})


def from_form(form: dict[str, Any]) -> Any:
    return from_mapping({"stream": "s", "topic": "t", **form}, Path())
