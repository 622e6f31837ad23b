"""How alike the shares of categories are."""

from __future__ import annotations

from collections.abc import Mapping

from monitors.estimate import Estimate
from stream_app.assessment.cells import add_cells
from stream_app.assessment.score import Score, Subject
from stream_app.assessment.tables import Side, Tables
from stream_app.assessment.witness import Gaps


class TotalVariation(Score):
    """One less the total variation of the values' shares, on all rows that have one; the table's is the columns' mean.

    Values that fewer than five real rows share, and those that no real row has, count as one.
    """

    NAME = "tv"
    TITLE = "Categories"
    HELP = "1 less the share of rows that would have to change their value for the shares to agree (total variation)."
    INTERVAL = (
        "From the errors of the shares of all values that come too often; of the mean over columns from the "
        "errors row by row. What chance adds at no difference is allowed for."
    )
    SOURCE = "Gibbs and Su, On choosing and bounding probability metrics, 2002"
    LIMIT = "similarity"
    WITHHOLDS = True
    PLACE = 30

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        gaps = Gaps((tables.real.rows, side.rows))
        for name in tables.ground.named:
            add_cells(gaps, name, tables, side)
        return gaps.estimates()


SCORE = TotalVariation()
