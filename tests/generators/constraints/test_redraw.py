"""Rows drawn again, and what is said when that is in vain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.constraints import redraw
from generators.constraints.constrained import Constrained
from schemas.errors import InputError
from schemas.table import Column, Kind
from tests.generators.ruled import drawn, keeper, small

ROWS = 5_000


@pytest.fixture(scope="module")
def model() -> Constrained:
    """Small numbers, independent of each other, of which every second pair is as the rule has it."""
    rng = np.random.Generator(np.random.PCG64(4))
    a, b = rng.integers(0, 40, ROWS), rng.integers(0, 40, ROWS)
    columns = [(Column("a", Kind.INTEGER), a[a + b < 10].tolist()), (Column("b", Kind.INTEGER), b[a + b < 10].tolist())]
    return keeper(small(columns, [{"rule": "predicate", "expression": "a + b < 10"}], "tabular.marginals"))


def test_every_row_is_drawn_until_it_will_do(model: Constrained) -> None:
    rows = drawn(model)
    assert (rows.column("a").to_numpy() + rows.column("b").to_numpy() < 10).all()


def test_how_many_are_tried_at_once_changes_nothing(model: Constrained, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = drawn(model)
    monkeypatch.setattr(redraw, "AT_ONCE", 100_000)
    monkeypatch.setattr(redraw, "FIRST", 16)
    assert drawn(model).equals(rows)


def test_what_has_not_done_after_all_tries_is_a_copy_of_a_row_that_did(
    model: Constrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redraw, "TRIES", 1)
    rows = drawn(model)
    assert (rows.column("a").to_numpy() + rows.column("b").to_numpy() < 10).all()
    assert drawn(model).equals(rows)


def test_a_row_with_a_value_of_its_own_has_no_stand_in(model: Constrained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redraw, "TRIES", 1)
    given: dict[str, Any] = {"a": pa.array(np.arange(4_096) % 8)}
    with pytest.raises(InputError, match=r"rule predicate:a . b < 10: met by .* nearly impossible: loosen the rule"):
        drawn(model, given=given)


def test_what_is_hopeless_is_given_up_early_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held at one value, hardly a row meets the rule, though one in two does where it is not held."""
    rng = np.random.Generator(np.random.PCG64(4))
    c = rng.integers(0, 2, ROWS)
    a, b = rng.integers(0, 3_000, ROWS), rng.integers(0, 3_000, ROWS)
    columns = [
        (Column(n, Kind.INTEGER), v.tolist()) for n, v in zip("abc", (a, np.where(c == 0, a, b), c), strict=True)
    ]
    model = keeper(small(columns, [{"rule": "predicate", "expression": "a == b or c == 1"}], "tabular.marginals"))
    tried = 0
    once = model.drawn

    def counted(*arguments: Any) -> redraw.Drawn:
        nonlocal tried
        tried += len(arguments[0])
        return once(*arguments)

    monkeypatch.setattr(model, "drawn", counted)
    with pytest.raises(InputError, match=r"given c=0: rule predicate:a == b or c == 1: met by 0.* hold other values"):
        drawn(model, given={"c": 0})
    assert tried < 2 * redraw.HOPELESS
    assert set(drawn(model, 500, {"c": 1}).column("c").to_pylist()) == {1}


def test_reasons_are_counted() -> None:
    batch = pa.record_batch({"a": [1, 2, 3, 4]})
    found = redraw.Drawn(batch, {"x": np.array([1, 0, 0, 0], bool), "y": np.array([1, 1, 0, 0], bool)})
    assert found.off.tolist() == [True, True, False, False]
    assert found.worst == ("y", 0.5)
    assert not redraw.Drawn(batch, {}).off.any()
