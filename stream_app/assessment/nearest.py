"""How far rows are from the nearest of some others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from stream_app.assessment.tables import Floats, Longs, Side

BLOCK = 250
"""Rows whose distances to all others are held at once."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where rows lie.

    Args:
        ranks: of numbers among the real ones, 0 to 1, and 1 where one is missing, shape (rows, coordinates).
        codes: of categories, null's among them, shape (rows, categories).
    """

    ranks: Floats
    codes: Floats

    @classmethod
    def of(cls, side: Side, rows: Longs, real: Side) -> Places:
        """Where some rows of a table lie among the real ones."""
        ranks = []
        for name in side.ground.numbers:
            rising, values = real.rising[name], side.numbers[name][rows]
            missing = np.isnan(values)
            known = np.where(missing, rising[0], values)
            middle = np.searchsorted(rising, known, "left") + np.searchsorted(rising, known, "right")
            ranks += [np.where(missing, 0.5, middle / (2 * len(rising))), missing.astype(np.float64)]
        codes = [side.codes[name][rows].astype(np.float64) for name in side.ground.named]
        return cls(_side_by_side(ranks, len(rows)), _side_by_side(codes, len(rows)))

    @property
    def columns(self) -> int:
        """Of how many columns of the table they are."""
        return int(self.ranks.shape[1] // 2 + self.codes.shape[1])


def _side_by_side(columns: list[Floats], rows: int) -> Floats:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))


def nearest(rows: Places, among: Places) -> Floats:
    """The distance of each row to its nearest, shape (rows,).

    It is the mean over columns of the difference in rank, or of whether categories differ (Gower, Biometrics 1971).
    """
    found = np.empty(len(rows.ranks))
    categories = rows.codes.shape[1]
    for start in range(0, len(found), BLOCK):
        at = slice(start, start + BLOCK)
        away = cdist(rows.ranks[at], among.ranks, "cityblock") if rows.ranks.shape[1] else 0.0
        if categories:
            away = away + categories * cdist(rows.codes[at], among.codes, "hamming")
        found[at] = np.asarray(away).min(axis=1)
    return found / max(rows.columns, 1)
