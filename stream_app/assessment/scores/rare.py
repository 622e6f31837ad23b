"""How many of the rare values still come."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitors.estimate import Estimate
from stream_app.assessment.score import TABLE, Score, Subject, mean_of
from stream_app.assessment.scores.coverage import cells_of
from stream_app.assessment.tables import Side, Tables

RARE = 0.01
"""A value is rare when fewer than this share of real rows have it."""


class Rare(Score):
    """The share of a column's rare values that come at least a fifth as often; it is shown and not judged."""

    NAME = "rare"
    TITLE = "Rare values"
    HELP = (
        "The share of a column's rare values (five rows or more, but under 1 % of them) that come at least a "
        "fifth as often. Shown, not judged."
    )
    INTERVAL = "As of coverage."
    SOURCE = "Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936"
    PLACE = 72

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        found: dict[Subject, Estimate] = {}
        for name in tables.ground.named:
            cells = cells_of(tables, side, name)
            share = cells.share(((cells.mass > 0) & (cells.mass < RARE)).astype(np.float64))
            if share is not None:
                found[(name,)] = share
        return {TABLE: mean_of(found, side.rows), **found} if found else {}


SCORE = Rare()
