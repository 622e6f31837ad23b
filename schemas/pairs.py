"""How much columns say of each other, by counts of pairs; and which pairs are worth counting for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import exp, sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.profile import Profile
from schemas.row_counts import Pair, RowLayout
from schemas.table import TableSchema

MAX_PAIRS = 30
"""How many pairs of columns are counted at the most."""

AT_ONCE = 4_096
"""How many pairs are looked at in one go, so that memory stays bounded."""

SURELY = 3.0
"""A pair is taken for one that goes together when its statistic lies so many standard deviations above chance."""


def likelihood_ratio(counts: npt.NDArray[np.int64]) -> tuple[float, int]:
    """The likelihood ratio statistic of independence, twice the rows times the mutual information that was seen.

    Args:
        counts: rows in each pair of cells, shape (cells of one, cells of the other).

    Returns:
        The statistic and its degrees of freedom, by the cells that rows are in; 0 and 0 where a column does not vary.
    """
    table = counts[np.ix_(counts.any(1), counts.any(0))].astype(np.float64)
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return 0.0, 0
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    held = table > 0
    return 2 * float(table[held] @ np.log(table[held] / expected[held])), (rows - 1) * (columns - 1)


def shared_information(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """How much one column says of another: their mutual information, in nats, what chance adds to it taken off.

    Under independence twice the rows times the plain figure is chi-square distributed; its mean is subtracted (Miller,
    Note on the bias of information estimates, 1955). It grows with the number of cells that agree, which measures that
    are scaled to 1 hide.

    Args:
        counts: rows in each pair of cells, shape (cells of one, cells of the other).

    Returns:
        The information, at least 0, and by how many standard deviations the statistic lies above independence.

    >>> nats, _ = shared_information(np.array([[5_000, 0], [0, 5_000]]))
    >>> round(nats, 3)
    0.693
    """
    statistic, df = likelihood_ratio(counts)
    if df == 0:
        return 0.0, 0.0
    return max(statistic - df, 0.0) / (2 * float(counts.sum())), float((statistic - df) / np.sqrt(2 * df))


def informational(nats: float) -> float:
    """Mutual information on the scale of a correlation: for normal columns it is its size.

    Linfoot, An informational measure of correlation, Information and Control 1957.

    >>> informational(0.0), round(informational(0.5), 3)
    (0.0, 0.795)
    """
    return sqrt(1 - exp(-2 * nats))


def strongest_pairs(
    schema: TableSchema, profile: Profile, batches: Sequence[pa.RecordBatch], most: int = MAX_PAIRS
) -> tuple[Pair, ...]:
    """The pairs of columns that surely go together, the strongest first.

    Args:
        schema: what the columns are; surrogates go with nothing.
        profile: their marginals, which give them their cells.
        batches: rows to tell it from.
        most: how many pairs at the most.
    """
    found = [
        (-nats, pair)
        for pair, counts in _counted(schema, profile, batches)
        for nats, above in (shared_information(counts),)
        if above > SURELY
    ]
    return tuple(pair for _, pair in sorted(found, key=lambda one: one[0])[:most])


def _counted(
    schema: TableSchema, profile: Profile, batches: Sequence[pa.RecordBatch]
) -> Iterator[tuple[Pair, npt.NDArray[np.int64]]]:
    modelled = [column for column in schema if not column.is_surrogate]
    pairs = list(combinations([column.name for column in modelled], 2))
    for start in range(0, len(pairs), AT_ONCE):
        layout = RowLayout(modelled, profile, pairs[start : start + AT_ONCE])
        counts = np.zeros((1, layout.size), np.int64)
        for batch in batches:
            layout.add(batch, np.zeros(0, np.int64), counts)
        yield from ((pair, layout.pair_of(counts[0], pair)) for pair in layout.pairs)
