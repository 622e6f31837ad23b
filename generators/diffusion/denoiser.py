"""The network that says what a noisy row was, as arrays, and the steps by which a row is drawn with it.

The states that are told, and the numbers, as noisy as they are, add up to what a row is for the network. A few layers
later it says how likely each hidden state is, and where the numbers move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from generators.columns import Floats
from generators.encoded.layout import Floats32

WAVES = (1.5, 2.25, 3.4, 5.0)
"""A noisy number is told by its value, and by the sine and cosine of these multiples of it."""

TOLD = 1 + 2 * len(WAVES)


@dataclass(frozen=True, eq=False)
class Denoiser:
    """The weights, h numbers wide, over s states and m numbers, for t steps.

    Args:
        embeddings: what each state adds once it is told, shape (s, h).
        numbers: what the numbers add, each told by `TOLD`, inputs first, shape (m * TOLD, h).
        starts: what is added at each step, shape (t, h).
        layers: of inputs that are normalised, inputs first, shape (l, h, h).
        shifts: their biases at each step, shape (t, l, h).
        outputs: what the last, normalised, is multiplied by for each state's logit, shape (s, h).
        biases: of these, shape (s,).
        velocities: what it is multiplied by for each number's velocity, shape (h, m).
        speeds: the biases of these, shape (m,).
    """

    embeddings: Floats32
    numbers: Floats32
    starts: Floats32
    layers: Floats32
    shifts: Floats32
    outputs: Floats32
    biases: Floats32
    velocities: Floats32
    speeds: Floats32

    @property
    def steps(self) -> int:
        """In how many steps a row is drawn."""
        return len(self.starts)

    def biased(self, by: Floats) -> Self:
        """The same with more, or less, on the states' logits, shape (s,)."""
        return replace(self, biases=(self.biases + by).astype(np.float32))

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {f"denoiser.{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        return cls(*(arrays[f"denoiser.{field.name}"] for field in fields(cls)))


def times_of(steps: int) -> Floats:
    """When the steps are, from all noise to none: 1 to 0, shape (steps + 1,)."""
    return np.linspace(1.0, 0.0, steps + 1)


def signal_and_noise(times: Floats) -> tuple[Floats, Floats]:
    """How much of a number and how much noise there is at a time; their squares add up to 1.

    Source: Nichol and Dhariwal 2021, "Improved denoising diffusion probabilistic models", 3.2 (the cosine schedule).
    """
    return np.cos(times * np.pi / 2), np.sin(times * np.pi / 2)
