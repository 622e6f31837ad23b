"""Rows that meet rules, and rules that no row could."""

from __future__ import annotations

from typing import Any

import pytest

from generators.constraints.rows import check_rules, ruled
from schemas.errors import InputError
from schemas.rows import Rows
from schemas.rule_forms import rules_of
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
