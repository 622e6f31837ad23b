"""Planted faults fail and are named; an honest holdout is not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.causes import Kind
from stream_app.assessment.verdict import Mark, Outcome, headline
from tests.stream_app.assessment.planted import FAULTS, RULE, judged, people, tables_of

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra `assess`")

ROWS = 6_000
NAMED = {
    "independent columns": (),
    "copied rows": (),
    "mode dropped": ("plan",),
    "target shuffled": ("left",),
    "broken rule": (RULE.name,),
    "even inside wide bins": ("size",),
}


def test_an_honest_table_passes_and_nothing_is_named() -> None:
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    assessed, verdict, findings = judged(tables_of(real, honest, holdout, "left", (RULE,)))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.marked(Mark.BELOW) == ()
    assert findings == ()
    assert set(assessed.lacking) <= {"rare"}
    assert headline(verdict, assessed)[0].startswith("Every number of the table reaches its bar")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_and_is_named(fault: str) -> None:
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    _, verdict, findings = judged(tables_of(real, FAULTS[fault](honest, real), holdout, "left", (RULE,)))
    assert verdict.outcome is Outcome.BELOW
    assert (Kind(fault), NAMED[fault]) in {(each.kind, each.subject) for each in findings}
    others = {each.kind.value for each in findings} & FAULTS.keys()
    assert others == {fault}


def test_a_classifier_that_tells_rows_apart_is_said_first() -> None:
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    planted = FAULTS["independent columns"](honest, real)
    assessed, verdict, _ = judged(tables_of(real, planted, holdout))
    assert headline(verdict, assessed)[0].startswith("A classifier tells synthetic rows from real ones")
    shapes = [assessed.value(name) for name in ("ks", "tv")]
    assert all(each is not None and each.value > 0.97 for each in shapes)  # shapes alone are nearly free


def test_a_numeric_range_that_is_gone_is_named() -> None:
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    kept = honest.filter(pa.array(honest.column("size").to_numpy() < 32))
    _, _, findings = judged(tables_of(real, kept.combine_chunks(), holdout))
    dropped = [each for each in findings if each.kind is Kind.DROPPED]
    assert [each.subject for each in dropped] == [("size",)]
    assert "over" in dropped[0].text


def test_a_copy_of_the_real_table_fails_without_a_holdout() -> None:
    real = people(500, 1)
    assessed, verdict, findings = judged(tables_of(real, real))
    assert verdict.outcome is Outcome.BELOW
    assert [each.kind for each in findings] == [Kind.COPIES]
    assert {"dcr", "tstr", "rules"} <= set(assessed.lacking)
