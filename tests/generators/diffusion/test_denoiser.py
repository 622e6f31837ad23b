"""The denoiser's arrays and its schedule."""

from __future__ import annotations

import numpy as np
import pytest

from generators.diffusion.denoiser import TOLD, Denoiser, signal_and_noise, times_of


def denoiser(sizes: list[int], numbers: int = 2, h: int = 8, steps: int = 5, seed: int = 1) -> Denoiser:
    """One that has learned nothing."""
    rng = np.random.Generator(np.random.PCG64(seed))
    states = sum(sizes)
    shapes = [
        (states, h),
        (numbers * TOLD, h),
        (steps, h),
        (3, h, h),
        (steps, 3, h),
        (states, h),
        (states,),
        (h, numbers),
        (numbers,),
    ]
    return Denoiser(*((rng.standard_normal(shape) * 0.4).astype(np.float32) for shape in shapes))


def test_it_comes_back_from_its_arrays() -> None:
    made = denoiser([2, 3])
    again = Denoiser.from_weights(made.weights())
    assert made.steps == again.steps == 5
    for name, array in made.weights().items():
        assert again.weights()[name] is array
    assert set(made.weights()) == {f"denoiser.{name}" for name in Denoiser.__dataclass_fields__}


def test_biases_are_added_to_the_logits() -> None:
    made = denoiser([2, 3])
    assert made.biased(np.arange(5.0)).biases == pytest.approx(made.biases + np.arange(5.0), abs=1e-6)


@pytest.mark.parametrize("steps", [1, 7])
def test_the_schedule_goes_from_noise_alone_to_none(steps: int) -> None:
    signal, noise = signal_and_noise(times_of(steps))
    assert len(signal) == steps + 1
    assert [signal[0], noise[0]] == pytest.approx([0, 1])
    assert [signal[-1], noise[-1]] == pytest.approx([1, 0])
    assert signal**2 + noise**2 == pytest.approx(np.ones(steps + 1))
    assert (np.diff(signal) > 0).all()
