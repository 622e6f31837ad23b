"""Rows drawn from a pool by their weights, and among those that match."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.discrete.pool import ENOUGH, NONE, Pool

ROWS = 4_000


def made(seed: int = 0, rows: int = ROWS) -> Pool:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, [3, 5, 70], (rows, 3)).astype(np.uint8)
    return Pool(codes, rng.exponential(1, rows).astype(np.float32))


def test_rows_come_by_their_weights() -> None:
    pool = Pool(np.zeros((4, 1), np.uint8), np.array([1, 0, 2, 1], np.float32))
    assert pool.draw(np.array([0.0, 0.24, 0.25, 0.74, 0.75, np.nextafter(1, 0)]), {}).tolist() == [0, 0, 2, 2, 3, 3]


@given(st.integers(0, 5), st.sets(st.integers(0, 1), min_size=1), st.integers(0, 20))
def test_rows_that_are_drawn_have_what_is_held_in_the_shares_of_their_weights(
    seed: int, columns: set[int], shift: int
) -> None:
    pool = made(seed)
    wanted = pool.codes[shift].astype(np.int32)
    rows = pool.draw((np.arange(20_000) + 0.5) / 20_000, {j: np.full(20_000, wanted[j]) for j in columns})
    fits = (pool.codes[:, list(columns)] == wanted[list(columns)]).all(axis=1)
    expected = np.where(fits, pool.weights, 0) / pool.weights[fits].sum()
    assert np.abs(np.bincount(rows, minlength=ROWS) / 20_000 - expected).max() < 2e-4


def test_each_row_has_its_own_and_the_next_call_may_hold_others() -> None:
    pool, u = made(), np.random.default_rng(1).random(500)
    first, second = np.arange(500, dtype=np.int32) % 3, np.arange(500, dtype=np.int32) % 5
    assert (pool.codes[pool.draw(u, {0: first}), 0] == first).all()
    assert (pool.codes[pool.draw(u, {1: second, 0: first})][:, :2] == np.stack([first, second], axis=1)).all()
    assert (pool.draw(u, {}) == made().draw(u, {})).all()


@pytest.mark.parametrize("code", [-1, 5, 6, 200])
def test_what_no_row_has_matches_none(code: int) -> None:
    assert made().draw(np.zeros(3), {0: np.full(3, 1), 1: np.full(3, code)}).tolist() == [NONE] * 3


def test_a_few_rows_that_match_are_too_few() -> None:
    codes = np.repeat(np.array([0, 1], np.uint8), [ENOUGH, ENOUGH - 1])[:, None]
    rows = Pool(codes, np.ones(len(codes), np.float32)).draw(np.array([0.0, 0.9, 0.0]), {0: np.array([0, 0, 1])})
    assert rows.tolist() == [0, int(0.9 * ENOUGH), NONE]


def test_no_columns_and_no_rows_to_draw_are_fine() -> None:
    assert Pool(np.zeros((5, 0), np.uint8), np.ones(5, np.float32)).draw(np.array([0.5]), {}).tolist() == [2]
    assert made().draw(np.zeros(0), {0: np.zeros(0, np.int32)}).shape == (0,)
