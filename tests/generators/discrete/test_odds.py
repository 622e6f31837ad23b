"""Rows weighed by trees that tell them from a table's."""

from __future__ import annotations

import numpy as np
import pytest

from generators.discrete.cells import Cells, Codes, cells_of
from generators.discrete.odds import FEWEST_ROWS, FURTHEST, corrected, odds_of
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import table

ROWS = 3_000


@pytest.fixture(scope="module")
def parity() -> tuple[Cells, Codes, Codes]:
    """A table whose third column follows from two others together, and rows in which nothing follows from anything."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (ROWS, 3))
    rows[:, 2] = rows[:, 0] ^ rows[:, 1] ^ (rng.random(ROWS) < 0.1)
    made = table([(Column(name, Kind.CATEGORY), [f"{name}{v}" for v in rows[:, j]]) for j, name in enumerate("abc")])
    profile = profile_table(*made)
    cells = cells_of(made[1], profile, 10)
    return cells, cells.codes(*made, profile), rng.integers(0, 2, (2 * ROWS, 3)).astype(np.int32)


def odd(codes: Codes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(codes.sum(axis=1) % 2 == 1)


def test_the_odds_are_those_that_rows_of_the_table_have(parity: tuple[Cells, Codes, Codes]) -> None:
    cells, codes, pool = parity
    odds = odds_of(pool, np.ones(len(pool)), codes, cells, 0)
    real, made = odd(codes).mean(), odd(pool).mean()
    assert odds[odd(pool)].mean() == pytest.approx(real / made, rel=0.15)
    assert odds[~odd(pool)].mean() == pytest.approx((1 - real) / (1 - made), rel=0.15)
    assert np.abs(np.log(odds)).max() <= FURTHEST


def test_what_no_pair_of_columns_tells_comes_right(parity: tuple[Cells, Codes, Codes]) -> None:
    cells, codes, pool = parity
    weights = corrected(pool, np.ones(len(pool)), codes, cells, 2, 0)
    assert weights.sum() == pytest.approx(1)
    assert weights[odd(pool)].sum() == pytest.approx(odd(codes).mean(), abs=0.02)
    for j in range(3):
        assert weights[pool[:, j] == 0].sum() == pytest.approx(cells.share[cells.first[j]], abs=0.01)


def test_rows_of_the_table_itself_are_hardly_told_from_it(parity: tuple[Cells, Codes, Codes]) -> None:
    cells, codes, _ = parity
    weights = corrected(codes, np.ones(len(codes)), codes, cells, 1, 0)
    assert 1 / (len(weights) * (weights**2).sum()) > 0.98


def test_of_few_rows_or_without_a_turn_only_marginals_are_brought_to_the_tables(
    parity: tuple[Cells, Codes, Codes],
) -> None:
    cells, codes, pool = parity
    few, none = (
        corrected(pool, np.ones(len(pool)), codes[:rows], cells, turns, 0)
        for rows, turns in ((FEWEST_ROWS - 1, 2), (ROWS, 0))
    )
    assert few.tobytes() == none.tobytes()
    assert none[odd(pool)].sum() == pytest.approx(odd(pool).mean(), abs=0.02)


def test_the_same_seed_weighs_the_same(parity: tuple[Cells, Codes, Codes]) -> None:
    cells, codes, pool = parity
    first, again = (corrected(pool, np.ones(len(pool)), codes[:700], cells, 1, 3) for _ in range(2))
    assert first.tobytes() == again.tobytes()
