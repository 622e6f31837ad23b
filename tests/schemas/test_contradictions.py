"""Rules that no record meets together."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.contradictions import contradictions
from schemas.rule_forms import check_columns, parse
from schemas.table import Column, Kind, TableSchema

SCHEMA = TableSchema(
    "t",
    (
        *(Column(name, Kind.INTEGER, nullable=True) for name in "abcd"),
        Column("x", Kind.NUMBER),
        Column("s", Kind.CATEGORY),
        Column("u", Kind.CATEGORY),
        Column("day", Kind.DATE),
        Column("then", Kind.DATE),
    ),
)


def compare(left: str, op: str, right: str) -> dict[str, Any]:
    return {"rule": "compare", "left": left, "op": op, "right": right}


def within(column: str, low: Any = None, high: Any = None) -> dict[str, Any]:
    bounds = {"low": low, "high": high}
    return {"rule": "range", "column": column, **{key: value for key, value in bounds.items() if value is not None}}


def listed(column: str, *values: Any) -> dict[str, Any]:
    return {"rule": "allowed", "column": column, "values": list(values)}


def implies(when: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    return {"rule": "implies", "if": when, "then": then}


TOGETHER = {"rule": "combinations", "columns": ["s", "a"], "rows": [["x", 1], ["y", 2]]}
MISSING: dict[str, Any] = {"rule": "is_null", "column": "a"}
THERE: dict[str, Any] = {"rule": "not_null", "column": "a"}

APART: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([within("a", 5, 9), listed("a", 1)], ["range:a", "allowed:a"]),
    ([within("a", 5, 9), {**within("a", 10, 12)}], ["range:a", "range:a"]),
    ([within("day", "2024-01-05"), listed("day", "2024-01-04")], ["range:day", "allowed:day"]),
    ([listed("s", "x", "y"), {"rule": "matches", "column": "s", "pattern": "z+"}], ["allowed:s", "matches:s"]),
    ([THERE, MISSING], ["not_null:a", "is_null:a"]),
    ([THERE, implies(listed("s", "x"), MISSING)], ["not_null:a", "implies:s,a"]),
    ([listed("a", 1), implies(listed("s", "x"), within("a", 2))], ["allowed:a", "implies:s,a"]),
    ([TOGETHER, within("a", 3)], ["combinations:s,a", "range:a"]),
    ([TOGETHER, listed("s", "z")], ["combinations:s,a", "allowed:s"]),
    ([implies(listed("s", "x"), within("a", 2)), implies(listed("s", "x"), within("a", high=1))], ["implies:s,a"]),
    ([compare("a", ">", "b"), compare("b", ">", "a")], ["compare:a>b", "compare:b>a"]),
    ([compare("a", ">", "b"), compare("b", ">=", "a")], ["compare:a>b", "compare:b>=a"]),
    ([compare("a", "==", "b"), compare("a", "!=", "b")], ["compare:a==b", "compare:a!=b"]),
    ([compare("a", "<", "a")], ["compare:a<a"]),
    ([compare("a", "<", "b"), compare("b", "<=", "c"), compare("c", "<=", "a")], ["a<b", "b<=c", "c<=a"]),
    ([{"rule": "ordered", "columns": ["a", "b", "c"], "strict": True}, compare("c", "<=", "a")], ["ordered", "c<=a"]),
    ([within("a", 5), within("b", high=4), compare("a", "<=", "b")], ["range:a", "range:b", "compare:a<=b"]),
    ([within("day", "2024-02-01"), within("then", high="2024-01-01"), compare("then", ">", "day")], ["then>day"]),
]

TOGETHER_FINE: list[list[dict[str, Any]]] = [
    [within("a", 5, 9), listed("a", 1, 6)],
    [within("a", 5, 9), within("b", 10, 12)],
    [compare("a", "<=", "b"), compare("b", "<=", "a")],
    [compare("a", "<", "b"), compare("a", "<", "c"), compare("b", "<", "c")],
    [compare("a", "!=", "b"), compare("a", "<=", "b")],
    [within("a", 5), within("b", high=5), compare("a", "<=", "b")],
    [MISSING, listed("b", 1)],
    [MISSING, within("a", 2)],
    [TOGETHER, within("a", 2), listed("s", "y")],
    [implies(listed("s", "x"), within("a", 2)), implies(listed("s", "y"), within("a", high=1))],
    [implies(THERE, within("b", 1)), implies(MISSING, within("b", high=0))],
]


@pytest.mark.parametrize(("forms", "named"), APART)
def test_each_pair_that_contradicts_is_named(forms: list[dict[str, Any]], named: list[str]) -> None:
    rules = [parse(form) for form in forms]
    for rule in rules:
        check_columns([rule], SCHEMA)
    (said,) = contradictions(rules, SCHEMA)
    for name in named:
        assert name in said


@pytest.mark.parametrize("forms", TOGETHER_FINE)
def test_rules_that_some_record_meets_pass(forms: list[dict[str, Any]]) -> None:
    assert contradictions([parse(form) for form in forms], SCHEMA) == []


def test_every_contradiction_is_said_at_once() -> None:
    forms = [within("a", 5, 9), listed("a", 1), compare("b", "<", "c"), compare("c", "<", "b")]
    assert len(contradictions([parse(form) for form in forms], SCHEMA)) == 2
