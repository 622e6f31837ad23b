"""What breaks a hard rule or is too large does not reach the topic, and says why where it goes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas import disorder as forms
from schemas.errors import InputError
from schemas.rules import Allowed, Range
from schemas.stream import from_mapping
from stream_app.disorder import Disorder
from stream_app.lineage import HEADER as LINEAGE
from stream_app.lineage import parse
from stream_app.publish import ShardPublisher
from stream_app.quarantine import ENVELOPE_BYTES, HEADER, Gate
from stream_app.recipe import Recipe
from stream_app.schedule import starting
from tests.stream_app.shop import START_MS, Kept, Record, decoded, recipe

CHEAP, RED = Range("price", high=55), Allowed("colour", ("red", "green"))
COUNT = 4_500


def gate(**settings: Any) -> Gate:
    return Gate(keeps=True, topic="aside", **settings)


def sent(shared: Recipe) -> tuple[Kept, ShardPublisher]:
    kept = Kept()
    publisher = ShardPublisher(shared, 0, kept.outbox, starting(1_000, 0, 1, START_MS), count=COUNT)
    while not publisher.done:
        publisher.publish_due(START_MS + COUNT)
    return kept, publisher


def sequence(record: Record) -> int:
    mark = parse(dict(record.headers)[LINEAGE])  # type: ignore[arg-type]
    assert mark is not None
    return mark.sequence


def test_what_breaks_a_hard_rule_goes_aside_whole_and_nothing_else_does() -> None:
    plain, _ = sent(recipe())
    kept, publisher = sent(recipe(gate=gate(rules=(CHEAP, RED))))
    aside = kept.aside["aside"]
    table = decoded(plain.records).to_pylist()
    broken = {
        n: ", ".join(
            name
            for name, breaks in (("range:price", row["price"] > 55), ("allowed:colour", row["colour"] == "grün"))
            if breaks
        )
        for n, row in enumerate(table)
    }
    assert [sequence(r) for r in kept.records] == [n for n in range(COUNT) if not broken[n]]
    why = {sequence(r): dict(r.headers)[HEADER].decode() for r in aside}  # type: ignore[union-attr]
    assert why == {n: reason for n, reason in broken.items() if reason}
    assert any("," in reason for reason in why.values())
    for record in [*kept.records, *aside]:
        other = plain.records[sequence(record)]
        assert (record.value, record.key, record.timestamp_ms) == (other.value, other.key, other.timestamp_ms)
    assert publisher.tally == {"quarantined": len(aside), "missing": 0}


def test_an_oversized_record_goes_aside_without_its_value() -> None:
    plain, _ = sent(recipe())
    sizes = [len(r.value) + len(r.key or b"") + ENVELOPE_BYTES for r in plain.records]
    limit = int(np.median(sizes))
    kept, _ = sent(recipe(gate=gate(limit_bytes=limit)))
    assert {sequence(r) for r in kept.records} == {n for n, size in enumerate(sizes) if size <= limit}
    facts = [(dict(r.headers)[HEADER], r.key) for r in kept.aside["aside"]]
    expected = [n for n, size in enumerate(sizes) if size > limit]
    assert facts == [(f"size: {sizes[n]} > {limit}".encode(), plain.records[n].key) for n in expected]
    assert {r.value for r in kept.aside["aside"]} == {None}
    assert 0 < len(expected) < COUNT


def test_a_quarantine_that_takes_less_than_the_topic_has_the_facts_alone() -> None:
    kept, _ = sent(recipe(gate=gate(rules=(CHEAP,), topic_limit_bytes=ENVELOPE_BYTES)))
    assert {r.value for r in kept.aside["aside"]} == {None}
    assert {dict(r.headers)[HEADER] for r in kept.aside["aside"]} == {b"range:price"}


def test_without_a_quarantine_an_oversized_record_stops_the_shard_before_anything_is_sent() -> None:
    kept = Kept()
    shared = recipe(gate=Gate(limit_bytes=ENVELOPE_BYTES + 10))
    publisher = ShardPublisher(shared, 0, kept.outbox, starting(1_000, 0, 1, START_MS))
    with pytest.raises(InputError, match=r"larger than the topic or the producer takes \(522\); raise max\.message"):
        publisher.publish_due(START_MS)
    assert kept == Kept()


def test_what_is_kept_out_meets_with_no_mishap() -> None:
    form = {"duplicates": {"share": 0.5}, "out_of_order": {"share": 0.5}, "missing": {"share": 0.1}}
    disorder = Disorder(forms.Disorder.model_validate(form), "labels", COUNT)
    gone = {
        json.loads(r.value)["sequence"]
        for r in sent(recipe(disorder=disorder))[0].aside["labels"]
        if b"missing" in r.value
    }
    kept, publisher = sent(recipe(disorder=disorder, gate=gate(rules=(CHEAP,))))
    aside = {sequence(r) for r in kept.aside["aside"]}
    assert len(aside) == len(kept.aside["aside"]) == publisher.tally["quarantined"] > 0
    assert [r.timestamp_ms - START_MS for r in kept.aside["aside"]] == sorted(aside)
    published = {sequence(r) for r in kept.records}
    assert published.isdisjoint(aside)
    assert published | aside | gone == set(range(COUNT))
    assert aside.isdisjoint(gone)
    assert aside.isdisjoint(json.loads(r.value)["sequence"] for r in kept.aside["labels"])


def test_a_gate_that_drops_what_it_keeps_out() -> None:
    kept, _ = sent(recipe(gate=replace(gate(rules=(CHEAP,)), topic=None)))
    assert kept.aside == {}
    assert 0 < len(kept.records) < COUNT


def test_a_streams_file_says_which_rules_are_hard() -> None:
    form = {"rule": "range", "column": "price", "high": 55}
    hard = {**form, "column": "pieces", "hard": True}
    spec = from_mapping({"stream": "s", "topic": "t", "quarantine": {}, "rules": [form, hard]}, Path())
    assert [rule.name for rule in spec.hard_rules] == ["range:pieces"]
    assert [rule.name for rule in spec.parsed_rules] == ["range:price", "range:pieces"]
    assert spec.quarantine_topic == "t.quarantine"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"rule": "range", "column": "a", "low": 0, "hard": "yes"}, r"rules\.0: hard='yes': expected true or false"),
        ({"rule": "unique", "columns": ["a"], "hard": True}, r"rules\.0: hard: a unique rule judges records by others"),
    ],
)
def test_what_can_not_be_hard_is_refused(form: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_mapping({"stream": "s", "topic": "t", "rules": [form]}, Path())
