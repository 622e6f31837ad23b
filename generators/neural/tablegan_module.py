"""Convolutional generator, discriminator and classifier of rows as square images.

Source: Park et al. 2018, "Data synthesis based on generative adversarial networks", 4 (architecture and the three
losses); Radford, Metz and Chintala 2016, "Unsupervised representation learning with deep convolutional GANs".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from generators.encoded.dense import Activation, Dense, Layer
from generators.encoded.layout import Floats32
from generators.encoded.network import Network
from generators.neural.adversaries import Player, compared, play
from generators.start import Start
from generators.task import Progress

SLOPE = 0.2
STATISTICS_ROWS = 8_192


def side_of(count: int) -> int:
    """How many pixels the side of an image of so many has: a power of two, four at least.

    >>> side_of(15), side_of(17)
    (4, 8)
    """
    side = 4
    while side * side < count:
        side *= 2
    return side


class Judge(nn.Module):
    """Two convolutions and what they say of an image in one number.

    Args:
        side: of the images.
        width: channels of the first.
    """

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 4, 2, 1)
        self.second = nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * width, track_running_stats=False)
        self.last = nn.Linear(2 * width * (side // 4) ** 2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What it has found in images, shape (n, features), and what it says of them, shape (n,)."""
        x = F.leaky_relu(self.first(images), SLOPE)
        features = F.leaky_relu(self.norm(self.second(x)), SLOPE).flatten(1)
        says: Tensor = self.last(features)
        return features, says[:, 0]


