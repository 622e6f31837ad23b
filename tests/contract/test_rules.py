"""Every generator keeps every kind of rule, and knows of none."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

import generators
from generators.artifact import Artifact, load_artifact, save
from generators.golden import check_golden
from generators.randomness import uniforms
from schemas.errors import InputError
from schemas.joint_rules import Unique
from schemas.rule_forms import RULES as KINDS
from schemas.rules import Rule
from tests.generators.ruled import BLOCK, RULES, blocks, drawn, keeper, keeping, violations

KEY = (3, 5)


@pytest.fixture(params=generators.names(), scope="module")
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return keeping(str(request.param))


def broken(rows: Any) -> list[str]:
    return [rule.name for rule in RULES if not isinstance(rule, Unique) and rule.violations(rows).any()]


def test_rules_of_every_kind_are_tried_here() -> None:
    def kinds(rule: Rule) -> set[str]:
        return {rule.KIND}.union(*(kinds(part) for part in vars(rule).values() if hasattr(part, "KIND")))

    assert set().union(*map(kinds, RULES)) == set(KINDS)


def test_what_readers_have_breaks_no_rule_over_all_shards_and_blocks(artifact: Artifact) -> None:
    rows = blocks(artifact, 3)
    assert rows.num_rows == 6 * BLOCK
    assert violations(RULES, rows) == {rule.name: 0 for rule in RULES}


def test_the_uniforms_decide_and_nothing_else(artifact: Artifact) -> None:
    model = keeper(artifact)
    assert drawn(model).equals(drawn(model))
    assert drawn(model).schema.equals(artifact.schema.arrow_schema)


def test_what_is_saved_keeps_the_rules_and_draws_the_same(artifact: Artifact, tmp_path: Any) -> None:
    save(artifact, tmp_path / "a")
    read = load_artifact(tmp_path / "a")
    assert (read.identity, read.rules) == (artifact.identity, RULES)
    assert check_golden(read)
    assert drawn(keeper(read)).equals(drawn(keeper(artifact)))


@pytest.mark.parametrize(
    "given",
    [
        {"country": "PL"},
        {"currency": "EUR"},
        {"country": "PL", "currency": "PLN", "home": "S"},
        {"currency": "EUR", "rate": 0},
        {"carrier": "UPS"},
        {"carrier": None, "shipped": None},
        {"came": date(2024, 3, 1)},
        {"placed": date(2024, 3, 1), "came": date(2024, 3, 7)},
        {"total": 12},
        {"pieces": 5, "extra": 2, "total": 7},
        {"rate": 19},
        {"plate": None},
    ],
    ids=",".join,
)
def test_given_columns_hold_their_values_under_rules(artifact: Artifact, given: dict[str, Any]) -> None:
    rows = drawn(keeper(artifact), 500, given)
    assert {name: set(rows.column(name).to_pylist()) for name in given} == {n: {v} for n, v in given.items()}
    assert broken(rows) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"country": "PL", "currency": "EUR"},
            "given country=PL, currency=EUR: breaks rule combinations:c",
        ),
        ({"total": 3, "pieces": 5, "extra": 2}, "given total=3, pieces=5, extra=2: breaks rule formula:total"),
        ({"rate": 5}, "given rate=5: breaks rule allowed:rate"),
        ({"code": "K00001"}, "code=K00001: never repeats"),
        ({"total": 10_000}, "total=10000: never drawn"),
        ({"shape": 1}, "given column='shape': not in the table"),
        ({"country": "XX"}, "given country=XX: never drawn, since country and currency go together"),
        ({"total": "many"}, "total=many: must be a integer"),
        ({"came": None}, "came=null: the column is never missing"),
    ],
)
def test_a_given_that_no_row_can_have_is_one_line(artifact: Artifact, given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as error:
        drawn(keeper(artifact), 50, given)
    assert len(error.value.faults) == 1
    assert says in str(error.value)


def test_columns_may_be_held_at_a_value_a_row(artifact: Artifact) -> None:
    model = keeper(artifact)
    domain = model.domain("country")
    values = domain.values.take(np.arange(1_000) % len(domain.values))
    rows = model.sample(1_000, uniforms(KEY, 0, 1_000, model.width), {"country": values})
    assert rows.column("country").to_pylist() == values.to_pylist()
    assert broken(rows) == []
