"""The conditional generator and its critic as torch trains them.

The critic takes several rows at once. Its penalty is on the gradient by its input, which is written out here: the
critic is linear but for the signs of what is inside, so that gradient is a product of its weights with their masks. The
first layer of a row between a real and a made one is between theirs, so it costs nothing.

Source: Xu et al. 2019, "Modeling tabular data using conditional GAN", 4; Gulrajani et al. 2017, "Improved training of
Wasserstein GANs"; Lin et al. 2018, "PacGAN".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.encoded.dense import Activation, Dense, Layer
from generators.encoded.layout import Floats32, Layout
from generators.encoded.network import Network
from generators.neural.adversaries import Player, compared, play, reversed_gradient
from generators.neural.blocks import Blocks
from generators.start import Start
from generators.task import Progress

TEMPERATURE = 0.2
PENALTY = 10.0
SLOPE, KEPT = 0.2, 0.5
"""Of the critic: how much of a negative number goes on, and how much of all numbers."""

STATISTICS_ROWS = 8_192
"""Rows that say what the normalisations of the final generator are."""


class Conditions(nn.Module):
    """The states of categories, as what a row may be conditioned on, and the rows that are in each.

    Args:
        layout: the variables.
        rows: the rows that are learned from, shape (n, numbers + variables).
    """

    def __init__(self, layout: Layout, rows: Tensor) -> None:
        super().__init__()
        chosen = [j for j in range(layout.count) if layout.number[j] < 0 and layout.sizes[j] > 1]
        place, variable, order, starts, counts, chances = ([torch.zeros(0)] for _ in range(6))
        for at, j in enumerate(chosen):
            size = layout.sizes[j]
            codes = rows[:, layout.numbers + j].long()
            count = torch.bincount(codes, minlength=size)
            place.append(torch.arange(size) + int(layout.first[j]))
            variable.append(torch.full((size,), j))
            order.append(codes.argsort(stable=True))
            starts.append(at * len(rows) + count.cumsum(0) - count)
            counts.append(count)
            chances.append((count + 1.0).log() / (count + 1.0).log().sum() / len(chosen))
        self.count, self.rows = sum(layout.sizes[j] for j in chosen), rows
        self.place, self.variable = torch.cat(place).long(), torch.cat(variable).long()
        self.order, self.starts = torch.cat(order).long(), torch.cat(starts).long()
        self.counts, self.chances = torch.cat(counts), torch.cat(chances)
        self.true = layout.share[self.place.numpy()] / max(len(chosen), 1)

    def drawn(self, n: int) -> tuple[Tensor | None, Tensor]:
        """Conditions, rare ones more often than they are, and a real row that meets each.

        Args:
            n: how many.

        Returns:
            The conditions, shape (n,), None where there are none; and the rows, shape (n, numbers + variables).
        """
        if not self.count:
            return None, self.rows[torch.randint(len(self.rows), (n,))]
        chosen = torch.multinomial(self.chances, n, replacement=True)
        nth = (torch.rand(n) * self.counts[chosen]).long()
        return chosen, self.rows[self.order[self.starts[chosen] + nth]]


class CtganModule(Player):
    """A generator of rows under a condition, and a critic of such rows.

    Args:
        layout: the variables.
        conditions: what rows are conditioned on.
        width: of the hidden layers.
        latent: how many normals there are.
        packed: how many rows the critic sees at once.
    """

    def __init__(self, layout: Layout, conditions: Conditions, width: int, latent: int, packed: int) -> None:
        super().__init__()
        self.layout, self.blocks, self.latent, self.conditions = layout, Blocks(layout), latent, conditions
        self.packed = packed
        row, c = layout.numbers + layout.states, conditions.count
        inputs, outputs = (latent, latent + width, latent + 2 * width), (width, width, row)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(inputs, outputs, strict=True))
        self.conditioned = nn.ParameterList(
            (2 * torch.rand(c, o) - 1) / (i + c) ** 0.5 for i, o in zip(inputs, outputs, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, track_running_stats=False) for _ in range(2))
        near = 1 / (packed * (row + c)) ** 0.5
        sizes = (layout.numbers, layout.states, c)
        self.of_input = nn.ParameterList((2 * torch.rand(packed * size, width) - 1) * near for size in sizes)
        self.shift = nn.Parameter((2 * torch.rand(width) - 1) * near)
        self.middle, self.last = nn.Linear(width, width), nn.Linear(width, 1)

    def made(self, normals: Tensor, condition: Tensor | None) -> Tensor:
        """Rows as the generator's last layer has them, shape (n, numbers + states)."""
        x = normals
        for i, layer in enumerate(self.layers):
            h = layer(x)
            if condition is not None:
                h = h + F.embedding(condition, self.conditioned[i])
            x = torch.cat([self.norms[i](h).relu_(), x], 1) if i < len(self.norms) else h
        return x

    def losses(self, n: int) -> Tensor:
        """What both lose on about so many rows."""
        packs = max(n // self.packed, 2)
        condition, real = self.conditions.drawn(packs * self.packed)
        m, blocks = self.blocks.numbers, self.blocks
        out = self.made(torch.randn(packs * self.packed, self.latent), condition)
        logits = out[:, m:]
        told = out.new_zeros(())
        if condition is not None:
            chances = logits.clamp(-60.0, 60.0).exp() @ blocks.members
            variable, place = self.conditions.variable[condition, None], self.conditions.place[condition, None]
            told = (chances.gather(1, variable).log() - logits.gather(1, place)).mean()
        numbers, states = out[:, :m].tanh(), blocks.softened(logits, TEMPERATURE)
        return told + self._critic_loss(numbers, states, real, condition, packs)

    def _critic_loss(
        self, numbers: Tensor, states: Tensor, real: Tensor, condition: Tensor | None, packs: int
    ) -> Tensor:
        """What the critic loses; its gradient by what is made is reversed."""
        of_numbers, of_states, of_conditions = self.of_input
        m, blocks, packed = self.blocks.numbers, self.blocks, self.packed
        offsets = torch.arange(packed)
        shared: Tensor = self.shift
        if condition is not None:
            at = condition.view(packs, packed) + offsets * self.conditions.count
            shared = shared + F.embedding_bag(at, of_conditions, mode="sum")
        places = blocks.places(real[:, m:]).view(packs, packed, -1) + offsets[:, None] * blocks.states
        shown = F.embedding_bag(places.flatten(1), of_states, mode="sum")  # a row is a one in each variable's states
        first_real = real[:, :m].reshape(packs, -1) @ of_numbers + shown + shared
        first_made = reversed_gradient(numbers).reshape(packs, -1) @ of_numbers + shared
        first_made = first_made + reversed_gradient(states).view(packs, -1) @ of_states
        first = torch.cat([first_real, first_made])
        second = self.middle(first * _mask(first))
        out = self.last(second * _mask(second)).view(2, packs).mean(1)
        lost: Tensor = out[1] - out[0] + PENALTY * self._penalty(first_real.detach(), first_made.detach())
        return lost

    def _penalty(self, first_real: Tensor, first_made: Tensor) -> Tensor:
        """How far from 1 the slope of the critic is between real and made rows."""
        with torch.no_grad():
            between = torch.lerp(first_made, first_real, torch.rand(len(first_real), 1))
            mask = _mask(between)
            second_mask = _mask(self.middle(between * mask))
        slope = ((self.last.weight * second_mask) @ self.middle.weight) * mask  # (packs, width)
        squares = sum((slope @ weight.T).square().sum(1) for weight in self.of_input)
        off: Tensor = ((torch.as_tensor(squares) + 1e-12).sqrt() - 1).square().mean()
        return off

    @torch.no_grad()
    def network(self) -> Network:
        """What rows are drawn by: the normalisations as they are over many rows."""
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(STATISTICS_ROWS, self.latent, generator=generator)
        true = torch.from_numpy(self.conditions.true)
        condition = None
        if self.conditions.count:
            condition = torch.multinomial(true, STATISTICS_ROWS, replacement=True, generator=generator)
        layers = list[Layer]()
        for layer, conditioned, norm in zip(self.layers, self.conditioned, [*self.norms, None], strict=True):
            assert isinstance(layer, nn.Linear)
            h = layer(x) if condition is None else layer(x) + F.embedding(condition, conditioned)
            weight, bias = torch.cat([layer.weight.T, conditioned]), layer.bias
            if not isinstance(norm, nn.BatchNorm1d):
                layers.append(Layer(_array(weight), _array(bias)))
                break
            scale = norm.weight / (h.var(0, unbiased=False) + norm.eps).sqrt()
            shift = norm.bias - h.mean(0) * scale
            layers.append(Layer(_array(weight * scale), _array(bias * scale + shift), Activation.RELU, joined=True))
            x = torch.cat([(h * scale + shift).relu(), x], 1)
        return Network(Dense(layers), self.latent, self.conditions.true, np.zeros(self.layout.numbers))

    @torch.no_grad()
    def off(self, rows: Tensor) -> Tensor:
        """How far rows that are made are from real ones; see `Compared.off`."""
        n, m, layout = len(rows), self.blocks.numbers, self.layout
        condition = None
        if self.conditions.count:
            condition = torch.multinomial(torch.from_numpy(self.conditions.true), n, replacement=True)
        out = self.made(torch.randn(n, self.latent), condition)
        states = self.blocks.softened(out[:, m:], 1.0)
        parts = torch.split(states, layout.sizes, 1) if layout.count else ()
        states = torch.stack([part.argmax(1) for part in parts], 1) if parts else states
        real, made = _variables(rows, layout), _variables(torch.cat([out[:, :m].tanh(), states.float()], 1), layout)
        one, other = compared(real, made, (layout.number >= 0).tolist())
        return one.off(other)


def _variables(rows: Tensor, layout: Layout) -> list[Tensor]:
    """Numbers on the scale of their column, infinite where missing, and states of the rest."""
    found = []
    for j in range(layout.count):
        codes = rows[:, layout.numbers + j]
        if layout.number[j] >= 0:
            at = codes.long() + int(layout.first[j])
            centre, spread = (torch.from_numpy(each).float()[at] for each in (layout.centre, layout.spread))
            value = centre + spread * rows[:, int(layout.number[j])]
            found.append(torch.where(codes == int(layout.null[j]), torch.inf, value))
        else:
            found.append(codes)
    return found


def _mask(before: Tensor) -> Tensor:
    """What a leaky and forgetful layer multiplies its sums by."""
    kept = torch.empty_like(before).bernoulli_(KEPT) / KEPT
    return torch.where(before.detach() > 0, kept, SLOPE * kept)


def _array(tensor: Tensor) -> Floats32:
    return np.ascontiguousarray(tensor.numpy())


def fit_ctgan(
    rows: Floats32, layout: Layout, settings: Mapping[str, Any], seed: int, start: Start, progress: Progress
) -> Network:
    """Train the generator against its critic.

    Args:
        rows: the real rows, as `encoded` has them, shape (n, numbers + variables).
        layout: their variables.
        settings: see `tabular.ctgan`.
        seed: seeds the first weights and what is drawn while training.
        start: where it keeps checkpoints.
        progress: told how far training has come.
    """

    def made(learned: Tensor) -> CtganModule:
        sizes = (settings["width"], settings["latent"], settings["packed"])
        return CtganModule(layout, Conditions(layout, learned), *sizes)

    asked = (settings, seed, start)
    return play(made, rows, asked, progress).network()