class TableganModule(Player):
    """The three networks.

    Args:
        rows: that are learned from, from -1 to 1, shape (n, variables).
        target: the variable that the classifier tells from the others; None for no classifier.
        width: channels of the first convolution of discriminator and classifier.
        latent: how many normals the generator takes.
    """

    def __init__(self, rows: Tensor, target: int | None, width: int, latent: int) -> None:
        super().__init__()
        self.rows, self.count, self.target, self.latent = rows, rows.shape[1], target, latent
        self.side = side_of(self.count)
        quarter, channels = self.side // 4, max(16, 4 * width * 4 // self.side)
        self.shape = (channels, quarter, quarter)
        self.start = nn.Linear(latent, channels * quarter * quarter, bias=False)
        self.grow = nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False)
        self.finish = nn.ConvTranspose2d(channels // 2, 1, 4, 2, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(of, track_running_stats=False) for of in (channels, channels // 2))
        self.discriminator = Judge(self.side, width)
        self.classifier = Judge(self.side, width) if target is not None else None

    def made(self, normals: Tensor) -> Tensor:
        """Images, shape (n, 1, side, side)."""
        x = self.norms[0](self.start(normals).view(-1, *self.shape)).relu()
        x = self.norms[1](self.grow(x)).relu()
        image: Tensor = self.finish(x).tanh()
        return image

    def image(self, rows: Tensor) -> Tensor:
        """Rows as images, filled up with zeros."""
        return F.pad(rows, (0, self.side**2 - self.count)).view(-1, 1, self.side, self.side)

    def losses(self, n: int) -> Tensor:
        """What all three lose on about so many rows."""
        n = max(n, 2)
        real = self.image(self.rows[torch.randint(len(self.rows), (n,))])
        made = self.made(torch.randn(n, self.latent))
        seen, says = self.discriminator(real)
        of_made = self.discriminator(made.detach())[1]
        told: Tensor = F.softplus(-says).mean() + F.softplus(of_made).mean()
        features, says = functional_call(self.discriminator, _frozen(self.discriminator), (made,))
        seen = seen.detach()
        told = told + F.softplus(-says).mean()
        told = told + (features.mean(0) - seen.mean(0)).norm() + (_deviation(features) - _deviation(seen)).norm()
        if self.classifier is None or self.target is None:
            return told
        right, masked = self._answer(real)
        told = told + (self.classifier(masked)[1].tanh() - right).abs().mean()
        right, masked = self._answer(made)
        answer = functional_call(self.classifier, _frozen(self.classifier), (masked,))[1]
        total: Tensor = told + (answer.tanh() - right).abs().mean()
        return total

    def _answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The target of images, shape (n,), and the images without it."""
        mask = torch.ones(self.side**2)
        mask[self.target] = 0.0
        return images.flatten(1)[:, self.target], images * mask.view(1, 1, self.side, self.side)

    @torch.no_grad()
    def off(self, rows: Tensor) -> Tensor:
        """How far rows that are made are from real ones; see `Compared.off`."""
        made = self.made(torch.randn(len(rows), self.latent)).flatten(1)[:, : self.count]
        one, other = compared(list(rows.T), list(made.T), [True] * self.count)
        return one.off(other)

    @torch.no_grad()
    def network(self) -> Network:
        """What rows are drawn by: convolutions of so small images are dense layers, normalised as over many rows."""
        normals = torch.randn(STATISTICS_ROWS, self.latent, generator=torch.Generator().manual_seed(0))
        channels, quarter, _ = self.shape
        layers, x = list[Layer](), normals
        matrices = [self.start.weight.T, _matrix(self.grow, (channels, quarter, quarter))]
        for weight, norm, pixels in zip(matrices, self.norms, (quarter**2, 4 * quarter**2), strict=True):
            assert isinstance(norm, nn.BatchNorm2d)
            h = x @ weight
            by_channel = h.view(len(h), -1, pixels)
            scale = norm.weight / (by_channel.var((0, 2), unbiased=False) + norm.eps).sqrt()
            shift = norm.bias - by_channel.mean((0, 2)) * scale
            scale, shift = scale.repeat_interleave(pixels), shift.repeat_interleave(pixels)
            layers.append(Layer(_array(weight * scale), _array(shift), Activation.RELU))
            x = (h * scale + shift).relu()
        last = _matrix(self.finish, (channels // 2, 2 * quarter, 2 * quarter))[:, : self.count]
        nothing = torch.zeros(len(last), self.count)  # the logits of states, of which each variable has one
        assert self.finish.bias is not None
        shift = torch.cat([self.finish.bias.expand(self.count), torch.zeros(self.count)])
        layers.append(Layer(_array(torch.cat([last, nothing], 1)), _array(shift)))
        return Network(Dense(layers), self.latent, np.zeros(0), np.zeros(self.count))


def _matrix(layer: nn.ConvTranspose2d, shape: tuple[int, int, int]) -> Tensor:
    """A convolution without its bias as a matrix, inputs first."""
    size = int(np.prod(shape))
    ones = torch.eye(size).view(size, *shape)
    return F.conv_transpose2d(ones, layer.weight, None, stride=2, padding=1).flatten(1)


def _frozen(module: nn.Module) -> dict[str, Tensor]:
    """The parameters of a network that does not learn by what comes through it."""
    return {name: parameter.detach() for name, parameter in module.named_parameters()}


def _deviation(features: Tensor) -> Tensor:
    return (features.var(0, unbiased=False) + 1e-8).sqrt()


def _array(tensor: Tensor) -> Floats32:
    return np.ascontiguousarray(tensor.detach().numpy())


def fit_tablegan(
    rows: Floats32, target: int | None, settings: Mapping[str, Any], seed: int, start: Start, progress: Progress
) -> Network:
    """Train the generator against discriminator and classifier.

    Args:
        rows: as `flat_rows` has them, shape (n, variables).
        target: the variable that the classifier tells; None for none.
        settings: see `tabular.tablegan`.
        seed: seeds the first weights and what is drawn while training.
        start: where it keeps checkpoints.
        progress: told how far training has come.
    """

    def made(learned: Tensor) -> TableganModule:
        return TableganModule(learned, target, settings["width"], settings["latent"])

    return play(made, rows, (settings, seed, start), progress).network()
