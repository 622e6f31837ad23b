"""Layers between cells and chances, and a cell picked by its chance: compiled and plain alike."""

from __future__ import annotations

import numpy as np
import pytest

from generators.discrete.layers import NOTHING, exponentials, hardswish, normalise, pick

pytestmark = pytest.mark.kernel


def test_hardswish_is_nothing_far_below_and_itself_far_above() -> None:
    assert [hardswish(np.float32(x)) for x in (-4, -3, 0, 1, 3, 5)] == pytest.approx([0, 0, 0, 4 / 6, 3, 5], abs=1e-6)


def test_a_normalised_row_has_mean_nothing_and_variance_one() -> None:
    row = np.random.default_rng(0).normal(3, 2, 21).astype(np.float32)
    expected = (row - row.mean()) / row.std()
    normalise(row, np.ones(21, np.float32))
    assert row == pytest.approx(expected, abs=1e-4)
    same = np.full(4, 2.5, np.float32)
    normalise(same, np.ones(4, np.float32))
    assert same.tolist() == [0, 0, 0, 0]


def test_exponentials_are_those_of_the_library_and_what_fills_up_counts_for_nothing() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (3, 16)).astype(np.float32)
    biases = np.where(np.arange(16) < 11, np.float32(0.5), NOTHING)
    raised = logits[:, :11].astype(np.float64)
    expected = np.exp(raised - raised.max(axis=1, keepdims=True))
    sums = np.empty(3, np.float32)
    exponentials(logits, biases, sums)
    assert logits[:, :11] == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert (logits[:, 11:] == 0).all()
    assert sums == pytest.approx(expected.sum(axis=1), rel=1e-5)


def test_the_cell_picked_is_the_one_whose_part_the_uniform_is_in() -> None:
    chances = np.tile(np.array([1.0, 0.0, 3.0, 0.0], np.float32), (5, 1))
    codes, into = np.empty(5, np.int32), np.empty(5)
    u = np.array([0.0, 0.125, 0.25, 0.625, np.nextafter(1.0, 0)])
    pick(chances, np.full(5, 4, np.float32), u, codes, into)
    assert codes.tolist() == [0, 0, 2, 2, 2]
    assert into == pytest.approx([0, 0.5, 0, 0.5, 1])
