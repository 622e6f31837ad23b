"""How many combinations of two columns' values still come."""

from __future__ import annotations

from collections.abc import Mapping

from monitors.estimate import Estimate
from stream_app.assessment.covered import covered
from stream_app.assessment.score import TABLE, Score, Subject, mean_of
from stream_app.assessment.tables import Side, Tables


class PairCoverage(Score):
    """The share of real rows whose combination of two columns' coarse cells comes at least a fifth as often."""

    NAME = "pair_coverage"
    TITLE = "Coverage of pairs"
    HELP = (
        "The share of real rows whose combination of values, or ranges, of two columns comes at least a fifth as "
        "often. Shown, not judged."
    )
    INTERVAL = "As of coverage."
    SOURCE = "Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936"
    PLACE = 74

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        found: dict[Subject, Estimate] = {}
        for pair, real in tables.real.pairs.items():
            cells = covered(real.ravel(), side.pairs[pair].ravel())
            share = cells.share(cells.mass)
            if share is not None:
                found[pair] = share
        return {TABLE: mean_of(found, side.rows), **found} if found else {}


SCORE = PairCoverage()
