"""Drawing by trees: compiled code held against the same in plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from generators.discrete import trees as module
from generators.discrete.cells import Codes
from generators.discrete.layers import CHUNK
from generators.discrete.trees import Head, Trees, calibrated_trees

pytestmark = pytest.mark.kernel

SIZES = np.array([4, 3, 6])
TARGET = 1


def some_trees(count: int = 7, depth: int = 2) -> Trees:
    rng = np.random.default_rng(5)
    first = rng.integers(-1, 5, (count, depth))
    return Trees(
        np.array([TARGET], np.int32),
        rng.choice([0, 2], (count, depth)).astype(np.int32),
        np.stack([first, first + rng.integers(1, 4, first.shape)], axis=-1).astype(np.int32),
        rng.normal(0, 0.4, (count, 2**depth, SIZES[TARGET] - 1)).astype(np.float32),
        np.array([0.0, 0.3, -0.2], np.float32),
    )


def some_rows(n: int) -> Codes:
    codes = np.random.default_rng(6).integers(-1, SIZES, (n, 3)).astype(np.int32)
    codes[:, TARGET] = np.maximum(codes[:, TARGET], 0)
    return codes


def plain(trees: Trees, codes: Codes) -> npt.NDArray[np.float64]:
    """The chances of the target's cells, shape (n, k)."""
    logits = np.tile(trees.biases.astype(np.float64), (len(codes), 1))
    for columns, bounds, leaves in zip(trees.columns, trees.bounds, trees.leaves, strict=True):
        asked = codes[:, columns]
        answers = (asked >= bounds[:, 0]) & (asked < bounds[:, 1])
        logits[:, 1:] += leaves[answers @ (1 << np.arange(len(columns)))]
    chances = np.exp(logits)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("n", [0, 1, CHUNK + 30])
def test_chances_are_those_of_the_leaves_that_rows_reach(n: int) -> None:
    trees, codes = some_trees(), some_rows(n)
    assert Head(trees).chances(codes) == pytest.approx(plain(trees, codes), abs=1e-6)


def test_compiled_and_plain_agree_to_the_bit() -> None:
    trees, codes = some_trees(), some_rows(20)
    found, expected = np.zeros((2, 20, 3), np.float32)
    given = (codes, trees.columns, trees.bounds, trees.leaves)
    module._add_up(*given, found)
    getattr(module._add_up, "py_func", module._add_up)(*given, expected)
    assert found.tobytes() == expected.tobytes()


def test_each_cell_is_drawn_by_its_chance() -> None:
    trees, codes = some_trees(), some_rows(CHUNK + 30)
    u = np.random.default_rng(1).random(len(codes))
    drawn, into = Head(trees).draw(u, codes)
    chances, rows = plain(trees, codes), np.arange(len(codes))
    below = np.cumsum(chances, axis=1)[rows, drawn] - chances[rows, drawn]
    assert below + into * chances[rows, drawn] == pytest.approx(u, abs=1e-5)


def test_a_row_is_drawn_alike_whatever_is_drawn_beside_it() -> None:
    head, codes = Head(some_trees()), some_rows(CHUNK + 30)
    assert head.chances(codes[200:]).tobytes() == head.chances(codes)[200:].tobytes()


def test_log_chances_are_those_of_the_known_cells() -> None:
    trees, codes = some_trees(), some_rows(40)
    expected = np.log(plain(trees, codes)[np.arange(40), codes[:, TARGET]])
    codes[3, TARGET], expected[3] = -1, 0.0
    assert Head(trees).log_chances(codes) == pytest.approx(expected, abs=1e-5)


def test_without_trees_the_biases_decide() -> None:
    trees = some_trees(count=0)
    odds = np.exp(trees.biases)
    assert Head(trees).chances(some_rows(2)) == pytest.approx(np.tile(odds / odds.sum(), (2, 1)), abs=1e-6)


@pytest.mark.parametrize("shares", [[0.1, 0.2, 0.7], [0.98, 0.0, 0.02]])
def test_calibration_brings_the_marginal_to_a_tables(shares: list[float]) -> None:
    codes = some_rows(600)
    tuned = calibrated_trees(some_trees(), np.array(shares), codes)
    assert Head(tuned).chances(codes).mean(axis=0) == pytest.approx(shares, abs=0.003)


def test_trees_are_their_weights() -> None:
    trees = some_trees()
    weights = trees.weights()
    again = Trees.from_weights({**weights, "other": np.zeros(1)})
    assert again is not None
    assert all((array == again.weights()[name]).all() for name, array in weights.items())
    assert Head(replace(again)).target == TARGET
    assert Trees.from_weights({"other": np.zeros(1)}) is None
