"""The denoiser as torch trains it; `generators/diffusion/` draws with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.diffusion.denoiser import WAVES, Denoiser, times_of
from generators.encoded.layout import Floats32, Layout
from generators.neural.checkpoints import Keeper, digest_of
from generators.neural.devices import device_of, fork_random, together
from generators.neural.training import Plan, train
from generators.start import Start
from generators.task import Task

LAYERS = 3

FEW_ROWS, SMALL_BATCH, LARGE_BATCH = 15_000, 128, 512
"""Tables of fewer rows are trained in smaller batches."""

FEW_DECAY, DECAY = 0.3, 0.01
"""The weight decay for such tables, and for others."""

AVERAGE, HELD, GAIN, PATIENCE = 0.998, 0.05, 0.003, 5

AT_FIRST = 0.1
"""The standard deviation of embeddings before training."""

RHYTHMS = 16
"""Time is told by so many sines and cosines."""

APART = 0.5
"""In this share of rows, how many states are told and how noisy numbers are have nothing to do with each other: where
some are given, they have not."""

LEAST_CHANCE = 1e-30
"""Keeps logarithms finite."""

JUDGED = 3
"""Rows held back are judged with noise so many times."""


class DenoiserModule(nn.Module):
    """See `Denoiser`.

    Args:
        layout: the variables.
        width: of the layers.
    """

    firsts: Tensor
    waves: Tensor
    varied: Tensor
    members: Tensor

    def __init__(self, layout: Layout, width: int) -> None:
        super().__init__()
        self.sizes, self.count, self.width = layout.sizes, layout.numbers, width
        self.register_buffer("firsts", torch.from_numpy(layout.first[:-1]))
        self.register_buffer("waves", torch.tensor(WAVES))
        self.register_buffer("varied", torch.from_numpy(np.flatnonzero(np.diff(layout.first) > 1)))
        self.register_buffer("members", torch.from_numpy(np.repeat(np.eye(layout.count, dtype="f4"), self.sizes, 0)))
        told = self.count * (1 + 2 * len(WAVES))
        self.states = nn.Parameter(torch.randn(layout.states, width) * AT_FIRST)
        self.numbers = nn.Parameter(torch.randn(told, width) / max(told, 1) ** 0.5)
        self.rhythm, self.shifts = nn.Linear(2 * RHYTHMS, 2 * RHYTHMS), nn.Linear(2 * RHYTHMS, width * (LAYERS + 1))
        self.pairs = [(nn.LayerNorm(width), nn.Linear(width, width)) for _ in range(LAYERS)]
        self.layers = nn.ModuleList([part for pair in self.pairs for part in pair])
        self.last = nn.LayerNorm(width)
        self.outputs = nn.Parameter(torch.zeros(layout.states, width))
        self.biases = nn.Parameter(torch.from_numpy(np.log(layout.share + 1e-6)).float())
        self.velocities = nn.Parameter(torch.zeros(width, self.count))
        self.speeds = nn.Parameter(torch.zeros(self.count))

    def timed(self, times: Tensor) -> Tensor:
        """What times add before each layer and at the start, shape (n, LAYERS + 1, width)."""
        at = times[:, None] * (torch.arange(1, RHYTHMS + 1, device=times.device) * torch.pi / 2)
        waves = F.silu(self.rhythm(torch.cat([at.sin(), at.cos()], 1)))
        found: Tensor = self.shifts(waves).view(len(times), LAYERS + 1, self.width)
        return found

    def forward(self, codes: Tensor, told: Tensor, numbers: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """What noisy rows were.

        Args:
            codes: the states, shape (n, d).
            told: 1 for those that are told, 0 for those that are hidden, shape (n, d).
            numbers: as noisy as they are, shape (n, m).
            times: how noisy they are, 0 to 1, shape (n,).

        Returns:
            The logits of states, shape (n, states), and the velocities of numbers, shape (n, m).
        """
        hot = torch.zeros(len(codes), len(self.states), device=codes.device).scatter_(1, codes + self.firsts, told)
        at = numbers[:, :, None] * self.waves
        about = torch.cat([numbers[:, :, None], at.sin(), at.cos()], 2).flatten(1)
        shifts = self.timed(times)
        state = hot @ self.states + about @ self.numbers + shifts[:, LAYERS]
        for i, (norm, layer) in enumerate(self.pairs):
            state = state + F.hardswish(layer(norm(state) + shifts[:, i]))
        last = self.last(state)
        return last @ self.outputs.T + self.biases, last @ self.velocities + self.speeds

    def nats(self, logits: Tensor, codes: Tensor) -> Tensor:
        """How unlikely states are told to be, in nats, shape (n, d)."""
        chances = (logits - logits.amax(1, keepdim=True).detach()).exp()
        told = chances.gather(1, codes + self.firsts) / (chances @ self.members + LEAST_CHANCE)
        nats: Tensor = -(told + LEAST_CHANCE).log()
        return nats

    @torch.no_grad()
    def denoiser(self, steps: int) -> Denoiser:
        """The same as arrays, for so many steps; normalisations' scales and shifts are in what comes after them."""
        shifts = self.timed(torch.from_numpy(times_of(steps)[:-1]).float())  # (steps, LAYERS + 1, width)
        layers, biases = [], []
        for i, (norm, layer) in enumerate(self.pairs):
            layers.append((layer.weight * norm.weight).T)
            biases.append((shifts[:, i] + norm.bias) @ layer.weight.T + layer.bias)
        last = self.last
        arrays = (
            self.states,
            self.numbers,
            shifts[:, LAYERS],
            torch.stack(layers),
            torch.stack(biases, 1),
            self.outputs * last.weight,
            self.biases + self.outputs @ last.bias,
            self.velocities * last.weight[:, None],
            self.speeds + last.bias @ self.velocities,
        )
        return Denoiser(*(np.ascontiguousarray(array.numpy(), np.float32) for array in arrays))


