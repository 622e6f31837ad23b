"""Rows that meet rules, and rules that no row could."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from generators.constraints.rows import Ruled, check_rules, ruled
from schemas.errors import InputError
from schemas.joint_rules import Combinations
from schemas.rows import Rows
from schemas.rule_forms import form_of, parse, rules_of
from schemas.table import Column, Kind
from tests.generators.ruled import RULES, shop
from tests.generators.tables import in_pieces, table

MADE = table(
    [
        (Column("a", Kind.INTEGER), [1, 2, 3, 4]),
        (Column("b", Kind.INTEGER), [4, 3, 2, 1]),
        (Column("c", Kind.CATEGORY), ["x", "x", "y", "y"]),
    ]
)
UP = {"rule": "compare", "left": "a", "op": "<", "right": "b"}
HIGH = {"rule": "range", "column": "a", "low": 3}


def test_rows_that_break_a_rule_are_left_out_and_counted() -> None:
    rows, schema = shop()
    found = ruled(Rows.of(rows), schema, RULES)
    assert found.left_out == {"formula:total": 30}
    assert found.rows.count == found.rows.table.num_rows == rows.num_rows - 30
    assert ruled(found.rows, schema, RULES).rows is found.rows


def test_rows_of_a_long_table_are_left_out_piece_by_piece() -> None:
    table, schema = shop()
    found = ruled(in_pieces(table, 1_000), schema, RULES)
    once = ruled(Rows.of(table), schema, RULES)
    assert found.rows.is_long
    assert (found.left_out, found.rows.count) == (once.left_out, once.rows.count)
    assert found.rows.whole(schema.names).to_pydict() == once.rows.table.to_pydict()
    assert not any(rule.violations(found.rows.table.to_batches()[0]).any() for rule in RULES)


@pytest.mark.parametrize(
    ("forms", "says"),
    [
        ([{"rule": "range", "column": "a", "low": 9}], "rule range:a: all 4 rows break it"),
        ([{"rule": "range", "column": "a", "low": 4}], "rule range:a: 3 of 4 rows break it"),
        ([UP, HIGH], "rules: all 4 rows break at least one (compare:a<b 2 of 4, range:a 2 of 4)"),
    ],
)
def test_too_few_rows_are_refused_with_the_rule_named(forms: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(InputError) as error:
        ruled(Rows.of(MADE[0]), MADE[1], rules_of(forms))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("forms", "says"),
    [
        ([UP, {**UP, "op": ">"}], "rules compare:a<b and compare:a>b: no row meets all of it"),
        ([{"rule": "range", "column": "nosuch", "low": 1}], "column 'nosuch': not known"),
        ([{"rule": "unique", "columns": ["c"]}], "values of category c come again"),
        ([HIGH, {"rule": "allowed", "column": "a", "values": [1]}], "rules range:a and allowed:a: no value meets both"),
    ],
)
def test_rules_that_can_not_be_kept_are_refused_before_any_row_is_read(forms: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(InputError) as error:
        check_rules(rules_of(forms), MADE[1])
    assert says in str(error.value)


PLACES = ["DE"] * 6 + ["FR"] * 5 + ["PL"] * 4 + ["PL", "DE", "DE"]
MONEY = ["EUR"] * 11 + ["PLN"] * 4 + ["EUR", None, "PLN"]
OPEN = {"rule": "combinations", "columns": ["country", "currency"]}


def places(forms: list[dict[str, Any]], public: tuple[str, ...] = (), kind: Kind = Kind.CATEGORY) -> Ruled:
    """Eighteen rows under rules: two combinations that five rows share, three that fewer have, and a missing value."""
    made = table(
        [
            (Column("country", kind, public="country" in public), PLACES),
            (Column("currency", Kind.CATEGORY, nullable=True, public="currency" in public), MONEY),
            (Column("n", Kind.INTEGER), list(range(18))),
        ]
    )
    return ruled(Rows.of(made[0]), made[1], rules_of(forms))


def listed(found: Ruled) -> Any:
    rule = found.rules[0]
    assert isinstance(rule, Combinations)
    return rule.rows


def test_combinations_of_the_table_are_those_that_five_rows_share() -> None:
    found = places([OPEN])
    assert listed(found) == (("DE", "EUR"), ("FR", "EUR"))
    assert found.left_out == {"combinations:country,currency": 6}
    assert found.rows.table.column("country").to_pylist() == ["DE"] * 6 + ["FR"] * 5 + ["DE"]


def test_of_public_columns_every_combination_is_taken() -> None:
    every = (("DE", "EUR"), ("DE", "PLN"), ("FR", "EUR"), ("PL", "EUR"), ("PL", "PLN"))
    assert listed(places([OPEN], ("country", "currency"))) == every
    assert listed(places([OPEN], ("country",))) == (("DE", "EUR"), ("FR", "EUR"))


def test_rows_that_break_another_rule_count_for_no_combination() -> None:
    found = places([OPEN, {"rule": "range", "column": "n", "low": 2}])
    assert listed(found) == (("FR", "EUR"),)
    assert found.left_out == {"combinations:country,currency": 12, "range:n": 2}


def test_combinations_of_every_kind_of_column_read_back_as_they_are() -> None:
    when = datetime(2024, 1, 2, 3, 4, 5, 6_000, UTC)
    columns: list[tuple[Column, list[Any]]] = [
        (Column("d", Kind.DATE), [date(2024, 1, 1)] * 6),
        (Column("t", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"), [when] * 6),
        (Column("b", Kind.BOOLEAN), [True] * 6),
        (Column("x", Kind.NUMBER), [0.1] * 6),
        (Column("s", Kind.TEXT, public=True), ["grün"] * 6),
    ]
    made = table(columns)
    found = ruled(Rows.of(made[0]), made[1], [Combinations(tuple("dtbxs"))])
    rule = parse(json.loads(json.dumps(form_of(found.rules[0]))))
    assert rule == found.rules[0]
    assert (found.left_out, ruled(Rows.of(made[0]), made[1], [rule]).left_out) == ({}, {})


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            lambda: places([OPEN, {"rule": "range", "column": "n", "low": 7}]),
            "country,currency: no combination occurs in 5 rows, and rarer ones",
        ),
        (
            lambda: places([OPEN], kind=Kind.TEXT),
            "values of country are never copied from the table, combinations included; declare it public (--public cou",
        ),
        (
            lambda: places([{"rule": "implies", "if": {"rule": "not_null", "column": "n"}, "then": OPEN}]),
            "rules.0: implies.then: combinations need their rows here",
        ),
    ],
)
def test_combinations_that_can_not_be_the_tables_are_refused(made: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        made()
    assert says in str(error.value)
    assert len(error.value.faults) == 1
