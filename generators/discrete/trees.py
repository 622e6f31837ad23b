"""Trees that tell a column's chances from all other columns' cells, and a column drawn by them.

All nodes of a tree that are equally deep ask the same question, so a row's leaf is one bit a question: no branches, and
many rows at once. A question is whether a cell lies in a range of cells; no tree holds a value.

Source: Kohavi 1994, "Bottom-up induction of oblivious, read-once decision graphs"; Prokhorenkova et al. 2018,
"CatBoost: unbiased boosting with categorical features".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes
from generators.discrete.layers import CHUNK, NOTHING, Floats, Floats32, exponentials, pick
from generators.discrete.products import padded
from schemas.kernel import kernel

CALIBRATIONS = 8
"""Marginals are brought to the table's so often; each time at least about half of what is missing is made up."""

PREFIX = "head."
"""What the names of the arrays begin with."""


@dataclass(frozen=True, eq=False)
class Trees:
    """The trees, t of them, each of some depth, over k classes: the cells of the column that they tell.

    Args:
        target: that column, shape (1,).
        columns: the column that each question is about, shape (t, depth).
        bounds: the answer is yes from the first of these cells on, and no again from the second, shape (t, depth, 2).
        leaves: what is added to the logits of all classes but the first; the leaf's bits are the answers, the first
            question's the lowest; shape (t, 2 ** depth, k - 1).
        biases: of the logits, shape (k,).
    """

    target: Codes
    columns: Codes
    bounds: Codes
    leaves: Floats32
    biases: Floats32

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """Rebuild what `weights` came from; None where there were none."""
        if PREFIX + "target" not in arrays:
            return None
        return cls(*(arrays[PREFIX + field.name] for field in fields(cls)))


class Head:
    """Draws a column by trees, where all others are known.

    Args:
        trees: the trees.
    """

    def __init__(self, trees: Trees) -> None:
        self.trees, self.target = trees, int(trees.target[0])
        self._biases = np.full(padded(len(trees.biases)), NOTHING)
        self._biases[: len(trees.biases)] = trees.biases

    def draw(self, u: Floats, codes: Codes) -> tuple[Codes, Floats]:
        """Draw the column's cells.

        Args:
            u: a uniform a row, in [0, 1), shape (n,).
            codes: the other columns' cells, negative where nothing is known, shape (n, d).

        Returns:
            The cells, and how far into its cell's chance each uniform is, from 0 to 1, both of shape (n,).
        """
        found, into = np.empty(len(codes), np.int32), np.empty(len(codes))
        pick(*self._odds(codes), u, found, into)
        return found, into

    def chances(self, codes: Codes) -> Floats32:
        """The chances of the column's cells, shape (n, k), by the other columns'; see `draw`."""
        odds, sums = self._odds(codes)
        return np.asarray(odds[:, : len(self.trees.biases)] / sums[:, None], np.float32)

    def log_chances(self, codes: Codes) -> Floats32:
        """The logarithm of the chance of the column's cell in each row, 0 where that is not known, shape (n,)."""
        own = codes[:, self.target]
        found = self.chances(codes)[np.arange(len(codes)), np.maximum(own, 0)]
        return np.where(own >= 0, np.log(np.maximum(found, np.finfo(np.float32).tiny)), np.float32(0))

    def _odds(self, codes: Codes) -> tuple[Floats32, Floats32]:
        """What the chances are proportional to, shape (n, k filled up), and what they add up to, shape (n,)."""
        trees, sums = self.trees, np.empty(len(codes), np.float32)
        odds = np.zeros((len(codes), len(self._biases)), np.float32)
        _add_up(codes, trees.columns, trees.bounds, trees.leaves, odds)
        exponentials(odds, self._biases, sums)
        return odds, sums


def calibrated_trees(trees: Trees, shares: Floats, codes: Codes) -> Trees:
    """The trees with biases by which the column's marginal is a table's.

    Args:
        trees: the trees.
        shares: how likely each cell is, shape (k,).
        codes: rows that are drawn, whose other columns the marginal is worked out on, shape (n, d).
    """
    for _ in range(CALIBRATIONS):
        drawn = Head(trees).chances(codes).mean(axis=0, dtype=np.float64)
        off = np.log((shares + 1 / len(codes)) / (drawn + 1 / len(codes)))
        trees = replace(trees, biases=(trees.biases + off).astype(np.float32))
    return trees


@kernel
def _add_up(codes: Codes, columns: Codes, bounds: Codes, leaves: Floats32, logits: Floats32) -> None:
    """Add what each row's leaves say to its logits, tree by tree.

    Args:
        codes: the cells, shape (n, d).
        columns: see `Trees`.
        bounds: see `Trees`.
        leaves: see `Trees`.
        logits: shape (n, k or more).
    """
    n, d = codes.shape
    trees, depth = columns.shape
    classes = leaves.shape[2]
    across, leaf = np.empty((d, CHUNK), np.int32), np.empty(CHUNK, np.int32)
    sums = np.empty((classes, CHUNK), np.float32)
    for low in range(0, n, CHUNK):
        rows = min(CHUNK, n - low)
        for i in range(rows):
            for j in range(d):
                across[j, i] = codes[low + i, j]
        sums[:] = 0.0
        for t in range(trees):
            leaf[:] = 0
            for level in range(depth):
                cells, first, end = across[columns[t, level]], bounds[t, level, 0], bounds[t, level, 1]
                bit = np.int32(1 << level)
                for i in range(rows):
                    leaf[i] |= bit if (cells[i] >= first) & (cells[i] < end) else np.int32(0)
            for c in range(classes):
                adds, total = leaves[t, :, c], sums[c]
                for i in range(rows):
                    total[i] += adds[leaf[i]]
        for i in range(rows):
            for c in range(classes):
                logits[low + i, c + 1] += sums[c, i]
