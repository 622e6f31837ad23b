"""Mode-specific normalisation: a number as the mode of its column it belongs to, and how far from its mean it is.

Modes are those of a mixture of normals, fitted to the profile's marginal, so no row is looked at.

Source: Xu et al. 2019, "Modeling tabular data using conditional GAN", 4.2; Figueiredo and Jain 2002, "Unsupervised
learning of finite mixture models" (how modes that few rows need go away).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from generators.columns import Floats, Part, column_parts
from generators.discrete.cells import Codes
from schemas.numeric import NUMERIC_KINDS
from schemas.profile import Profile
from schemas.table import TableSchema

MOST_MODES = 10
"""A number has at most so many modes."""

LEAST_SHARE = 0.005
"""A mode that fewer of the values belong to is none."""

REACH = 4.0
"""A number goes from -1 to 1 so many standard deviations around its mode's mean."""

FARTHEST = 0.99
"""Numbers farther out are drawn in."""

STEPS, SETTLED = 100, 1e-5
"""Expectation-maximisation takes so many steps, or ends where the likelihood of a value gains no more than so much."""

NARROWEST = 1e-3
"""The standard deviation of a mode is at least so large a part of its column's."""

TOO_NARROW = 1e-13
"""Values that differ by a smaller part of the largest are one value."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """The modes of one number, whose mean is 0 and whose variance is 1.

    Args:
        share: of the values, shape (k,).
        mean: shape (k,).
        deviation: shape (k,).
        unit, centre, scale: a value of `Pieces` is (value / unit - centre) / scale here, shape (3,).
    """

    share: Floats
    mean: Floats
    deviation: Floats
    unit: Floats

    def encoded(self, places: Floats, noise: Floats) -> tuple[Codes, Floats]:
        """The mode of each value, drawn among those it may belong to, and how far from its mean it is, from -1 to 1.

        Args:
            places: the values as `Pieces` counts them, shape (n,).
            noise: says which mode, from 0 to 1, shape (n,).
        """
        unit, centre, scale = self.unit
        x = (places / unit - centre) / scale
        logs = _log_densities(x, self.share, self.mean, self.deviation)
        upto = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
        codes = (upto < noise[:, None] * upto[:, -1:]).sum(axis=1).clip(0, len(self.share) - 1).astype(np.int32)
        return codes, ((x - self.mean[codes]) / (REACH * self.deviation[codes])).clip(-FARTHEST, FARTHEST)


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of all numbers of a table; see `Mixture`.

    Args:
        first: where each number's modes begin, and where the last one's end, shape (numbers + 1,).
        share, mean, deviation: of each mode, shape (modes,) each.
        units: of each number, shape (numbers, 3).
    """

    first: npt.NDArray[np.int64]
    share: Floats
    mean: Floats
    deviation: Floats
    units: Floats

    def of(self, number: int) -> Mixture:
        """The modes of one number."""
        rows = slice(self.first[number], self.first[number + 1])
        return Mixture(self.share[rows], self.mean[rows], self.deviation[rows], self.units[number])

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {f"modes.{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        return cls(*(arrays[f"modes.{field.name}"] for field in fields(cls)))


def modes_of(schema: TableSchema, profile: Profile) -> Modes:
    """The modes of all numbers that are not invented, in the table's order."""
    found = [
        mixture_of(column_parts(column, known))
        for column, known in zip(schema, profile, strict=True)
        if column.kind in NUMERIC_KINDS and not column.is_surrogate
    ]
    nothing = np.empty(0)
    return Modes(
        np.cumsum([0, *(len(each.share) for each in found)]).astype(np.int64),
        np.concatenate([nothing, *(each.share for each in found)]),
        np.concatenate([nothing, *(each.mean for each in found)]),
        np.concatenate([nothing, *(each.deviation for each in found)]),
        np.array([each.unit for each in found]).reshape(-1, 3),
    )


def mixture_of(part: Part) -> Mixture:
    """The modes of one marginal.

    Args:
        part: its pieces.

    >>> two = Part(np.array([0.5, 0.5]), np.array([0.0, 9.0]), np.array([2.0, 2.0]), 1.0)
    >>> mixture_of(two).share.round(2).tolist()
    [0.5, 0.5]
    """
    kept = part.mass > 0
    mass = part.mass[kept] / part.mass.sum()
    start, reach = part.start[kept], part.span[kept]
    if part.step > 0:
        reach = (reach - 1.0) * part.step
    unit = max(float(np.abs(start).max()), float(reach.max()), 1.0)
    x, variance = start / unit + reach / unit / 2, (reach / unit) ** 2 / 12
    centre = float(mass @ x)
    scale = float(np.sqrt(mass @ ((x - centre) ** 2 + variance)))
    if not scale > TOO_NARROW:
        return Mixture(np.ones(1), np.zeros(1), np.ones(1), np.array([unit, centre, 1.0]))
    share, mean, deviation = _fitted((x - centre) / scale, variance / scale**2, mass)
    order = np.argsort(mean, kind="stable")
    return Mixture(share[order], mean[order], deviation[order], np.array([unit, centre, scale]))


def _fitted(x: Floats, variance: Floats, mass: Floats) -> tuple[Floats, Floats, Floats]:
    """Share, mean and deviation of the modes of points that are spread themselves.

    Args:
        x: where they are, of mean 0 and variance 1 together, shape (n,).
        variance: of each, shape (n,).
        mass: of each, summing to 1, shape (n,).
    """
    order = np.argsort(x, kind="stable")
    upto = np.cumsum(mass[order].clip(max=np.mean(mass)))  # one value that most rows hold is not where all modes begin
    at = np.searchsorted(upto, upto[-1] * (np.arange(MOST_MODES) + 0.5) / MOST_MODES)
    mean = np.unique(x[order][at.clip(0, len(x) - 1)])
    share, deviation = np.full(len(mean), 1 / len(mean)), np.full(len(mean), 1 / len(mean))
    before = -np.inf
    for _ in range(STEPS):
        logs = _log_densities(x, share, mean, deviation) - variance[:, None] / (2 * deviation**2)
        most = logs.max(axis=1, keepdims=True)
        chances = np.exp(logs - most)
        total = chances.sum(axis=1, keepdims=True)
        belongs = chances / total * mass[:, None]  # (n, modes)
        share = belongs.sum(axis=0)
        kept = share >= LEAST_SHARE
        belongs, share = belongs[:, kept], share[kept]
        mean = x @ belongs / share
        spread = ((x[:, None] - mean) ** 2 + variance[:, None]) * belongs
        deviation = np.sqrt(spread.sum(axis=0) / share).clip(NARROWEST)
        share = share / share.sum()
        likelihood = float(mass @ (most + np.log(total))[:, 0])
        if kept.all() and abs(likelihood - before) < SETTLED:
            break
        before = likelihood
    return share, mean, deviation


def _log_densities(x: Floats, share: Floats, mean: Floats, deviation: Floats) -> Floats:
    """The logarithm of each mode's part of the density at each place but for a constant, shape (n, modes)."""
    found: Floats = np.log(share / deviation) - ((x[:, None] - mean) / deviation) ** 2 / 2
    return found