def losses(model: DenoiserModule, rows: Tensor) -> Tensor:
    """A bound on the nats of states of rows made noisy, and the squared errors of their numbers' velocities.

    So many states of a row are hidden, any number of them as likely as another; each counts so much that all orders in
    which they may be told count alike.

    Args:
        model: the denoiser.
        rows: numbers, then states, shape (n, m + d).

    Source: Austin et al. 2021, "Structured denoising diffusion models in discrete state-spaces", A.3 (states); Salimans
    and Ho 2022, "Progressive distillation for fast sampling of diffusion models", 4 (velocities).
    """
    where, n, varied = rows.device, len(rows), len(model.varied)
    clean, codes = rows[:, : model.count], rows[:, model.count :].long()
    level = (torch.randperm(n, device=where) + torch.rand(n, device=where)) / n
    count = (level * varied).long() + 1
    hidden = torch.zeros(codes.shape, dtype=torch.bool, device=where)
    hidden[:, model.varied] = torch.rand(n, varied, device=where).argsort(1).argsort(1) < count[:, None]
    times = torch.where(torch.rand(n, device=where) < APART, torch.rand(n, device=where), level)
    signal, blur = (times * torch.pi / 2).cos()[:, None], (times * torch.pi / 2).sin()[:, None]
    noise = torch.randn_like(clean)
    logits, velocities = model(codes, (~hidden).float(), signal * clean + blur * noise, times)
    told = (model.nats(logits, codes) * hidden).sum(1) * (varied / count)
    moved = (velocities - signal * noise + blur * clean).square().sum(1)
    found: Tensor = (told + moved).mean()
    return found


def fit_denoiser(values: Floats32, layout: Layout, task: Task, start: Start) -> Denoiser:
    """Train a denoiser.

    Args:
        values: the real rows as `encoded` has them, shape (n, m + d).
        layout: their variables.
        task: has the settings, the seed and whom to tell.
        start: where training keeps checkpoints.

    Returns:
        The denoiser.
    """
    settings, device = task.settings, device_of(start.device)
    few = len(values) < FEW_ROWS
    plan = Plan(
        SMALL_BATCH if few else LARGE_BATCH,
        learning_rate=settings["learning_rate"],
        weight_decay=FEW_DECAY if few else DECAY,
        average=AVERAGE,
        held_back=HELD,
        gain=GAIN,
        patience=PATIENCE,
        max_seconds=settings["max_seconds"],
        max_epochs=settings["max_epochs"],
        device=device,
        unit="nats and squared errors a row",
    )
    keeper = None if start.keep is None else Keeper(start.keep, _terms(values, layout, task, device))
    with fork_random(device), together(device):
        torch.manual_seed(task.seed)
        model = DenoiserModule(layout, settings["width"])

        def judge(model: DenoiserModule, rows: Tensor) -> Tensor:
            """With the same noise at every judgement."""
            with fork_random(rows.device):
                torch.manual_seed(task.seed)
                return torch.stack([losses(model, rows) for _ in range(JUDGED)]).mean()

        if layout.count:
            train(model, torch.from_numpy(values), losses, judge, plan, task.progress, keeper)
    return model.denoiser(settings["steps"])


def _terms(values: Floats32, layout: Layout, task: Task, device: torch.device) -> Mapping[str, Any]:
    """What two trainings have in common where one goes on from where the other came to."""
    return {
        "data": digest_of(values, layout.first, layout.share, layout.number),
        "settings": dict(task.settings),
        "seed": task.seed,
        "torch": torch.__version__,
        "device": device.type,
    }
