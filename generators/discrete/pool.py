"""Rows of cells with weights, drawn by one uniform each; where some columns are held, among those that match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes

ENOUGH = 30
"""Fewer rows that match do not tell how the others are distributed."""

NONE = -1
"""No row: too few match."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Index:
    """The rows of a pool in the order of some columns' cells.

    Args:
        columns: these columns.
        levels: column by column how many cells it has, and the ranks up to and with it that there are.
        rows: the rows by their rank, shape (p,).
        begins: where each rank's rows begin, and where the last one's end, shape (ranks + 1,).
        upto: the weight of all rows before each, shape (p + 1,).
    """

    columns: tuple[int, ...]
    levels: tuple[tuple[int, Ints], ...]
    rows: Ints
    begins: Ints
    upto: Floats


class Pool:
    """Rows to draw from.

    Args:
        codes: the cells, shape (p, d).
        weights: how likely each row is, up to a factor, shape (p,).
    """

    def __init__(self, codes: npt.NDArray[np.integer[Any]], weights: npt.NDArray[np.float32]) -> None:
        self.codes, self.weights = codes, weights
        self._index = self._indexed(())

    def draw(self, u: Floats, held: dict[int, Codes]) -> Ints:
        """Draw rows by their weights.

        Args:
            u: a uniform a row, in [0, 1), shape (n,).
            held: by column the cells that rows must have, each of shape (n,).

        Returns:
            Which rows; `NONE` where fewer than `ENOUGH` match. Shape (n,).
        """
        columns = tuple(sorted(held))
        index = self._index
        if index.columns != columns:  # what is held is mostly the same from one call to the next
            index = self._index = self._indexed(columns)
        rank, known = np.zeros(len(u), np.int64), np.ones(len(u), bool)
        for j, (size, ranks) in zip(columns, index.levels, strict=True):
            key = rank * size + held[j]
            rank = np.minimum(np.searchsorted(ranks, key), len(ranks) - 1)
            known &= (ranks[rank] == key) & (held[j] >= 0) & (held[j] < size)
        low, high = index.begins[rank], index.begins[rank + 1]
        if columns:
            known &= high - low >= ENOUGH
        below = index.upto[low]
        at = np.searchsorted(index.upto, below + u * (index.upto[high] - below), side="right") - 1
        return np.where(known, index.rows[np.clip(at, low, high - 1)], NONE)

    def _indexed(self, columns: tuple[int, ...]) -> _Index:
        rank, levels = np.zeros(len(self.codes), np.int64), []
        for j in columns:
            size = int(self.codes[:, j].max()) + 1
            ranks, rank = np.unique(rank * size + self.codes[:, j], return_inverse=True)
            levels.append((size, ranks))
        rows = np.argsort(rank, kind="stable")
        begins = np.searchsorted(rank[rows], np.arange(int(rank.max()) + 2))
        upto = np.concatenate([[0.0], np.cumsum(self.weights[rows], dtype=np.float64)])
        return _Index(columns, tuple(levels), rows, begins, upto)
