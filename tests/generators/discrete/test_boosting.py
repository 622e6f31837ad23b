"""Boosted trees: their parts by hand and compiled against plain, and what they learn of small tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from generators.discrete import boosting
from generators.discrete.boosting import DEPTH, EVER, MEMBERS, PRIOR, RATE, fit_trees
from generators.discrete.cells import Cells, Codes, cells_of
from generators.discrete.trees import Head
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import table

pytestmark = pytest.mark.kernel

CELLS = np.array([0, 0, 1, 2, 2, -1], np.int32)
LEAF = np.array([0, 1, 0, 1, 0, 1], np.int32)
SLOPES = np.array([[0.5, 0.25], [-0.5, 0.25], [0.2, 0.16], [-0.8, 0.16], [0.9, 0.09], [0.1, 0.09]])


def plain(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel as Python runs it."""
    return getattr(kernel, "py_func", kernel)


def two_columns(rows: int, target: list[str]) -> tuple[Cells, Codes]:
    """A number, a category, and a target, in cells."""
    rng = np.random.default_rng(2)
    made, schema = table(
        [
            (Column("n", Kind.INTEGER), rng.integers(0, 10, rows).tolist()),
            (Column("c", Kind.CATEGORY), rng.choice(["a", "b", "c"], rows).tolist()),
            (Column("t", Kind.CATEGORY), [target[i] for i in rng.integers(0, len(target), rows)]),
        ]
    )
    profile = profile_table(made, schema)
    cells = cells_of(schema, profile, 20)
    return cells, cells.codes(made, schema, profile)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "MEMBERS", 2)
    monkeypatch.setattr(boosting, "MOST_ADDS", 30)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_gain_is_what_both_sides_of_all_leaves_reach(ordered: bool) -> None:
    found = boosting._gains(CELLS, LEAF, SLOPES, 2, 4, ordered)
    for slot in range(1, 4):
        yes = slot - 1 <= CELLS if ordered else slot - 1 == CELLS
        sides = [SLOPES[(k == LEAF) & (yes == side)].sum(axis=0) for k in (0, 1) for side in (False, True)]
        assert found[slot] == pytest.approx(sum(first**2 / (second + PRIOR) for first, second in sides))
    assert found[0] == 0


@pytest.mark.parametrize("ordered", [True, False])
def test_a_tree_asks_what_gains_most_and_its_leaves_are_newton_steps(ordered: bool) -> None:
    cells = np.repeat(np.array([[0, 1, 2]], np.int32), 10, axis=1)  # ten rows each
    slopes = np.repeat(np.array([[0.4, 0.2], [-0.6, 0.2], [-0.6 if ordered else 0.4, 0.2]]), 10, axis=0)
    asked = np.zeros((2, 1), np.bool_)
    asked[0, 0] = True
    questions, leaves = (np.zeros(2, np.int32), np.zeros((2, 2), np.int32)), np.zeros((4, 1), np.float32)
    given = (cells, slopes, np.array([4]), np.array([ordered]), asked)
    boosting._grow(*given, questions, leaves)
    assert questions[1].tolist() == [[1, EVER if ordered else 2], [0, 0]]
    yes = 20 if ordered else 10
    no_sum, yes_sum = 0.4 * (30 - yes), -0.6 * yes
    expected = [-RATE * no_sum / (0.2 * (30 - yes) + PRIOR), -RATE * yes_sum / (0.2 * yes + PRIOR), 0, 0]
    assert leaves[:, 0].tolist() == pytest.approx(expected)
    again, same = (np.zeros(2, np.int32), np.zeros((2, 2), np.int32)), np.zeros((4, 1), np.float32)
    plain(boosting._grow)(*given, again, same)
    assert same.tobytes() == leaves.tobytes()
    assert (again[1] == questions[1]).all()


def test_a_leaf_of_fewer_than_five_rows_says_nothing() -> None:
    cells = np.array([[0] * 4 + [1] * 6], np.int32)
    slopes = np.array([[0.5, 0.25]] * 4 + [[-0.5, 0.25]] * 6)
    leaves = np.zeros((2, 1), np.float32)
    questions = (np.zeros(1, np.int32), np.zeros((1, 2), np.int32))
    boosting._grow(cells, slopes, np.array([3]), np.array([True]), np.ones((1, 1), np.bool_), questions, leaves)
    assert leaves[0, 0] == 0
    assert leaves[1, 0] > 0


