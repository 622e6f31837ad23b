"""The decoder over columns as torch trains it; `attention.py` draws from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.discrete.attention import HEAD, Decoder, Ints
from generators.discrete.carry import Begun
from generators.discrete.cells import Cells, Codes
from generators.neural.any_order import AT_FIRST, AnyOrder, fit_any_order, put
from generators.task import Progress

LEARNING_RATE = 3e-3

WIDER = 2
"""A token is widened so many times between two layers of attention."""

AFRESH: Begun[Decoder] = Begun()


class Layer(nn.Module):
    """Attention, then a layer for each token alone, each adding to the token.

    Args:
        width: of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.mixing = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, WIDER * width), nn.Linear(WIDER * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """The next tokens, shape (n, d, width)."""
        n, d, width = tokens.shape
        heads = self.asked(self.before(tokens)).view(n, d, 3, width // HEAD, HEAD).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind()  # (n, heads, d, HEAD)
        found = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        tokens = tokens + self.mixing(found.transpose(1, 2).reshape(n, d, width))
        more: Tensor = self.narrow(F.hardswish(self.wide(self.between(tokens))))
        return tokens + more


class DecoderModule(AnyOrder[Decoder]):
    """See `attention.py`; what is given comes first in a row's sequence, in the order of drawing.

    Args:
        cells: see `AnyOrder`.
        width: the same.
        layers: how many.
        forgotten: see `AnyOrder`.
    """

    def __init__(self, cells: Cells, width: int, layers: int, forgotten: float) -> None:
        super().__init__(cells, width, forgotten)
        nn.init.normal_(self.starts, std=AT_FIRST)
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        for layer in self.layers:
            assert isinstance(layer, Layer)
            for last in (layer.mixing, layer.narrow):
                nn.init.normal_(last.weight, std=0.02 / layers**0.5)
                nn.init.zeros_(last.bias)

    def losses(self, codes: Tensor, order: Sequence[int], given: Tensor | None = None) -> Tensor:
        """See `AnyOrder.losses`; of what is given, each is told by those of it that came before."""
        n, d = codes.shape
        columns = torch.tensor(order, device=codes.device).expand(n, d)
        at = torch.arange(d, device=codes.device).expand(n, d)
        if given is not None:
            at = at + d * (~given[:, order]).long()
        turns = at.argsort(1)  # (n, d): which column of the order takes each turn
        columns = columns.gather(1, turns)
        told = codes.gather(1, columns)
        known = told >= 0
        if self.training:
            known &= torch.rand(known.shape, device=known.device) >= self.forgotten
        vectors = F.embedding((told + self.firsts[columns]).clamp(min=0), self.inputs()) * known[:, :, None]
        tokens = F.embedding(columns, self.starts) + F.pad(vectors, (0, 0, 1, -1))  # what was known comes a turn later
        for layer in self.layers:
            tokens = layer(tokens)
        back = turns.argsort(1)[:, :, None].expand_as(tokens)
        last = self.last(tokens).gather(1, back).transpose(0, 1)  # (d, n, width), in the order of drawing
        return self.told(last, order, codes.T[order])

    @torch.no_grad()
    def take_over(self, network: Decoder) -> None:
        """Become a network, other than where it has NaN."""
        self.take_over_ends(network)
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            layer.before.reset_parameters()  # they are in what comes after them already
            layer.between.reset_parameters()
            scale = _scale(network.embeddings.shape[1])
            for name in ("asked", "mixing", "wide", "narrow"):
                weight, bias = getattr(network, name)[i].T, getattr(network, f"{name}_shift")[i]
                if name == "asked":
                    weight, bias = weight / scale[:, None], bias / scale
                put(getattr(layer, name).weight, weight)
                put(getattr(layer, name).bias, bias)

    @torch.no_grad()
    def network(self) -> Decoder:
        """The same as arrays."""
        outputs, parts = self.outputs(), []
        scale = torch.from_numpy(_scale(outputs.shape[1]))
        for layer in self.layers:
            assert isinstance(layer, Layer)
            asked, asked_shift = _folded(layer.before, layer.asked)
            wide, wide_shift = _folded(layer.between, layer.wide)
            parts.append(
                (
                    *(asked * scale, asked_shift * scale, layer.mixing.weight.T, layer.mixing.bias),
                    *(wide, wide_shift, layer.narrow.weight.T, layer.narrow.bias),
                )
            )
        arrays = (
            *(self.inputs(), self.starts),
            *(torch.stack(part) for part in zip(*parts, strict=True)),
            *(outputs * self.last.weight, self.biases + outputs @ self.last.bias),
        )
        return Decoder(*(np.ascontiguousarray(array.numpy()) for array in arrays))


def _scale(width: int) -> Any:
    """What queries, keys and values are multiplied by, shape (3 * width,): queries by one over the root of `HEAD`."""
    return np.repeat(np.array([HEAD**-0.5, 1, 1], np.float32), width)


def _folded(norm: nn.LayerNorm, layer: nn.Linear) -> tuple[Tensor, Tensor]:
    """A layer, inputs first, and its bias, with what the normalisation before it scales and shifts by."""
    return (layer.weight * norm.weight).T, layer.bias + layer.weight @ norm.bias


def fit_decoder(
    codes: Codes,
    cells: Cells,
    order: Ints,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    begun: Begun[Decoder] = AFRESH,
) -> tuple[Decoder, Ints]:
    """Train a network; see `fit_any_order`."""

    def build() -> DecoderModule:
        return DecoderModule(cells, settings["width"], settings["layers"], settings["forgotten"])

    return fit_any_order(build, (codes, cells, order), settings, seed, progress, begun, LEARNING_RATE)
