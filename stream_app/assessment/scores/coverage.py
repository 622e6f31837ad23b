"""Whether all that is frequent in the real table still comes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitors.estimate import Estimate
from stream_app.assessment.cells import wide_cells
from stream_app.assessment.covered import Covered, covered
from stream_app.assessment.score import TABLE, Score, Subject, mean_of
from stream_app.assessment.tables import Side, Tables


class Coverage(Score):
    """The share of a column's real rows whose value, or range of values, comes at least a fifth as often.

    Values that fewer than five rows share are left out, and so are cells where fewer than five rows are expected.
    """

    NAME = "coverage"
    TITLE = "Coverage"
    HELP = (
        "The share of real rows whose value, or range of numbers, comes at least a fifth as often; values of "
        "fewer than five rows are left out."
    )
    INTERVAL = "By the exact limits of every cell's count, all at once: what is surely covered, and what may be."
    SOURCE = "Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936"
    LIMIT = "coverage"
    PLACE = 70

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        found: dict[Subject, Estimate] = {}
        for name in (*tables.ground.numbers, *tables.ground.named):
            cells = cells_of(tables, side, name)
            share = cells.share(cells.mass)
            if share is not None:
                found[(name,)] = share
        return {TABLE: mean_of(found, side.rows), **found} if found else {}


def cells_of(tables: Tables, side: Side, name: str) -> Covered:
    """What can be told of a column's wide cells: null, and values that five rows do not share, left out."""
    bins = tables.ground.layout.bins[name]
    last = bins.null if bins.unseen is None else bins.unseen
    groups = wide_cells(tables.ground, name)[:last]
    one, other = (np.bincount(groups, each.counts.columns[name][:last]) for each in (tables.real, side))
    return covered(one.astype(np.int64), other.astype(np.int64))


SCORE = Coverage()
