"""What a generator says of itself to whoever chooses among generators: how much it learns, and what that takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Learns(IntEnum):
    """How much of what columns say of each other a generator can learn."""

    MARGINALS = 0
    """Nothing: each column by itself."""
    PAIRS = 1
    """How pairs of columns rise and fall together."""
    GROUPS = 2
    """Kinds of rows, within which columns go their own ways."""
    ROWS = 3
    """Whatever a row shows."""


@dataclass(frozen=True)
class Cost:
    """About how long fitting and drawing take on one core.

    Args:
        start_s: seconds for fitting any table.
        cell_us: microseconds for each row and column that is learned.
        drawn_us: microseconds for each row and column that is drawn.

    >>> Cost(1.0, 10.0).seconds(100_000, 20)
    21.0
    >>> Cost(1.0, 10.0, 0.5).drawing_s(100_000, 20)
    1.0
    """

    start_s: float
    cell_us: float
    drawn_us: float = 0.2

    def seconds(self, rows: int, columns: int) -> float:
        """Seconds for fitting a table of so many rows and columns."""
        return self.start_s + self.cell_us * rows * columns / 1e6

    def drawing_s(self, rows: int, columns: int) -> float:
        """Seconds for drawing so many rows of so many columns."""
        return self.drawn_us * rows * columns / 1e6
