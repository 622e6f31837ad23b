"""What networks that draw a table column by column have in common, whatever lies between cells and their chances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, replace
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Walker(Protocol):
    """Draws rows column by column."""

    CALIBRATIONS: ClassVar[int]
    """So often marginals are brought to the table's."""

    CALIBRATION_ROWS: ClassVar[int]
    """By what so many rows show."""

    def draw(self, u: Floats, held: Codes, order: Ints) -> tuple[Codes, Floats]:
        """Draw the cells of columns, one after the other.

        Args:
            u: a uniform for every row and column, in [0, 1), shape (n, d).
            held: the cells of the other columns, which come first; negative where nothing is known, shape (n, d).
            order: the columns to draw, in the order they are drawn in.

        Returns:
            The cells, and how far into its cell's chance each uniform is, from 0 to 1, both of shape (n, d).
        """

    def marginals(self, u: Floats, order: Ints) -> Floats:
        """How likely each cell is on the whole: the mean of its chance over rows that are drawn.

        Args:
            u: a uniform for every row and column, in [0, 1), shape (n, d).
            order: all columns, in the order they are drawn in.

        Returns:
            shape (cells,).
        """

    def log_chances(self, codes: Codes, order: Ints) -> Floats32:
        """The logarithm of the chance of each known cell, given those before it in an order.

        Args:
            codes: the cells, negative where nothing is known, shape (n, d).
            order: the columns, in the order they come to be known in, shape (d,).

        Returns:
            shape (n, d); 0 where nothing is known.
        """


class Columnwise(Protocol):
    """The weights of such a network, h numbers wide, over d columns and v cells in all: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def embeddings(self) -> Floats32:
        """What each cell that is known is to the network, shape (v, h)."""

    @property
    def starts(self) -> Floats32:
        """What a column that comes next is to it, shape (d, h)."""

    @property
    def outputs(self) -> Floats32:
        """What the last state is multiplied by for each cell's logit, shape (v, h)."""

    @property
    def biases(self) -> Floats32:
        """Of the logits, shape (v,)."""

    def walk(self, first: Ints) -> Walker:
        """What draws rows by it.

        Args:
            first: where each column's cells begin, and where the last one's end, shape (d + 1,).
        """

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""


N = TypeVar("N", bound=Columnwise)


def calibrated(network: N, shares: Floats, first: Ints, order: Ints, seed: int) -> N:
    """The network with biases by which its marginals are a table's, which regularisation brings nearer to even.

    Args:
        network: the weights.
        shares: how likely each cell is, shape (cells,).
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
        order: the columns, in the order they are drawn in.
        seed: seeds the rows that marginals are worked out on.
    """
    rng, walk = np.random.Generator(np.random.Philox(seed)), network.walk(first)
    for _ in range(walk.CALIBRATIONS):
        drawn = network.walk(first).marginals(rng.random((walk.CALIBRATION_ROWS, len(order))), order)
        off = np.log((shares + 1 / walk.CALIBRATION_ROWS) / (drawn + 1 / walk.CALIBRATION_ROWS))
        network = replace(network, biases=(network.biases + off).astype(np.float32))
    return network
