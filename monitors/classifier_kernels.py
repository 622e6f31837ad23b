"""How often records have which levels in some columns together: one pass a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.kernel import kernel


@kernel
def tally_tables(
    codes: npt.NDArray[np.uint8], tables: npt.NDArray[np.int64], levels: int, counts: npt.NDArray[np.float64]
) -> None:
    """Count rows in tables of three columns.

    Args:
        codes: levels, shape (columns, rows).
        tables: the three columns of each table, shape (tables, 3).
        levels: how many levels a column may have.
        counts: added to, shape (tables, levels ** 3).
    """
    for t in range(tables.shape[0]):
        a, b, c = tables[t, 0], tables[t, 1], tables[t, 2]
        for row in range(codes.shape[1]):
            counts[t, (codes[a, row] * levels + codes[b, row]) * levels + codes[c, row]] += 1.0
