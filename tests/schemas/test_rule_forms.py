"""Rules as a stream's file has them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.conditional_rules import Implies, Predicate
from schemas.errors import InputError
from schemas.joint_rules import Combinations, Compare, Formula, Ordered, Unique
from schemas.rule_forms import RULES, check_columns, form_of, parse, rules_of
from schemas.rules import Allowed, IsNull, Matches, NotNull, Range, Rule
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
    Combinations(("c", "x")),
    Formula("x", "2 * n", 0.5),
    Matches("s", "[a-z]+"),
    Unique(("n", "c")),
    IsNull("c"),
    Ordered(("n", "x"), strict=True),
    Implies(Allowed("c", ("a",)), Implies(NotNull("s"), Range("x", 0.5))),
    Predicate("n < 2 * x or b == 1"),
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
        ({"rule": "ordered", "columns": ["n", "x"], "strict": 1}, "ordered.strict=1: expected bool"),
        ({"rule": "combinations", "columns": ["c", "n"], "rows": None}, "combinations.rows=None: expected list"),
        (
            {"rule": "implies", "if": {"rule": "combinations", "columns": ["c", "n"]}, "then": {"rule": "not_null"}},
            "implies.then: not_null.column: is missing",
        ),
        ({"rule": "implies", "when": {}, "then": {}}, "implies.if: is missing"),
        ({"rule": "implies", "if": {"rule": "not_null"}, "then": {}}, "implies.if: not_null.column: is missing"),
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
        (Ordered(("n", "x", "c")), "'x' is number, 'c' is category"),
        (Predicate("c < 1"), "'c' is category"),
        (Implies(NotNull("nn"), NotNull("c")), "column 'nn': not known"),
        (Implies(NotNull("n"), Matches("n", "a")), "'n' is integer; expected category, text"),
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


def test_dates_are_read_as_json_has_them() -> None:
    form = {"rule": "range", "column": "d", "low": date(2024, 1, 1), "high": datetime(2024, 1, 2, tzinfo=UTC)}
    assert parse(form) == Range("d", "2024-01-01", "2024-01-02T00:00:00+00:00")
    assert json.loads(json.dumps(form_of(parse(form)))) == form_of(parse(form))


def test_every_form_of_a_list_is_read_or_its_faults_named_by_its_place() -> None:
    assert rules_of(None) == ()
    assert rules_of([{"rule": "not_null", "column": "n", "hard": True}]) == (NotNull("n"),)
    with pytest.raises(InputError) as error:
        rules_of([{"rule": "nosuch"}, {"rule": "not_null", "column": "n", "hard": "yes"}, 3])
    assert [fault.split(":")[0] for fault in error.value.faults] == ["rules.0", "rules.1", "rules.2"]


def test_what_a_rule_tolerates_is_a_share_and_nothing_for_a_hard_one() -> None:
    form = {"rule": "not_null", "column": "n", "tolerated": 0.001}
    assert rules_of([form]) == (NotNull("n"),)
    wrong = [{**form, "tolerated": share} for share in (0, 1, -0.1, True, "0.1")]
    with pytest.raises(InputError) as error:
        rules_of([*wrong, {**form, "hard": True}])
    assert [fault.split("=")[0].split(": ")[1] for fault in error.value.faults] == ["tolerated"] * 6
