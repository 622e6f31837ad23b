"""Drawing from noise: a pure function of a row's uniforms; what is given stays, and each state is told once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chisquare

from generators.diffusion.denoiser import Denoiser
from generators.diffusion.drawing import Reverse, _when
from tests.generators.diffusion.test_denoiser import denoiser

pytestmark = pytest.mark.kernel

SIZES = [3, 1, 20]
FIRST = np.concatenate([[0], np.cumsum(SIZES)])


def reverse(made: Denoiser) -> Reverse:
    return Reverse(made, FIRST)


def uniforms(rows: int, seed: int = 1) -> npt.NDArray[np.float64]:
    return np.random.Generator(np.random.PCG64(seed)).random((rows, reverse(denoiser(SIZES)).width))


def free(rows: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Nothing given."""
    return np.full((rows, 3), -1, np.int32), np.full((rows, 2), np.nan, np.float32)


@pytest.mark.skipif(not hasattr(_when, "py_func"), reason="numpy rounds a row's products by how many rows there are")
def test_a_row_is_the_same_whatever_rows_are_beside_it() -> None:
    model, u = reverse(denoiser(SIZES)), uniforms(150)
    whole, turned, alone = model.draw(u), model.draw(u[::-1]), model.draw(u[7:8])
    for name in ("codes", "into", "numbers"):
        assert (getattr(whole, name) == getattr(turned, name)[::-1]).all()
        assert (getattr(whole, name)[7:8] == getattr(alone, name)).all()
    assert len(model.draw(u[:0]).codes) == 0
    assert len(np.unique(whole.numbers[:, 0])) == 150


def test_states_are_in_reach_and_what_is_left_of_uniforms_is_even() -> None:
    drawn = reverse(denoiser(SIZES)).draw(uniforms(300))
    assert drawn.codes.min() >= 0
    assert (drawn.codes < SIZES).all()
    assert np.isfinite(drawn.numbers).all()
    assert 0 <= drawn.into.min() <= drawn.into.max() <= 1
    assert drawn.into.mean() == pytest.approx(0.5, abs=0.05)


def test_a_table_without_numbers_or_without_states_to_tell_is_drawn_too() -> None:
    plain = Reverse(denoiser(SIZES, numbers=0), FIRST)
    assert plain.width == 6
    assert plain.draw(uniforms(5)[:, :6]).numbers.shape == (5, 0)
    empty = Reverse(denoiser([], numbers=0), np.zeros(1, np.int64))
    assert empty.draw(np.zeros((5, 0))).codes.shape == (5, 0)


def test_what_is_given_stays_and_the_rest_is_told_of_it() -> None:
    model, u = reverse(denoiser(SIZES)), uniforms(60)
    codes, numbers = free(60)
    codes[::2, 2], numbers[::2, 1] = 11, 0.5
    held, loose = model.draw(u, codes, numbers), model.draw(u, *free(60))
    assert (held.codes[::2, 2] == 11).all()
    assert held.numbers[::2, 1] == pytest.approx(0.5, abs=1e-6)
    for name in ("codes", "numbers"):
        assert (getattr(held, name)[1::2] == getattr(loose, name)[1::2]).all()
        assert (getattr(loose, name) == getattr(model.draw(u), name)).all()
    assert (held.numbers[::2, 0] != loose.numbers[::2, 0]).any()
    assert (codes[1::2] == -1).all()


def test_a_network_that_knows_one_state_draws_it_and_says_so() -> None:
    made = denoiser(SIZES)
    sure = replace(made, outputs=made.outputs * 0, biases=np.full(24, -80, np.float32))
    sure.biases[[1, 3, 10]] = 0
    model, u = reverse(sure), uniforms(50)
    assert (model.draw(u).codes == [1, 0, 6]).all()
    assert model.shares(u)[[1, 3, 10]] == pytest.approx(1)


def test_shares_are_those_of_the_states_that_are_drawn() -> None:
    made, shares = denoiser(SIZES), np.array([0.5, 0.2, 0.3, 1.0, *np.arange(1, 21) / 210])
    model = reverse(replace(made, outputs=made.outputs * 0, biases=np.log(shares).astype(np.float32)))
    u = uniforms(600)
    assert model.shares(u) == pytest.approx(shares, abs=1e-5)
    counts = np.bincount(model.draw(u).codes[:, 0], minlength=3)
    assert chisquare(counts, 600 * shares[:3]).pvalue > 1e-4


def test_a_number_is_where_its_velocity_leads() -> None:
    """In a single step from noise alone, what a number was is the velocity, turned around."""
    made = denoiser(SIZES, steps=1)
    model = reverse(replace(made, velocities=made.velocities * 0, speeds=np.array([-0.7, 0.2], np.float32)))
    assert model.draw(uniforms(9)).numbers == pytest.approx(np.tile([0.7, -0.2], (9, 1)), abs=1e-6)


def test_a_network_that_knows_the_distribution_of_a_number_draws_it() -> None:
    """Of standard normals nothing moves: the best velocity is 0 at every time, and noise is what they were."""
    made, u = denoiser(SIZES), uniforms(500)
    model = reverse(replace(made, velocities=made.velocities * 0, speeds=made.speeds * 0))
    found = model.draw(u).numbers
    assert found.std(axis=0) == pytest.approx([np.cos(np.pi / 10) ** 5] * 2, rel=0.1)  # each of 5 steps is a chord
    assert (np.argsort(found[:, 0]) == np.argsort(u[:, 6])).all()


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
def test_each_hidden_variable_is_told_once_and_as_evenly_as_steps_allow(steps: int) -> None:
    turns = np.random.Generator(np.random.PCG64(3)).random((200, 5))
    given, when = np.array([False, True, False, False, False]), np.zeros((200, 5), np.int32)
    for row, into in zip(turns, when, strict=True):
        _when(row, given, steps, into)
    assert (when[:, 1] == -1).all()
    told = np.delete(when, 1, axis=1)
    assert told.min() >= 0
    assert told.max() < steps
    assert (np.argsort(told, axis=1, kind="stable")[:, 0] >= 0).all()
    counts = np.apply_along_axis(np.bincount, 1, told, minlength=steps)
    assert counts.max() <= -(-4 // steps) + (steps > 1)
    assert told.mean(axis=0) == pytest.approx(np.full(4, (steps - 1) / 2), abs=0.12 * steps)
