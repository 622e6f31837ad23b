"""A generator fitted under rules, and tried before it is trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from generators.constraints.fitting import met
from generators.constraints.rows import ruled
from generators.fitting import fit_artifact
from schemas.errors import InputError
from schemas.rows import Rows
from schemas.rule_forms import rules_of
from schemas.table import Column, Kind
from tests.generators.people import customers, known
from tests.generators.ruled import drawn, keeper, keeping, small
from tests.generators.tables import ignore

N = 500
TOGETHER: dict[str, Any] = {"rule": "combinations", "columns": ["c", "d"], "rows": [["x", "y"], ["z", "w"]]}


def test_most_rows_meet_the_rules_at_the_first_draw() -> None:
    assert met(keeper(keeping("tabular.copula"))) > 0.9


def test_people_are_faked_under_rules_too() -> None:
    rows, schema = known(customers(), locales=["de_DE", "fr_FR"])
    rules = rules_of([{"rule": "not_null", "column": "first_name"}])
    held = ruled(Rows.of(rows), schema, rules)
    model = keeper(fit_artifact(held, schema, "tabular.marginals", {}, 0, ignore, reference_rows=1))
    assert model.inner.schema.locales == schema.locales
    assert set(drawn(model, 500).column("country").to_pylist()) == {"Germany", "France"}


def test_a_rule_that_hardly_any_row_meets_is_refused_and_named() -> None:
    a = np.random.Generator(np.random.PCG64(7)).integers(0, 2_000, N).tolist()
    columns = [(Column("a", Kind.INTEGER), a), (Column("b", Kind.INTEGER), a)]
    with pytest.raises(InputError) as error:
        small(columns, [{"rule": "predicate", "expression": "a == b"}], "tabular.marginals")
    assert str(error.value).startswith("rule predicate:a == b: 0")
    assert "nearly impossible to draw" in str(error.value)
    assert small(columns, [{"rule": "compare", "left": "a", "op": "==", "right": "b"}], "tabular.marginals")


def test_combinations_that_five_rows_share_are_needed() -> None:
    columns = [(Column("c", Kind.CATEGORY), ["x", "z"]), (Column("d", Kind.CATEGORY), ["y", "w"])]
    with pytest.raises(InputError, match="rule on c and d: no five rows share a combination"):
        small(columns, [TOGETHER])


def test_text_is_copied_only_where_a_rule_lists_it() -> None:
    cells = ["x", "z"] * 50
    columns: list[tuple[Column, list[Any]]] = [
        (Column("c", Kind.TEXT), cells),
        (Column("d", Kind.CATEGORY), ["y", "w"] * 50),
    ]
    assert small(columns, [TOGETHER])
    columns = [
        (Column("c", Kind.TEXT), ["x", "z", "mine"] * 40),
        (Column("d", Kind.CATEGORY, nullable=True), ["y", "w", None] * 40),
    ]
    with pytest.raises(InputError, match=r"c: holds values that no rule lists.*--public c"):
        small(columns, [TOGETHER])


def test_a_pattern_that_fresh_values_do_not_match_is_refused() -> None:
    columns = [(Column("code", Kind.TEXT), [f"K{i:03d}" for i in range(N)])]
    unique: dict[str, Any] = {"rule": "unique", "columns": ["code"]}
    with pytest.raises(InputError, match=r"rule matches:code: values of code that never repeat are as K\d+, which"):
        small(columns, [unique, {"rule": "matches", "column": "code", "pattern": "K[0-9]{3}"}])
    assert small(columns, [unique, {"rule": "matches", "column": "code", "pattern": "K[0-9]+"}])
