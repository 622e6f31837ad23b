"""Which values are missing together: groups of columns, each with the patterns its rows show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.numeric import as_numbers
from schemas.table import MIN_SHARED_ROWS, Kind, TableSchema

MAX_PATTERNS = 64

LINKED = 0.3
"""Columns whose missing values correlate this much belong to one group."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Patterns:
    """One group of columns that go missing together.

    Args:
        columns: the columns, by place in the table, shape (q,).
        missing: which of them each pattern leaves out, shape (p, q).
        shares: how many rows show each pattern, summing to 1, shape (p,).
    """

    columns: npt.NDArray[np.int64]
    missing: Bools
    shares: npt.NDArray[np.float64]

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {"columns": self.columns, "missing": self.missing.astype(np.uint8), "shares": self.shares}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Patterns:
        """Rebuild what `weights` came from."""
        return cls(arrays["columns"], arrays["missing"].astype(bool), arrays["shares"])


def missing_cells(table: pa.Table, schema: TableSchema) -> Bools:
    """Where the table has no value, shape (rows, columns); NaN is none, and columns never null have none missing."""
    cells = np.zeros((table.num_rows, len(schema.columns)), bool)
    for i, column in enumerate(schema):
        if not column.nullable:
            continue
        if column.kind is Kind.NUMBER:
            cells[:, i] = ~as_numbers(column, table.column(column.name))[1]
        elif table.column(column.name).null_count:
            cells[:, i] = table.column(column.name).is_null().to_numpy()
    return cells


def patterns_of(cells: Bools) -> tuple[list[Patterns], list[npt.NDArray[np.int64]]]:
    """Group the columns that go missing together and list the patterns five rows or more show.

    Args:
        cells: where there is no value, shape (rows, columns).

    Returns:
        The groups, and for each the pattern of every row, shape (rows,).

    >>> groups, codes = patterns_of(np.array([[0, 0, 0]] * 6 + [[0, 1, 1]] * 5, bool))
    >>> groups[0].columns.tolist(), groups[0].missing.tolist(), codes[0][-1]
    ([1, 2], [[False, False], [True, True]], np.int64(1))
    """
    share = cells.mean(axis=0)
    always = np.flatnonzero(share == 1.0)
    groups: list[Patterns] = []
    codes: list[npt.NDArray[np.int64]] = []
    for members in _linked(cells, np.flatnonzero((share > 0) & (share < 1))):
        found, of_row, counts = np.unique(cells[:, members], axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        kept = order[counts[order] >= MIN_SHARED_ROWS][:MAX_PATTERNS]
        if len(kept) == 0:
            kept = order[:1]
        distance = (found[:, None, :] != found[None, kept, :]).sum(axis=2)  # (patterns, kept)
        of_row = distance.argmin(axis=1)[of_row.ravel()]
        shares = np.bincount(of_row, minlength=len(kept)) / len(cells)
        groups.append(Patterns(members, found[kept], shares))
        codes.append(of_row)
    if len(always):
        groups.append(Patterns(always, np.ones((1, len(always)), bool), np.ones(1)))
        codes.append(np.zeros(len(cells), np.int64))
    return groups, codes


def _linked(cells: Bools, columns: npt.NDArray[np.int64]) -> Sequence[npt.NDArray[np.int64]]:
    """Split columns into groups connected by correlated missing values."""
    if len(columns) == 0:
        return []
    centred = cells[:, columns] - cells[:, columns].mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    linked = np.abs(centred.T @ centred) > LINKED * np.outer(spread, spread)
    label = np.arange(len(columns))
    for _ in range(len(columns)):
        label = np.where(linked, label[None, :], len(columns)).min(axis=1)
    return [columns[label == first] for first in np.unique(label)]
