"""A network that makes a row of normals at once, and of a condition where it was trained on those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np
import numpy.typing as npt

from generators.columns import Floats
from generators.encoded.dense import Dense
from generators.encoded.layout import Floats32, Layout
from generators.latent.gaussian import normal_quantile


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is drawn from.

    Args:
        dense: takes normals and conditions, and gives the numbers, before they are brought between -1 and 1, and the
            states' logits.
        latent: how many normals it takes.
        chances: how often each condition is drawn, summing to 1, shape (conditions,); empty where it takes none.
        deviation: the standard deviation of each number around what the network says, shape (numbers,).
    """

    dense: Dense
    latent: int
    chances: Floats
    deviation: Floats

    @property
    def width(self) -> int:
        """How many uniforms a row takes: those of the normals, and one that decides among conditions or candidates."""
        return self.latent + 1

    def inputs(self, u: Floats, chances: Floats | None = None) -> tuple[Floats32, npt.NDArray[np.int64]]:
        """What the network takes, and which condition that is; -1 for none.

        Args:
            u: in [0, 1), shape (n, width).
            chances: of the conditions, in place of its own.

        Returns:
            shapes (n, latent + conditions) and (n,).
        """
        chances = self.chances if chances is None else chances
        found = np.zeros((len(u), self.latent + len(chances)), np.float32)
        _normals(u, found, self.latent)
        if not len(chances):
            return found, np.full(len(u), -1)
        condition = np.searchsorted(np.cumsum(chances), u[:, self.latent] * chances.sum(), side="right")
        condition = condition.clip(0, len(chances) - 1)
        found[np.arange(len(u)), self.latent + condition] = 1.0
        return found, condition

    def __call__(self, inputs: Floats32, numbers: int) -> tuple[Floats32, Floats32]:
        """The numbers, from -1 to 1, and the logits of the states, both with a row a row."""
        out = self.dense(inputs)
        return np.tanh(out[:, :numbers]), np.ascontiguousarray(out[:, numbers:])

    def spread(self, numbers: Floats32, layout: Layout, into: Floats) -> Floats32:
        """Numbers with what the network leaves open about them.

        Args:
            numbers: what the network says, shape (n, numbers).
            layout: the variables.
            into: a uniform a variable, shape (n, variables).
        """
        if not self.deviation.any():
            return numbers
        off = np.zeros((len(numbers), layout.numbers), np.float32)
        _normals(np.ascontiguousarray(into[:, layout.number >= 0]), off, layout.numbers)
        return (numbers + self.deviation * off).astype(np.float32)

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        own = {"latent": np.array([self.latent]), "chances": self.chances, "deviation": self.deviation}
        return {**self.dense.weights("network"), **own}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        dense = Dense.from_weights(arrays, "network")
        return cls(dense, int(arrays["latent"][0]), arrays["chances"], arrays["deviation"])


@numba.njit(cache=True, nogil=True)
def _normals(u: Floats, found: Floats32, count: int) -> None:
    """Put so many normals into the first columns."""
    for i in range(len(u)):
        for k in range(count):
            found[i, k] = np.float32(normal_quantile(u[i, k]))


def log_chances(logits: Floats32, biases: Floats32, layout: Layout) -> Floats32:
    """The logarithm of the chance of each state, shape (n, states)."""
    found: Floats32 = logits + biases
    for start, end in zip(layout.first[:-1], layout.first[1:], strict=True):
        part = found[:, start:end]
        part -= part.max(axis=1, keepdims=True)
        part -= np.log(np.exp(part).sum(axis=1, keepdims=True))
    return found


def present_states(logits: Floats32, layout: Layout, never: float) -> Floats32:
    """The logits with no variable missing."""
    found = logits.copy()
    gone = np.flatnonzero(layout.null >= 0)
    found[:, layout.first[gone] + layout.null[gone]] = never
    return found
