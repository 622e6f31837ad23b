"""Rules of a user's own making."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conditional_rules import Implies, Predicate, holds
from schemas.errors import InputError
from schemas.joint_rules import Compare, Unique
from schemas.rules import Allowed, IsNull, NotNull, Range, Rule

CELLS = st.lists(st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=20)
RULES: list[Rule] = [
    Range("a", 1, 3),
    Allowed("b", (0, 2)),
    NotNull("a"),
    IsNull("b"),
    Compare("a", "<", "b"),
    Predicate("a + b == 4"),
    Implies(Range("a", 2), Range("b", 2)),
]


def batch(rows: list[tuple[Any, Any]]) -> pa.RecordBatch:
    return pa.record_batch(
        {"a": pa.array([a for a, _ in rows], pa.int64()), "b": pa.array([b for _, b in rows], pa.int64())}
    )


@given(CELLS, st.sampled_from(RULES), st.sampled_from(RULES))
def test_a_conditional_is_broken_where_the_condition_is_met_and_the_demand_is_not(
    rows: list[Any], when: Rule, then: Rule
) -> None:
    table = batch(rows)
    found = Implies(when, then).violations(table)
    assert found.tolist() == (holds(when, table) & then.violations(table)).tolist()


def test_a_missing_value_meets_no_condition_but_one_that_asks_for_it() -> None:
    table = batch([(None, 1), (1, 1), (0, 1)])
    assert holds(Range("a", 1), table).tolist() == [False, True, False]
    assert holds(Compare("a", "<=", "b"), table).tolist() == [False, True, True]
    assert holds(IsNull("a"), table).tolist() == [True, False, False]
    assert holds(NotNull("a"), table).tolist() == [False, True, True]
    assert Implies(IsNull("a"), Range("b", 2)).violations(table).tolist() == [True, False, False]


def test_conditionals_over_the_same_columns_have_names_of_their_own() -> None:
    first = Implies(Allowed("c", ("DE",)), Allowed("m", ("EUR",)))
    second = Implies(Allowed("c", ("PL",)), Allowed("m", ("PLN",)))
    assert first.name != second.name
    assert first.name.startswith("implies:c,m:")
    assert first.name == Implies(Allowed("c", ("DE",)), Allowed("m", ("EUR",))).name
    assert first.text == "if c is one of DE, then m is one of EUR"
    assert first.columns == ("c", "m")


def test_a_predicate_says_nothing_of_rows_with_a_missing_value() -> None:
    rule = Predicate("a < b or  a == 4")
    assert rule.violations(batch([(1, 2), (2, 1), (4, 1), (None, 1), (4, None)])).tolist() == [
        False,
        True,
        False,
        False,
        False,
    ]
    assert (rule.name, rule.text, rule.columns) == ("predicate:a < b or a == 4", "a < b or  a == 4", ("a", "b"))


def test_dates_are_days_in_a_predicate() -> None:
    days = pa.array(np.array([0, 40], np.int32)).view(pa.date32())
    table = pa.record_batch([days, pa.array([31, 31])], names=["d", "n"])
    assert Predicate("d < n").violations(table).tolist() == [False, True]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Implies(Unique(("a",)), NotNull("b")), "implies.if: a unique rule"),
        (lambda: Implies(NotNull("b"), Unique(("a",))), "implies.then: a unique rule"),
        (lambda: Predicate("a"), "predicate: expression='a': 'a' compares nothing"),
        (lambda: Predicate("1 < 2"), "reads no column"),
    ],
)
def test_rules_that_mean_nothing_are_refused(make: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert says in str(error.value)
