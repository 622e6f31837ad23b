"""Columns held at values, where a table is re-expressed."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.constraints.asked import NEAR, Asked, translated
from generators.constraints.constrained import Constrained
from schemas.errors import InputError
from schemas.table import Column, Kind
from tests.generators.ruled import drawn, keeper, keeping, small

N = 50


@pytest.fixture(scope="module")
def model() -> Constrained:
    return keeper(keeping("tabular.copula"))


def held(model: Constrained, given: dict[str, Any]) -> tuple[set[str], set[str]]:
    """What the generator of re-expressed rows is given, and what rows are drawn for until they have it."""
    found = translated(Asked.of(given, N, model), np.zeros(N), model)
    return set(found.given), found.loose


@pytest.mark.parametrize(
    ("given", "inner", "loose"),
    [
        ({}, set(), set()),
        ({"rate": 7}, {"rate"}, set()),
        ({"country": "PL"}, {"country + currency"}, set()),
        ({"country": "PL", "currency": "PLN", "rate": 7}, {"country + currency", "rate"}, set()),
        ({"country": "PL", "rate": 7}, {"rate"}, {"country"}),
        ({"total": 9}, set(), {"total"}),
        ({"total": 9, "pieces": 4, "extra": 5}, {"total - (pieces + extra)", "pieces", "extra"}, set()),
        ({"shipped": None}, {"shipped - (placed)"}, set()),
        ({"came": date(2024, 3, 1)}, set(), {"came"}),
        ({"carrier": None}, {"carrier (listed)"}, set()),
    ],
)
def test_what_follows_is_given_and_the_rest_is_waited_for(
    model: Constrained, given: dict[str, Any], inner: set[str], loose: set[str]
) -> None:
    assert held(model, given) == (inner, loose)


def test_distances_follow_over_missing_links(model: Constrained) -> None:
    """Where a column is missing its own lowest value stands for it, as it does when rows are expressed back."""
    days = pa.array(np.array([19_800, 19_800, 19_801], np.int32)).view(pa.date32())
    shipped = pa.array([None, date(2024, 3, 19), None], pa.date32())
    came = pa.array([date(2024, 3, 22), date(2024, 3, 22), date(2024, 3, 25)])
    given = {"placed": days, "shipped": shipped, "came": came}
    found = translated(Asked.of(given, 3, model), np.zeros(3), model)
    assert found.loose == set()
    assert found.given["shipped - (placed)"].to_pylist() == [None, 1, None]
    assert found.given["came - (placed, shipped)"].to_pylist() == [4, 3, 6]
    rows = model.sample(3, np.full((3, model.width), 0.5), given)
    assert rows.column("came").equals(came)
    apart = translated(Asked.of({"shipped": shipped, "came": came}, 3, model), np.zeros(3), model)
    assert apart.loose == {"shipped", "came"}


def test_a_partly_held_combination_is_drawn_by_its_shares(model: Constrained) -> None:
    rows = drawn(model, 4_096, {"currency": "EUR"})
    german = np.mean([country == "DE" for country in rows.column("country").to_pylist()])
    assert german == pytest.approx(0.5 / 0.8, abs=0.05)


def test_a_row_is_moved_onto_a_value_that_hardly_any_lie_before() -> None:
    """Of columns with decimals no row has just the value: those near it do, and the rule holds for the value."""
    rng = np.random.Generator(np.random.PCG64(3))
    low = rng.uniform(0, 100, 4_000)
    columns = [
        (Column("a", Kind.NUMBER), low.tolist()),
        (Column("b", Kind.NUMBER), (low + rng.uniform(0, 9, 4_000)).tolist()),
    ]
    model = keeper(small(columns, [{"rule": "compare", "left": "a", "op": "<=", "right": "b"}]))
    rows = drawn(model, 1_000, {"b": 50.123})
    assert set(rows.column("b").to_pylist()) == {50.123}
    a = rows.column("a").to_numpy()
    assert a.max() <= 50.123
    assert np.median(a) == pytest.approx(50.123 - 4.5, abs=1.5)
    asked = Asked.of({"b": 50.123}, 3, model)
    far = float(np.quantile(rows.column("b").to_numpy(), 0.5)) + 3 * NEAR * 109
    assert asked.near("b", pa.array([50.123, 50.5, far]), model).tolist() == [True, True, False]


def test_every_fault_is_said_at_once(model: Constrained) -> None:
    with pytest.raises(InputError) as error:
        Asked.of({"nosuch": 1, "code": "x", "total": "many"}, N, model)
    assert len(error.value.faults) == 3
    with pytest.raises(InputError) as error:
        Asked.of({"total": -5, "rate": 3}, N, model)
    assert [fault.split(":")[0] for fault in error.value.faults] == ["total=-5", "given rate=3"]
