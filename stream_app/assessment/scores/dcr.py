"""Whether rows come nearer to real ones than those of a holdout do."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np

from monitors.estimate import Estimate
from monitors.intervals import Z, between, proportion
from monitors.metric import Worse
from stream_app.assessment.nearest import Places, nearest
from stream_app.assessment.score import TABLE, Measured, Needs, Score, Subject
from stream_app.assessment.tables import Floats, Side, Tables

MOST_ROWS, MOST_REAL = 2_000, 20_000
"""So many rows are measured, against so many real ones, at the most."""

NEAR = 0.05
"""Near is what is nearer than this share of the holdout's rows are."""

FEWEST_ROWS = 20
CURVE = 41
"""Points of a curve of distances."""


class Distance(Score):
    """The share of rows nearer to their closest real row than 95 % of the holdout's are; 5 % where nothing is copied.

    Distances are Gower's over ranks and categories, to the same 20,000 real rows at the most for both.
    """

    NAME = "dcr"
    TITLE = "Close to real"
    HELP = (
        "The share of rows whose closest real row is closer than that of 95 % of the holdout's rows (distance to "
        "the closest record, Gower's over ranks and categories): 5 % where nothing is copied. 2,000 rows against "
        "20,000 at the most."
    )
    INTERVAL = "Clopper and Pearson's, at both ends of where the holdout's 5 % may lie."
    SOURCE = "Gower, Biometrics 1971"
    LIMIT = "near"
    WORSE = Worse.HIGHER
    NEEDS = frozenset({Needs.HOLDOUT})
    PLACE = 95

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        return {each.subject: each.of for each in self.measure(tables)} if side is tables.synthetic else {}

    def measure(self, tables: Tables) -> list[Measured]:
        """See `Score.measure`."""
        holdout, real = tables.holdout, tables.real
        if holdout is None or not tables.ground.columns or min(holdout.rows, tables.synthetic.rows) < FEWEST_ROWS:
            return []
        among = Places.of(real, real.some(MOST_REAL, "dcr"), real)
        here, own = (
            np.sort(nearest(Places.of(each, each.some(MOST_ROWS, "dcr"), real), among))
            for each in (tables.synthetic, holdout)
        )
        off = Z * sqrt(NEAR * (1 - NEAR) / len(own))
        middle, least, most = (_nearer(here, own, level) for level in (NEAR, max(NEAR - off, 0.0), NEAR + off))
        n = len(here)
        ends = (proportion(round(share * n), n) for share in (least, most))
        found = between(middle, next(ends).low, next(ends).high, n)
        exact = Estimate(NEAR, max(NEAR - off, 0.0), NEAR + off, len(own))
        curves = {name: _curve(each) for name, each in (("synthetic", here), ("holdout", own))}
        return [Measured(self.NAME, TABLE, found, exact, {"curves": curves})]


def _nearer(here: Floats, own: Floats, level: float) -> float:
    """The share of rows nearer than a level of the holdout's; rows just as near count as far as the holdout's must.

    Args:
        here: distances, rising; own: the holdout's, rising; level: a share of the holdout's.
    """
    at = own[min(int(level * len(own)), len(own) - 1)]
    shares = [(np.searchsorted(each, at, "left") / len(each), np.searchsorted(each, at, "right") / len(each))
              for each in (here, own)]  # fmt: skip
    (below, upto), (own_below, own_upto) = shares
    part = (level - own_below) / (own_upto - own_below)
    return float(below + min(max(part, 0.0), 1.0) * (upto - below))


def _curve(distances: Floats) -> list[float]:
    """The distances up to which equal parts of the rows lie, the outermost fiftieths left out."""
    return [round(float(d), 5) for d in np.quantile(distances, np.linspace(0.02, 0.98, CURVE))]


SCORE = Distance()
