"""Rules on a single column."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.conditional_rules import Implies, Predicate
from schemas.errors import InputError
from schemas.joint_rules import Combinations, Compare, Formula, Ordered, Unique
from schemas.rules import Allowed, IsNull, Matches, NotNull, Range, Rule

COLUMNS: dict[str, Any] = {
    "n": pa.array([1, 5, None, 9]),
    "x": pa.array([0.5, float("nan"), None, 2.5]),
    "c": pa.array(["a", "b", None, "a"]).dictionary_encode(),
    "s": pa.array(["ab", "a\nb", None, "abc"]),
    "d": pa.array([date(2020, 1, 1), date(2021, 1, 1), None, date(2022, 1, 1)]),
    "b": pa.array([True, False, None, True]),
}
BATCH = pa.record_batch(COLUMNS)

EVERY: list[tuple[Any, str, list[int]]] = [
    (Range("n", 2, 8), "range:n", [0, 3]),
    (Range("n", low=1.5), "range:n", [0]),
    (Range("x", high=1), "range:x", [3]),
    (Range("d", date(2020, 6, 1), date(2021, 6, 1)), "range:d", [0, 3]),
    (Range("d", low="2020-06-01"), "range:d", [0]),
    (Allowed("c", ("a", "z")), "allowed:c", [1]),
    (Allowed("n", (1, 5)), "allowed:n", [3]),
    (Allowed("b", (True,)), "allowed:b", [1]),
    (NotNull("c"), "not_null:c", [2]),
    (Matches("s", "a.*b|abc"), "matches:s", [1]),
    (Matches("c", "[ac]"), "matches:c", [1]),
    (Compare("n", "<", "x"), "compare:n<x", [0, 1, 3]),
    (Combinations(("n", "c"), ((1, "a"), (5, "a"))), "combinations:n,c", [1, 3]),
    (Formula("n", "2 * x"), "formula:n", [1, 3]),
    (Unique(("c",)), "unique:c", [3]),
    (IsNull("c"), "is_null:c", [0, 1, 3]),
    (Ordered(("n", "x")), "ordered:n<=x", [0, 1, 3]),
    (Predicate("n < 3 * x"), "predicate:n < 3 * x", [1, 3]),
    (Implies(Allowed("c", ("a",)), Range("n", 2)), "implies:c,n:682552", [0]),
]


@pytest.mark.parametrize(("rule", "name", "broken"), EVERY, ids=lambda value: value if isinstance(value, str) else "")
def test_rows_that_break_a_rule(rule: Rule, name: str, broken: list[int]) -> None:
    found = rule.violations(BATCH)
    assert found.dtype == np.bool_
    assert found.shape == (4,)
    assert np.flatnonzero(found).tolist() == broken
    assert rule.name == name
    assert set(rule.columns) <= set(BATCH.schema.names)
    assert all(column in rule.text for column in rule.columns)


@pytest.mark.parametrize(
    "rule", [rule for rule, *_ in EVERY if not isinstance(rule, Unique)], ids=lambda rule: rule.name
)
def test_slices_reorderings_and_empty_batches(rule: Rule) -> None:
    whole = rule.violations(BATCH)
    assert rule.violations(BATCH.slice(1, 2)).tolist() == whole[1:3].tolist()
    assert rule.violations(BATCH.take(pa.array([3, 2, 1, 0]))).tolist() == whole[::-1].tolist()
    assert rule.violations(BATCH.slice(0, 0)).shape == (0,)


@pytest.mark.parametrize(
    "rule", [rule for rule, *_ in EVERY if not isinstance(rule, NotNull)], ids=lambda rule: rule.name
)
def test_null_satisfies_every_rule_but_not_null(rule: Rule) -> None:
    nothing = pa.RecordBatch.from_arrays([pa.nulls(3, field.type) for field in BATCH.schema], schema=BATCH.schema)
    assert not rule.violations(nothing).any()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Range("x"), "neither low nor high"),
        (lambda: Range("x", 2, 1), "swap them"),
        (lambda: Range("x", 2, "a"), "can not be compared"),
        (lambda: Range("x", float("nan")), "is no bound"),
        (lambda: Range("x", high=float("inf")), "is no bound"),
        (lambda: Allowed("x", ()), "allows nothing"),
        (lambda: Matches("x", "("), "expected RE2 syntax"),
    ],
)
def test_rules_that_mean_nothing_are_refused(make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


def test_bounds_are_included() -> None:
    assert not Range("n", 1, 9).violations(BATCH).any()
    assert Range("n", 1, 9).text == "n is between 1 and 9"
    assert Range("n", high=9).text == "n is at most 9"


def test_long_lists_are_shortened_in_words() -> None:
    assert Allowed("n", tuple(range(12))).text.endswith("8, 9 and 2 more")
