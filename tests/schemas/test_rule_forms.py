"""Rules as a stream's file has them."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import InputError
from schemas.joint_rules import Combinations, Compare, Formula, Unique
from schemas.rule_forms import RULES, check_columns, form_of, parse
from schemas.rules import Allowed, Matches, NotNull, Range, Rule
from schemas.table import Column, Kind, TableSchema

SCHEMA = TableSchema(
    "t",
    (
        Column("n", Kind.INTEGER),
        Column("x", Kind.NUMBER),
        Column("c", Kind.CATEGORY),
        Column("s", Kind.TEXT),
        Column("d", Kind.DATE),
        Column("at", Kind.TIMESTAMP),
        Column("utc", Kind.TIMESTAMP, timezone="UTC"),
        Column("b", Kind.BOOLEAN),
    ),
)

SUITABLE: list[Rule] = [
    Range("n", 0),
    Range("d", "2020-01-01", "2021-01-01"),
    Range("utc", low="2020-01-01"),
    Allowed("c", ("a", "b")),
    Allowed("n", (1, 2)),
    NotNull("b"),
    Compare("n", "<=", "x"),
    Compare("c", "!=", "s"),
    Combinations(("c", "n"), (("a", 1), ("b", 2))),
    Formula("x", "2 * n", 0.5),
    Matches("s", "[a-z]+"),
    Unique(("n", "c")),
]


@pytest.mark.parametrize("rule", SUITABLE, ids=lambda rule: rule.name)
def test_forms_read_back(rule: Rule) -> None:
    assert parse(form_of(rule)) == rule


def test_every_kind_of_rule_is_tried_here() -> None:
    assert {rule.KIND for rule in SUITABLE} == set(RULES)


def test_suitable_rules_pass() -> None:
    check_columns(SUITABLE, SCHEMA)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"rule": "rang", "column": "n"}, "did you mean 'range'"),
        ({"column": "n"}, "rule=None"),
        ({"rule": ["range"]}, "known are range"),
        ("range", "rule=None"),
        ({"rule": "range", "column": "n", "lo": 1}, "range.lo=1: not known, did you mean 'low'"),
        ({"rule": "compare", "left": "n"}, "compare.op: is missing\ncompare.right: is missing"),
        ({"rule": "not_null", "column": 3}, "not_null.column=3: expected str"),
        ({"rule": "allowed", "column": "c", "values": "a"}, "allowed.values='a': expected list"),
        ({"rule": "formula", "column": "x", "expression": "n", "tolerance": True}, "tolerance=True: expected int"),
    ],
)
def test_faulty_forms_are_refused(form: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        parse(form)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Range("nn", 0), "column 'nn': not known, did you mean 'n'?"),
        (Range("c", "a"), "'c' is category; expected date, integer, number, timestamp"),
        (Range("n", "a"), "'a': can not be compared"),
        (Allowed("n", (1.5,)), "not all can be in a column of int64"),
        (Allowed("c", (1,)), "not all can be in a column of string"),
        (Compare("n", "<", "c"), "'n' is integer, 'c' is category"),
        (Compare("at", "<", "utc"), "can not be compared"),
        (Combinations(("c", "n"), (("a", "b"),)), "not all can be in a column of int64"),
        (Formula("x", "2 * c"), "'c' is category"),
        (Formula("x", "y"), "column 'y': not known"),
        (Matches("n", "a"), "'n' is integer; expected category, text"),
    ],
)
def test_rules_a_table_can_not_be_held_to_are_refused(rule: Rule, says: str) -> None:
    with pytest.raises(InputError) as error:
        check_columns([rule], SCHEMA)
    assert says in str(error.value)
    assert str(error.value).startswith(f"rule {rule.name}: ")


def test_all_faults_at_once_and_no_rule_twice() -> None:
    with pytest.raises(InputError) as error:
        check_columns([Range("n", 0), Range("n", 1), Range("zzz", 0), Matches("n", "a")], SCHEMA)
    assert len(error.value.faults) == 3
    assert "is given twice" in error.value.faults[0]
