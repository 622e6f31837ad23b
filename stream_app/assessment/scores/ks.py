"""How alike the distributions of numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np

from monitors.estimate import Estimate
from stream_app.assessment.score import Score, Subject
from stream_app.assessment.tables import Side, Tables
from stream_app.assessment.witness import KOLMOGOROV_MEAN, Gaps, largest_gap


class KolmogorovSmirnov(Score):
    """One less the largest gap of cumulative shares, on all rows with a value; the table's is the columns' mean."""

    NAME = "ks"
    TITLE = "Numbers"
    HELP = (
        "1 less the largest gap between the cumulative shares of the real and the synthetic values (Kolmogorov "
        "and Smirnov)."
    )
    INTERVAL = (
        "From the errors of the two shares at the gap; of the mean over columns from the errors row by row. What "
        "chance adds at no difference is allowed for."
    )
    SOURCE = "Smirnov, Table for estimating the goodness of fit of empirical distributions, 1948"
    LIMIT = "similarity"
    WITHHOLDS = True
    PLACE = 20

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        gaps = Gaps((tables.real.rows, side.rows))
        for name in tables.ground.numbers:
            one, other = tables.real.rising[name], side.rising[name]
            if len(one) == 0 or len(other) == 0:
                continue
            at = largest_gap(one, other)
            values = tables.real.numbers[name], side.numbers[name]
            inside = values[0] <= at, values[1] <= at
            present = ~np.isnan(values[0]), ~np.isnan(values[1])
            gaps.add(name, inside, present, KOLMOGOROV_MEAN * sqrt(1 / len(one) + 1 / len(other)))
        return gaps.estimates()


SCORE = KolmogorovSmirnov()
