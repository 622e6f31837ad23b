"""Rows weighed until pairs of columns go together as in a table, and no nearer than rows held back are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from generators.discrete.cells import Cells, Codes, cells_of
from generators.discrete.raking import MOST_GROUPS, Asked, Floats, _rake, groups_of, raked, settled
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import orders, table

ASKED = Asked(pairs=200, rounds=40, seed=0)


def coded(rows: int = 4_000) -> tuple[Cells, Codes]:
    made, schema = orders(rows)
    profile = profile_table(made, schema)
    cells = cells_of(schema, profile, 40)
    return cells, cells.codes(made, schema, profile)


def apart(codes: Codes, seed: int, rows: int = 20_000) -> Codes:
    """Rows whose columns know nothing of each other."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(column, rows) for column in codes.T], axis=1)


def even(codes: Codes, rows: int | None = None) -> Floats:
    return np.full(len(codes) if rows is None else rows, 1.0)


def correlation(codes: Codes, weights: Any) -> float:
    """Between the first two columns."""
    centred = codes[:, :2] - np.average(codes[:, :2], axis=0, weights=weights)
    (a, ab), (_, b) = (centred * np.asarray(weights)[:, None]).T @ centred
    return float(ab / np.sqrt(a * b))


def test_independent_rows_come_to_go_together_and_keep_their_marginals() -> None:
    cells, codes = coded()
    pool = apart(codes, 0)
    weights, how = raked(pool, even(pool), codes, cells, ASKED)
    assert how is not None
    assert how.rounds > 0
    assert how.held_back <= how.after < 0.8 * how.before
    assert correlation(codes, even(codes)) > 0.8
    assert abs(correlation(pool, even(pool))) < 0.1
    assert correlation(pool, weights) > 0.5
    for j, start in enumerate(cells.first[:-1].tolist()):
        share = np.bincount(pool[:, j], weights, cells.first[j + 1] - start)
        assert share == pytest.approx(cells.share[start : cells.first[j + 1]], abs=0.005)


def test_rows_that_are_as_near_as_those_held_back_are_left_as_they_are() -> None:
    """The table's own rows are nearer than any that were held back, so nothing may be learned from them."""
    cells, codes = coded()
    weights, how = raked(codes, even(codes), codes, cells, ASKED)
    assert how is not None
    assert how.rounds == 0
    assert weights == pytest.approx(settled(settled(even(codes) / len(codes), codes, cells), codes, cells))


def test_columns_that_know_nothing_of_each_other_are_not_tied_by_chance() -> None:
    cells, codes = coded()
    alone = apart(codes, 1, 4_000)
    weights, how = raked(apart(codes, 2), even(codes, 20_000), alone, cells, ASKED)
    assert how is not None
    assert how.after >= min(how.held_back, how.before)
    assert 1 / (len(weights) * (weights**2).sum()) > 0.9  # rows count almost evenly


@pytest.mark.parametrize(("rows", "pool"), [(4, 100), (300, 100), (0, 3)])
def test_of_few_rows_only_marginals_are_raked(rows: int, pool: int) -> None:
    cells, codes = coded()
    weights, how = raked(apart(codes, 0, pool), even(codes, pool), codes[:rows], cells, ASKED)
    assert how is None
    assert weights.sum() == pytest.approx(1)


def test_the_same_seed_weighs_the_same() -> None:
    cells, codes = coded(1_000)
    pool = apart(codes, 0, 2_000)
    first, again = (raked(pool, even(pool), codes, cells, Asked(3, 2, 5)) for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]
    assert first[1] is not None
    assert first[1].pairs == 3


def test_marginals_of_cells_that_no_row_has_are_left_out() -> None:
    cells, _ = coded()
    lone = np.zeros((3, len(cells.columns)), np.int32)
    assert settled(np.full(3, 1 / 3), lone, cells) == pytest.approx(np.full(3, 1 / 3))


def test_groups_are_neighbours_of_numbers_and_the_rare_of_categories_and_nulls_are_their_own() -> None:
    made = table(
        [
            (Column("x", Kind.NUMBER, decimals=3, nullable=True), [*(k / 1_000 for k in range(990)), *[None] * 10]),
            (Column("c", Kind.CATEGORY), [f"c{min(k % 60, k % 37)}" for k in range(1_000)]),
        ]
    )
    profile = profile_table(*made)
    cells = cells_of(made[1], profile, 90)
    groups, sizes = groups_of(cells, 5_000)
    first, second = (groups[start:end] for start, end in zip(cells.first[:-1], cells.first[1:], strict=True))
    assert (np.diff(first.astype(int)) >= 0).all()
    assert sizes.tolist() == [11, 10]
    assert (first == 10).sum() == 1
    rare = second == 9
    own = cells.share[cells.first[1] :]
    assert own[rare].max() <= own[~rare].min()
    assert groups_of(cells, 10**9)[1].max() <= MOST_GROUPS + 1


@pytest.mark.kernel
def test_a_step_goes_part_of_the_way_and_rows_that_say_little_move_less() -> None:
    first, second = np.array([0, 0, 1], np.uint8), np.array([0, 1, 1], np.uint8)
    wanted = np.array([[0.5, 0.25], [0.0, 0.25]])
    weights = np.full(3, 1 / 3)
    _rake(weights, first, second, wanted, (1_000_000, 1.0, 1e-9))
    assert weights == pytest.approx([0.5, 0.25, 0.25])
    halfway, wary = np.full(3, 1 / 3), np.full(3, 1 / 3)
    _rake(halfway, first, second, wanted, (1_000_000, 0.5, 1e-9))
    _rake(wary, first, second, wanted, (10, 0.5, 5.0))
    assert halfway / weights == pytest.approx(np.sqrt([1 / 1.5, 1 / 0.75, 1 / 0.75]), rel=1e-4)
    assert 1 / 3 < wary[0] < halfway[0]