def test_losses_and_their_slopes_are_those_of_a_softmax() -> None:
    rng = np.random.default_rng(0)
    logits, told, rows = rng.normal(0, 2, (9, 3)), rng.integers(0, 4, 9), np.array([8, 1, 4])
    full = np.column_stack([np.zeros(9), logits])
    chances = np.exp(full) / np.exp(full).sum(axis=1, keepdims=True)
    assert boosting._loss(logits, told, rows) == pytest.approx(-np.log(chances[rows, told[rows]]).mean())
    assert boosting._loss(logits, told, rows[:0]) == 0
    slopes, again = np.empty((2, 3, 6))
    boosting._slopes(logits, told, rows, slopes)
    own = chances[rows, 1:]
    assert slopes[:, ::2] == pytest.approx(own - (told[rows, None] == np.arange(1, 4)))
    assert slopes[:, 1::2] == pytest.approx(own * (1 - own))
    plain(boosting._slopes)(logits, told, rows, again)
    assert again == pytest.approx(slopes, rel=1e-12)
    assert boosting._loss(logits, told, rows) == pytest.approx(plain(boosting._loss)(logits, told, rows), rel=1e-12)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("classes", [2, 3])
def test_what_takes_two_columns_together_is_learned(classes: int) -> None:
    cells, codes = two_columns(500, ["x", "y", "z"][:classes])
    codes[:, 2] = ((codes[:, 0] >= 5) ^ (codes[:, 1] == 1)) + (codes[:, 1] == 2) * (classes - 2)
    codes[::50, 1] = -1  # unknown
    trees = fit_trees(codes, cells, 2, 0)
    assert trees.leaves.shape[1:] == (2**DEPTH, classes - 1)
    assert not (trees.columns == 2).any()  # never about itself
    known = codes[codes[:, 1] >= 0]
    chances = np.exp(Head(trees).log_chances(known))
    assert chances.mean() > 0.7


@pytest.mark.usefixtures("few")
def test_where_nothing_can_be_told_few_trees_are_kept_and_chances_are_the_shares() -> None:
    cells, codes = two_columns(400, ["x", "x", "x", "y"])
    trees = fit_trees(codes, cells, 2, 0)
    shares = np.bincount(codes[:, 2]) / len(codes)
    assert np.abs(Head(trees).chances(codes) - shares).max() < 0.2
    assert len(trees.columns) < 30


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_one_sum_has_all_trees_while_it_gains_and_where_it_is_done_early_the_others_share_what_is_left(
    noise: float, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boosting, "MOST_ADDS", 60)
    grown: list[tuple[int, int]] = []
    grow = boosting._Sum.grow

    def watched(
        alone: boosting._Sum, most: int, until_s: float
    ) -> tuple[Codes, Codes, boosting.Floats32, boosting.Floats]:
        found = grow(alone, most, until_s)
        grown.append((most, len(found[0])))
        return found

    monkeypatch.setattr(boosting._Sum, "grow", watched)
    cells, codes = two_columns(500, ["x", "y", "z"][:classes])
    other = np.random.default_rng(4).integers(0, classes, 500)
    told = (codes[:, 0] // 2 + codes[:, 1]) % classes
    codes[:, 2] = np.where(np.random.default_rng(5).random(500) < 2 * noise, other, told)
    trees, room = fit_trees(codes, cells, 2, 0), 60 // (classes - 1)
    assert grown[0][0] == room
    assert len(trees.columns) == sum(kept for _, kept in grown) <= room
    if noise == 0:
        assert grown == [(room, room)]
    else:
        assert len(grown) > 1
        assert {most for most, _ in grown[1:]} == {(room - grown[0][1]) // (len(grown) - 1)}


@pytest.mark.usefixtures("few")
def test_the_same_seed_grows_the_same_trees_and_another_does_not() -> None:
    cells, codes = two_columns(200, ["x", "y"])
    codes[:, 2] = codes[:, 0] >= 5
    first, again, other = (fit_trees(codes, cells, 2, seed).weights() for seed in (1, 1, 2))
    assert all(array.tobytes() == again[name].tobytes() for name, array in first.items())
    assert any(array.tobytes() != other[name].tobytes() for name, array in first.items())


@pytest.mark.usefixtures("few")
def test_columns_of_many_cells_are_not_asked_about_and_rows_that_do_not_know_the_column_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boosting, "MOST_CELLS", 5)
    cells, codes = two_columns(200, ["x", "y"])
    codes[:, 2] = (codes[:, 0] >= 5) | (codes[:, 1] == 0)
    codes[:3, 2] = -1
    asked = fit_trees(codes, cells, 2, 0)
    assert set(asked.columns[asked.bounds[:, :, 1] > 0].tolist()) == {1}
    known = fit_trees(codes[3:], cells, 2, 0)
    assert known.leaves.tobytes() == asked.leaves.tobytes()


@pytest.mark.usefixtures("few")
def test_no_tree_is_begun_once_time_is_over() -> None:
    cells, codes = two_columns(500, ["x", "y"])
    codes[:, 2] = (codes[:, 0] >= 5) ^ (codes[:, 1] == 1)
    ended, whole = (fit_trees(codes, cells, 2, 0, seconds) for seconds in (0.0, 600.0))
    assert len(ended.columns) <= MEMBERS < len(whole.columns)
