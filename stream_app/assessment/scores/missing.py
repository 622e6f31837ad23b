"""Whether values are missing where, and as often as, they are in the real table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from monitors.estimate import Estimate
from monitors.intervals import between, difference, proportion
from stream_app.assessment.score import TABLE, Score, Subject
from stream_app.assessment.tables import Longs, Side, Tables
from stream_app.assessment.witness import Gaps, chance_of_cells


class Missing(Score):
    """One less the difference of the shares of missing values; of the table, one less the total variation of patterns.

    A pattern is which of a row's values are missing.
    """

    NAME = "missing"
    TITLE = "Missing values"
    HELP = (
        "1 less the difference of the shares of missing values, a column; of the table, 1 less the share of rows "
        "that would have to change which of their values are missing."
    )
    INTERVAL = (
        "Clopper and Pearson's of each share and the limits of a difference by Zou and Donner; of patterns as of "
        "categories."
    )
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    LIMIT = "similarity"
    PLACE = 60

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        found: dict[Subject, Estimate] = {}
        both = (side, tables.real)
        for column in tables.ground.schema:
            nulls = [each.table.column(column.name).null_count for each in both]
            if any(nulls):
                shares = [proportion(count, each.rows) for count, each in zip(nulls, both, strict=True)]
                gap, low, high = difference(shares[0], shares[1])
                found[(column.name,)] = between(1 - gap, max(1 - high, 0.0), 1 - low, min(each.rows for each in both))
        if not found:
            return {}
        return {TABLE: _of_patterns(tables.real, side, [name for (name,) in found]), **found}


def patterns(side: Side, names: list[str]) -> npt.NDArray[np.uint64]:
    """Which of the first 64 columns have no value, a bit each, shape (rows,)."""
    bits = np.zeros(side.rows, np.uint64)
    for place, name in enumerate(names[:64]):
        missing = side.table.column(name).is_null().to_numpy().astype(np.uint64)
        bits |= missing << np.uint64(place)
    return bits


def _of_patterns(real: Side, side: Side, names: list[str]) -> Estimate:
    one, other = patterns(real, names), patterns(side, names)
    _, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    apart = codes[: len(one)], codes[len(one) :]
    size = int(codes.max()) + 1
    counts: list[Longs] = [np.bincount(each, minlength=size).astype(np.int64) for each in apart]
    more = counts[0] * float(len(other)) > counts[1] * float(len(one))
    gaps = Gaps((real.rows, side.rows))
    everywhere = np.ones(real.rows, bool), np.ones(side.rows, bool)
    gaps.add("pattern", (more[apart[0]], more[apart[1]]), everywhere, chance_of_cells(counts[0], counts[1]))
    return gaps.found[0].similarity


SCORE = Missing()
