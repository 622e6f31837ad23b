"""Rows of a stream's generator that nobody has seen: what its records are told from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from generators.blocks import BLOCK_ROWS
from monitors.kept import State
from monitors.pane import PaneLayout
from monitors.samples import Codes, Sampler

Block = Callable[[int], pa.RecordBatch]
"""Draws a block of rows by its number."""


class FreshRows:
    """Draws rows as a classifier takes them, block after block; none comes twice, not after a restart either.

    Args:
        layout: the stream's cells.
        sampler: tells rows' levels.
        block: draws a block.
    """

    def __init__(self, layout: PaneLayout, sampler: Sampler, block: Block) -> None:
        self._layout, self._sampler, self._block = layout, sampler, block
        self._next, self._left = 0, np.zeros((0, len(sampler.names)), np.uint8)

    @property
    def state(self) -> State:
        """Which rows come next; `restore` takes it back."""
        return {"next": self._next, "left": self._left}

    def restore(self, state: State) -> None:
        """Go on from a state, as if nothing had happened in between."""
        self._next, self._left = state["next"], state["left"]

    def draw(self, rows: int) -> Codes:
        """So many rows, as levels, shape (rows, columns)."""
        parts = [self._left]
        for _ in range(-(-max(rows - len(self._left), 0) // BLOCK_ROWS)):
            parts.append(self._sampler.of_rows(self._layout.rows.codes(self._block(self._next))))
            self._next += 1
        drawn = np.concatenate(parts)
        self._left = drawn[rows:]
        return drawn[:rows]
