"""The autoregressive network as torch trains it; `autoregressive.py` draws from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.discrete.autoregressive import Floats32, Ints, Network, nothing_direct
from generators.discrete.carry import Begun
from generators.discrete.cells import Cells, Codes
from generators.discrete.conditional import calibrated_given
from generators.neural.any_order import AnyOrder, fit_any_order, put
from generators.task import Progress

AFRESH: Begun[Network] = Begun()


class NadeModule(AnyOrder[Network]):
    """See `autoregressive.py`; what is given is known to all columns but its own.

    Args: see `AnyOrder`.
    """

    def __init__(self, cells: Cells, width: int, forgotten: float) -> None:
        super().__init__(cells, width, forgotten)
        self.mixing = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def losses(self, codes: Tensor, order: Sequence[int], given: Tensor | None = None) -> Tensor:
        """See `AnyOrder.losses`."""
        by_column = codes.T[order]  # (d, n)
        known = by_column >= 0
        if self.training:
            known &= torch.rand(known.shape, device=known.device) >= self.forgotten
        places = (by_column + self.firsts[order, None]).clamp(min=0)
        vectors = F.embedding(places, self.inputs()) * known[:, :, None]
        before = torch.ones(len(order), len(order), device=codes.device).tril(-1)  # (columns, those before them)
        state = before @ vectors.flatten(1)
        if given is not None:
            state = state + before.T @ (vectors * given.T[order][:, :, None]).flatten(1)
        state = state.view_as(vectors) + self.starts[order, None]
        first = F.hardswish(self.norm(state))
        last = self.last(first + F.hardswish(self.mixing(first)))
        return self.told(last, order, by_column)

    @torch.no_grad()
    def take_over(self, network: Network) -> None:
        """Become a network, other than where it has NaN."""
        self.take_over_ends(network)
        put(self.norm.weight, network.norm[0])
        put(self.norm.bias, network.norm[1])
        put(self.mixing.weight, network.mixing.T)
        put(self.mixing.bias, network.shift)

    @torch.no_grad()
    def network(self) -> Network:
        """The same as arrays; no cell says anything directly yet."""
        outputs = self.outputs()
        frequent, direct = nothing_direct(len(outputs))
        return Network(
            embeddings=_array(self.inputs()),
            starts=_array(self.starts),
            norm=_array(torch.stack([self.norm.weight, self.norm.bias])),
            mixing=_array(self.mixing.weight.T),
            shift=_array(self.mixing.bias),
            outputs=_array(outputs * self.last.weight),
            biases=_array(self.biases + outputs @ self.last.bias),
            frequent=frequent,
            direct=direct,
        )


def _array(tensor: Tensor) -> Floats32:
    return np.ascontiguousarray(tensor.numpy())


def fit_network(
    codes: Codes,
    cells: Cells,
    order: Ints,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    begun: Begun[Network] = AFRESH,
) -> tuple[Network, Ints]:
    """Train a network, and calibrate it, drawn freely and with frequent cells given; see `fit_any_order`."""

    def build() -> NadeModule:
        return NadeModule(cells, settings["width"], settings["forgotten"])

    network, held_back = fit_any_order(build, (codes, cells, order), settings, seed, progress, begun)
    return calibrated_given(network, codes, cells, order, seed, progress), held_back
