"""Vectors of cells in which numbers near each other share what is learned."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.discrete.cells import Cells

SCALES = (2, 4, 8, 16, 32)
"""Numbers near each other share what is learned: on each scale, a column's range is cut into so many parts."""


def _hats(cells: Cells) -> tuple[Tensor, Tensor, int]:
    """The hat functions on each scale that are not zero at each cell of an ordered column.

    Returns:
        Their numbers and their values there, both of shape (cells, 2 * scales), and how many there are in all.
    """
    v = len(cells.share)
    which, height = np.zeros((v, 2 * len(SCALES)), np.int64), np.zeros((v, 2 * len(SCALES)), np.float32)
    count = 1
    for j in np.flatnonzero(cells.ordered).tolist():
        start, end = cells.first[j : j + 2].tolist()
        n = end - start - (cells.null[j] >= 0)
        at = np.arange(n) / max(1, n - 1)
        for s, parts in enumerate(SCALES):
            if parts >= n:
                break
            left = np.minimum((at * parts).astype(np.int64), parts - 1)
            right_height = at * parts - left
            which[start : start + n, 2 * s], which[start : start + n, 2 * s + 1] = count + left, count + left + 1
            height[start : start + n, 2 * s], height[start : start + n, 2 * s + 1] = 1 - right_height, right_height
            count += parts + 1
    return torch.from_numpy(which), torch.from_numpy(height), count


class Smooth(nn.Module):
    """A vector a cell: its own, and what cells near it share."""

    which: Tensor
    height: Tensor

    def __init__(self, cells: Cells, width: int, spread: float) -> None:
        super().__init__()
        which, height, count = _hats(cells)
        self.register_buffer("which", which)
        self.register_buffer("height", height)
        self.own = nn.Parameter(torch.randn(len(cells.share), width) * spread)
        self.shared = nn.Parameter(torch.randn(count, width) * spread * 0.5)

    def forward(self) -> Tensor:
        """All vectors, shape (cells, width)."""
        return self.own + F.embedding_bag(self.which, self.shared, per_sample_weights=self.height, mode="sum")
