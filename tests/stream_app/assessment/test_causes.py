"""Planted faults fail and are named; an honest holdout is not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from stream_app.assessment.assessed import assess
from stream_app.assessment.causes import Causes, Kind
from stream_app.assessment.limits import Limits
from stream_app.assessment.scores.ks import SCORE as KS
from stream_app.assessment.verdict import Mark, Outcome, headline, judge
from tests.stream_app.assessment.planted import FAULTS, RULE, judged, people, put, tables_of

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


def test_a_little_of_many_columns_is_named_though_no_column_surely_is_below() -> None:
    rng = np.random.default_rng(5)

    def table(shift: float) -> pa.Table:
        return pa.table({f"n{i}": pa.array(rng.normal(shift, 1.0, 5_000)) for i in range(40)})

    tables = tables_of(table(0.0), table(0.17))
    assessed = assess(tables, lambda share, what: None, [KS])
    verdict = judge(assessed, Limits())
    assert verdict.outcome is Outcome.BELOW
    (finding,) = Causes(assessed, verdict).find()
    assert finding.text.startswith("Numbers: ")
    assert "furthest off are n" in finding.text


def test_a_holdout_of_another_law_is_said_first() -> None:
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    one = put(holdout, "left", pa.array([True] * ROWS))
    assessed, verdict, _ = judged(tables_of(real, honest, one, None, ()))
    assert headline(verdict, assessed)[0].startswith("The holdout is unlike the real table")


def test_an_honest_table_passes_and_nothing_is_named() -> None:
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    assessed, verdict, findings = judged(tables_of(real, honest, holdout, "left", (RULE,)))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.marked(Mark.BELOW) == ()
    assert findings == ()
    assert set(assessed.lacking) <= {"rare"}
    assert headline(verdict, assessed)[0].startswith("No number is surely below its bar")


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
