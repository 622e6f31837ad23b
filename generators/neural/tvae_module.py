"""The variational autoencoder as torch trains it.

Source: Xu et al. 2019, "Modeling tabular data using conditional GAN", 4.5 and appendix; Kingma and Welling 2014,
"Auto-encoding variational Bayes".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from generators.encoded.dense import Activation, Dense, Layer
from generators.encoded.layout import Floats32, Layout
from generators.encoded.network import Network
from generators.neural.blocks import Blocks
from generators.neural.checkpoints import Keeper, digest_of
from generators.neural.devices import device_of, fork_random, together
from generators.neural.training import Plan, train
from generators.start import Start
from generators.task import Progress

BATCH_ROWS, LEARNING_RATE, WEIGHT_DECAY = 500, 1e-3, 1e-5

FEW_ROWS, SMALL_BATCH = 15_000, 200
"""Tables of fewer rows are trained in smaller batches."""

RECONSTRUCTION = 2.0
"""What is lost of a row weighs so many times what the latent says of it."""

NARROWEST = 0.01
"""A number's deviation is at least this."""


class TvaeModule(nn.Module):
    """Rows to a distribution of normals, and normals to a distribution of rows.

    Args:
        layout: the variables.
        width: of the hidden layers.
        latent: how many normals there are.
    """

    gone: Tensor

    def __init__(self, layout: Layout, width: int, latent: int) -> None:
        super().__init__()
        self.blocks, self.latent = Blocks(layout), latent
        row = layout.numbers + layout.states
        self.encoder = nn.Sequential(
            nn.Linear(row, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2 * latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, row)
        )
        self.log_deviation = nn.Parameter(torch.full((layout.numbers,), float(np.log(0.1))))
        with_number = np.flatnonzero(layout.number >= 0)
        null = np.where(layout.null[with_number] >= 0, layout.first[with_number] + layout.null[with_number], -1)
        self.register_buffer("gone", torch.from_numpy(null), persistent=False)
        self.with_number = torch.from_numpy(with_number)

    def losses(self, rows: Tensor) -> Tensor:
        """The loss of each row, in nats but for a constant, shape (n,).

        Args:
            rows: as `encoded` has them, shape (n, numbers + variables).
        """
        m = self.blocks.numbers
        numbers, places = rows[:, :m], self.blocks.places(rows[:, m:])
        mean, log_variance = self.encoder(torch.cat([numbers, self.blocks.one_hot(places)], 1)).chunk(2, 1)
        log_variance = log_variance.clamp(-20.0, 10.0)
        noise = torch.randn_like(mean)
        out = self.decoder(torch.addcmul(mean, noise, (0.5 * log_variance).exp()))
        log_deviation = self.log_deviation.clamp(float(np.log(NARROWEST)), 0.0)
        off = (numbers - out[:, :m].tanh()) * (-log_deviation).exp()
        there = places[:, self.with_number] != self.gone
        lost = ((off.square() / 2 + log_deviation) * there).sum(1) + self.blocks.losses(out[:, m:], places).sum(1)
        told = (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1) / 2
        total: Tensor = RECONSTRUCTION * lost + told
        return total

    @torch.no_grad()
    def network(self) -> Network:
        """What rows are drawn by."""
        layers = [module for module in self.decoder if isinstance(module, nn.Linear)]
        dense = Dense(
            [
                Layer(_array(layer.weight.T), _array(layer.bias), Activation.RELU if i < 2 else Activation.NONE)
                for i, layer in enumerate(layers)
            ]
        )
        deviation = self.log_deviation.clamp(float(np.log(NARROWEST)), 0.0).exp()
        return Network(dense, self.latent, np.zeros(0), deviation.numpy().astype(np.float64))


def _array(tensor: Tensor) -> Floats32:
    return np.ascontiguousarray(tensor.detach().numpy())


def fit_tvae(
    rows: Floats32, layout: Layout, settings: Mapping[str, Any], seed: int, start: Start, progress: Progress
) -> Network:
    """Train the autoencoder.

    Args:
        rows: the real rows, as `encoded` has them, shape (n, numbers + variables).
        layout: their variables.
        settings: see `tabular.tvae`.
        seed: seeds the first weights, the order of rows, and what is drawn while training.
        start: on what it is trained, and where it keeps checkpoints.
        progress: told how far training has come.
    """
    device = device_of(start.device)
    plan = Plan(
        SMALL_BATCH if len(rows) < FEW_ROWS else BATCH_ROWS,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        max_seconds=settings["max_seconds"],
        max_epochs=settings["max_epochs"],
        patience=settings["max_epochs"],
        slower=1.0,
        device=device,
    )
    keeper = None
    if start.keep is not None:
        terms = {"data": digest_of(rows), "torch": torch.__version__, "device": device.type, "seed": seed}
        keeper = Keeper(start.keep, terms | {"settings": dict(settings)})
    with fork_random(device), together(device):
        torch.manual_seed(seed)
        model = TvaeModule(layout, settings["width"], settings["latent"])

        def judge(model: TvaeModule, batch: Tensor) -> Tensor:
            """The same normals are drawn at every judgement."""
            with fork_random(batch.device):
                torch.manual_seed(seed)
                return model.losses(batch).mean()

        train(model, torch.from_numpy(rows), lambda m, batch: m.losses(batch).mean(), judge, plan, progress, keeper)
    return model.network()
