"""Rows that meet rules, and rules that no row could."""

from __future__ import annotations

from typing import Any

import pytest

from generators.constraints.rows import check_rules, ruled
from schemas.errors import InputError
from schemas.rule_forms import rules_of
from schemas.table import Column, Kind
from tests.generators.ruled import RULES, shop
from tests.generators.tables import table

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
    found = ruled(rows, schema, RULES)
    assert found.left_out == {"formula:total": 30}
    assert found.table.num_rows == rows.num_rows - 30
    assert ruled(found.table, schema, RULES).table is found.table


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
        ruled(*MADE, rules_of(forms))
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
