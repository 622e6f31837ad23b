"""How much the histograms of numbers overlap: what the largest gap of cumulative shares does not see."""

from __future__ import annotations

from collections.abc import Mapping

from monitors.estimate import Estimate
from stream_app.assessment.cells import add_cells, neighbours
from stream_app.assessment.score import Score, Subject
from stream_app.assessment.tables import Side, Tables
from stream_app.assessment.witness import Gaps

ROWS_A_CELL = 300
"""A cell for so many rows of the smallest table: with more cells chance would hide what there is to see."""


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
        most = max(tables.ground.fewest // ROWS_A_CELL, 4)
        for name in tables.ground.numbers:
            bins = tables.ground.layout.bins[name]
            add_cells(gaps, name, tables, side, neighbours(bins.expected[: bins.null], most))
        return gaps.estimates()


SCORE = Overlap()
