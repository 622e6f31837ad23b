"""Dense layers without torch: one thread, and sums in an order that is written out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

import numba
import numpy as np
import numpy.typing as npt

from generators.discrete.products import ROWS, padded, times
from generators.encoded.layout import Floats32

CHUNK = 256
"""Rows are worked on so many at a time."""


class Activation(IntEnum):
    """What becomes of a layer's sums."""

    NONE = 0
    RELU = 1
    SILU = 2
    TANH = 3


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer.

    Args:
        weight: inputs first, shape (inputs, outputs).
        bias: shape (outputs,).
        activation: what becomes of its sums.
        joined: what goes in also comes out, after the outputs.
    """

    weight: Floats32
    bias: Floats32
    activation: Activation = Activation.NONE
    joined: bool = False


class Dense:
    """Layers one after the other.

    Args:
        layers: each takes what comes out of the one before.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self._padded = []
        for layer in layers:
            inputs, outputs = layer.weight.shape
            filled = np.zeros((inputs, padded(outputs)), np.float32)
            filled[:, :outputs] = layer.weight
            self._padded.append(filled)

    def __call__(self, x: Floats32) -> Floats32:
        """What comes out of the last layer.

        Args:
            x: shape (n, inputs).

        Returns:
            shape (n, outputs).
        """
        n = len(x)
        whole = np.zeros((-(-n // ROWS) * ROWS, x.shape[1]), np.float32)
        whole[:n] = x
        parts = [self._chunk(whole[low : low + CHUNK]) for low in range(0, len(whole), CHUNK)]
        return np.concatenate(parts)[:n] if parts else np.zeros((0, self._outputs(x.shape[1])), np.float32)

    def _chunk(self, x: Floats32) -> Floats32:
        for layer, weight in zip(self.layers, self._padded, strict=True):
            x = _layer(x, weight, layer.bias, int(layer.activation), layer.joined)
        return x

    def _outputs(self, inputs: int) -> int:
        width = inputs
        for layer in self.layers:
            width = layer.weight.shape[1] + (width if layer.joined else 0)
        return width

    def weights(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from, by names that begin with `name`."""
        found: dict[str, npt.NDArray[Any]] = {}
        for i, layer in enumerate(self.layers):
            found[f"{name}.{i}.weight"], found[f"{name}.{i}.bias"] = layer.weight, layer.bias
            found[f"{name}.{i}.form"] = np.array([int(layer.activation), int(layer.joined)])
        return found

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]], name: str) -> Self:
        """Rebuild what `weights` came from."""
        layers = list[Layer]()
        while f"{name}.{len(layers)}.form" in arrays:
            weight, bias, form = (arrays[f"{name}.{len(layers)}.{part}"] for part in ("weight", "bias", "form"))
            layers.append(Layer(weight, bias, Activation(int(form[0])), bool(form[1])))
        return cls(layers)


@numba.njit(cache=True, nogil=True)
def _layer(x: Floats32, weight: Floats32, bias: Floats32, activation: int, joined: bool) -> Floats32:
    """One layer of so many rows that fill whole tiles; columns of the weight are filled up to whole tiles too."""
    rows, inputs = x.shape
    outputs = len(bias)
    sums = np.empty((rows, weight.shape[1]), np.float32)
    if inputs:
        times(x, weight, sums)
    else:
        sums[:] = np.float32(0.0)
    out = np.empty((rows, outputs + (inputs if joined else 0)), np.float32)
    one, zero = np.float32(1.0), np.float32(0.0)
    for i in range(rows):
        for k in range(outputs):
            value = sums[i, k] + bias[k]
            if activation == 1:
                value = max(value, zero)
            elif activation == 2:
                value = value / (one + np.float32(math.exp(-value)))
            elif activation == 3:
                value = np.float32(math.tanh(value))
            out[i, k] = value
        if joined:
            for k in range(inputs):
                out[i, outputs + k] = x[i, k]
    return out
