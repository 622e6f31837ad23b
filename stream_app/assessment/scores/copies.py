"""How many rows are copies of real ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitors.estimate import Estimate
from monitors.intervals import proportion
from monitors.metric import Worse
from stream_app.assessment.fingerprints import equal_to_any, fingerprints
from stream_app.assessment.limits import Limits
from stream_app.assessment.score import TABLE, Measured, Score, Subject
from stream_app.assessment.tables import Side, Tables

AGAIN = 1.05
"""A generator may repeat real rows so many times as often as the holdout does: its law is never exactly theirs."""


class Copies(Score):
    """The share of rows that are equal to a real row in all columns but keys and text.

    In a table of few columns rows are equal by chance, so the holdout's share is the bar. Without a holdout it is the
    share of real rows that another real row is equal to.
    """

    NAME = "copies"
    TITLE = "Exact copies"
    HELP = (
        "The share of rows equal to a real row in every column but keys and text. Rows of few values are equal by "
        "chance: the bar is the limit on top of 1.05 times the share of real rows that come twice, or the holdout's "
        "where that is less."
    )
    INTERVAL = "Clopper and Pearson's, exact; on all rows."
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    LIMIT = "copies"
    WORSE = Worse.HIGHER
    PLACE = 90

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        equal = equal_to_any(fingerprints(side), fingerprints(tables.real))
        return {TABLE: proportion(int(np.count_nonzero(equal)), side.rows)}

    def measure(self, tables: Tables) -> list[Measured]:
        """See `Score.measure`."""
        found = self.of(tables, tables.synthetic)[TABLE]
        own = [_twice(tables.real)] + ([] if tables.holdout is None else [self.of(tables, tables.holdout)[TABLE]])
        return [
            Measured(
                self.NAME,
                TABLE,
                found,
                min(own, key=lambda share: share.value),
                {"copies": round(found.value * found.n)},
            )
        ]

    def bar(self, limits: Limits, holdout: Estimate | None) -> float:
        """See `Score.bar`."""
        return limits.copies + (0.0 if holdout is None else AGAIN * holdout.high)


def _twice(side: Side) -> Estimate:
    _, counts = np.unique(fingerprints(side), return_counts=True)
    return proportion(int(counts[counts > 1].sum()), side.rows)


SCORE = Copies()
