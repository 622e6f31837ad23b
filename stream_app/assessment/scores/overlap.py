"""How much the histograms of numbers overlap: what the largest gap of cumulative shares does not see."""

from __future__ import annotations

from collections.abc import Mapping

from monitors.estimate import Estimate
from stream_app.assessment.cells import add_cells, wide_cells
from stream_app.assessment.score import Score, Subject
from stream_app.assessment.tables import Side, Tables
from stream_app.assessment.witness import Gaps


class Overlap(Score):
    """One less the total variation over cells of about equal probability; frequent values have cells of their own.

    Chance adds much to it where rows are few, so that only columns are judged by it, and none withholds the verdict.
    """

    NAME = "overlap"
    TITLE = "Histograms"
    HELP = (
        "The area that the histograms of real and synthetic numbers share, in 4 to 128 cells of equal "
        "probability; values that come often have a cell of their own."
    )
    INTERVAL = "As of categories."
    SOURCE = "Gibbs and Su, On choosing and bounding probability metrics, 2002"
    LIMIT = "similarity"
    PLACE = 25

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        gaps = Gaps((tables.real.rows, side.rows))
        for name in tables.ground.numbers:
            add_cells(gaps, name, tables, side, wide_cells(tables.ground, name))
        return gaps.estimates()


SCORE = Overlap()
