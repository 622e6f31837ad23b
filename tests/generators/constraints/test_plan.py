"""Which columns are re-expressed."""

from __future__ import annotations

from typing import Any

import pytest

from generators.constraints.plan import Plan, plan_of
from schemas.errors import InputError
from schemas.rule_forms import rules_of
from schemas.table import Column, Kind, Role, TableSchema

SCHEMA = TableSchema(
    "t",
    (
        Column("id", Kind.INTEGER, role=Role.KEY),
        *(Column(name, Kind.INTEGER) for name in "abcd"),
        Column("x", Kind.NUMBER, decimals=2),
        Column("s", Kind.CATEGORY),
        Column("u", Kind.CATEGORY, role=Role.TARGET),
        Column("v", Kind.CATEGORY),
        Column("t", Kind.TEXT),
        Column("e", Kind.TEXT, role=Role.IDENTIFIER),
    ),
)


def compare(left: str, op: str, right: str) -> dict[str, Any]:
    return {"rule": "compare", "left": left, "op": op, "right": right}


def formula(column: str, expression: str) -> dict[str, Any]:
    return {"rule": "formula", "column": column, "expression": expression}


def together(*columns: str) -> dict[str, Any]:
    return {"rule": "combinations", "columns": list(columns), "rows": [["x"] * len(columns)]}


def planned(*forms: dict[str, Any]) -> Plan:
    return plan_of(SCHEMA, rules_of(list(forms)))


@pytest.mark.parametrize(
    ("forms", "distances"),
    [
        ([compare("a", "<=", "b")], ["b - (a)"]),
        ([compare("a", ">", "b")], ["a - (b)"]),
        ([compare("a", "!=", "b")], []),
        ([compare("c", "<", "a"), compare("b", "<", "c")], ["c - (b)", "a - (c)"]),
        ([compare("a", "<", "c"), compare("b", "<", "c")], ["c - (a, b)"]),
        ([compare("a", "<=", "b"), compare("b", "<=", "a")], ["b - (a)"]),
        ([formula("c", "a + b")], ["c - (a + b)"]),
        ([formula("c", "a + b"), formula("a", "c - b")], ["c - (a + b)"]),
        ([formula("c", "a + b"), compare("d", "<", "c")], ["c - (a + b)"]),
        ([formula("a", "2 * b"), formula("b", "c")], ["b - (c)", "a - (2 * b)"]),
        ([formula("c", "7")], []),
        ([formula("c", "c + a")], []),
        ([{"rule": "ordered", "columns": ["a", "b", "x"]}], ["b - (a)", "x - (b)"]),
    ],
)
def test_columns_are_told_from_others_behind_their_parents(forms: list[dict[str, Any]], distances: list[str]) -> None:
    assert [offset.name for offset in planned(*forms).offsets] == distances


def test_columns_that_go_together_become_one() -> None:
    plan = planned(together("s", "u"), compare("u", "==", "v"), {"rule": "allowed", "column": "t", "values": ["p"]})
    assert [listing.name for listing in plan.listings] == ["s + u + v", "t (listed)"]
    assert plan.schema.names == ("id", "a", "b", "c", "d", "x", "s + u + v", "t (listed)", "e")
    assert plan.schema["s + u + v"].role is Role.TARGET
    assert planned(compare("s", "!=", "u")).listings == ()


def test_what_is_listed_is_told_from_nothing() -> None:
    forms = [{"rule": "combinations", "columns": ["s", "b"], "rows": [["x", 1]]}, compare("a", "<", "b")]
    assert planned(*forms).offsets == ()
    assert [offset.name for offset in planned(forms[0], compare("b", "<", "a")).offsets] == ["a - (b)"]


def test_a_unique_rule_without_a_key_makes_one_column_fresh() -> None:
    def unique(*columns: str) -> dict[str, Any]:
        return {"rule": "unique", "columns": list(columns)}

    assert planned(unique("id")).numbered == ()
    assert planned(unique("id", "a")).numbered == ()
    assert planned(unique("a", "e")).numbered == ("e",)
    assert planned(unique("s", "a")).numbered == ("a",)
    assert planned(unique("a"), unique("a", "b")).numbered == ("a",)
    assert planned(unique("a")).schema["a"].role is Role.KEY
    with pytest.raises(InputError, match="rule unique:s,x: values of category s, number x come again"):
        planned(unique("s", "x"))


@pytest.mark.parametrize(
    "form",
    [
        {"rule": "range", "column": "id", "low": 1},
        compare("id", "<", "a"),
        {"rule": "is_null", "column": "id"},
        {
            "rule": "implies",
            "if": {"rule": "not_null", "column": "a"},
            "then": {"rule": "range", "column": "id", "low": 0},
        },
    ],
)
def test_rules_on_fresh_values_are_refused(form: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="id has a fresh value in every record"):
        planned(form)
    with pytest.raises(InputError, match="a has a fresh value in every record"):
        planned({"rule": "unique", "columns": ["a"]}, compare("a", "<", "b"))


def test_names_that_are_taken_are_not_taken_again() -> None:
    schema = TableSchema("t", (Column("a", Kind.INTEGER), Column("b", Kind.INTEGER), Column("b - (a)", Kind.INTEGER)))
    assert [offset.name for offset in plan_of(schema, rules_of([compare("a", "<", "b")])).offsets] == ["b - (a)'"]
