"""A few records of a pane as they are, in coarse cells: what some questions need beside counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitors.sketch_kernels import hash_words
from schemas.bins import Bins

LEVELS = 4
"""How many coarse cells a column has at the most."""

SAMPLED = 2_048
"""How many records of a pane are kept at the most."""

Codes = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Records of a pane, chosen by a hash of where they lie: those with the smallest hashes of all.

    So it is the same sample however the pane was put together, and it says nothing of what the records hold. It is
    joined with another, and never taken apart.

    Args:
        keys: the hashes, shape (rows,).
        codes: the records' levels, shape (rows, columns).
    """

    keys: Keys
    codes: Codes

    def joined(self, other: Sample | None) -> Sample:
        """The sample of both."""
        if other is None:
            return self
        keys, codes = np.concatenate([self.keys, other.keys]), np.concatenate([self.codes, other.codes])
        chosen = smallest(keys)
        return Sample(keys[chosen], codes[chosen])

    def to_bytes(self) -> bytes:
        """Its bytes, which `from_bytes` reads back."""
        return self.keys.tobytes() + self.codes.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, columns: int) -> Sample:
        """Read what `to_bytes` wrote of so many columns."""
        rows = len(data) // (8 + columns)
        codes = np.frombuffer(data, np.uint8, offset=8 * rows).reshape(rows, columns)
        return cls(np.frombuffer(data, np.uint64, rows), codes)


class Sampler:
    """Chooses records and tells their levels.

    Args:
        bins: the cells of every column that is counted, in order.
    """

    def __init__(self, bins: Mapping[str, Bins]) -> None:
        every = {name: levels(each) for name, each in bins.items() if not each.column.is_surrogate}
        self.names = tuple(name for name, each in every.items() if each.max() > 0)
        places = {name: i for i, name in enumerate(bins)}
        self._levels = [(places[name], every[name]) for name in self.names]

    @property
    def words(self) -> int:
        """How many words of 8 bytes a pane's sample takes at the most."""
        return SAMPLED * (8 + len(self.names)) // 8

    def of_rows(self, codes: npt.NDArray[np.int32]) -> Codes:
        """The levels of rows.

        Args:
            codes: the cell of each row in every column that is counted, shape (columns, rows).

        Returns:
            Those of the columns in `names`, shape (rows, columns).
        """
        found = np.empty((codes.shape[1], len(self.names)), np.uint8)
        for i, (place, level) in enumerate(self._levels):
            found[:, i] = level[codes[place]]
        return found

    def chosen(self, codes: npt.NDArray[np.int32], rows: npt.NDArray[np.intp], keys: Keys) -> Sample:
        """A sample of some rows.

        Args:
            codes: as of `of_rows`.
            rows: which rows may be chosen.
            keys: the hashes of all, shape (rows,).
        """
        mine = rows[smallest(keys[rows])]
        return Sample(keys[mine], self.of_rows(codes[:, mine]))


def hashes_of(partitions: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]) -> Keys:
    """A hash of where each record lies, shape (rows,)."""
    keys = np.empty(len(offsets), np.uint64)
    hash_words(partitions.astype(np.int64) << 48 ^ offsets, keys)
    return keys


def smallest(keys: Keys) -> npt.NDArray[np.intp]:
    """Where the `SAMPLED` smallest keys are, ascending."""
    if len(keys) > SAMPLED:
        first = np.argpartition(keys, SAMPLED)[:SAMPLED]
        return np.asarray(first[np.argsort(keys[first])], np.intp)
    return np.argsort(keys)


def levels(bins: Bins) -> npt.NDArray[np.uint8]:
    """Merge a column's cells to at most `LEVELS` of about equal probability, neighbours together; null is the last.

    Returns:
        The level of each cell, shape (bins.size,).
    """
    if bins.size <= LEVELS:
        return np.arange(bins.size, dtype=np.uint8)
    middle = np.cumsum(bins.expected) - bins.expected / 2
    level = np.minimum(middle * LEVELS, LEVELS - 1).astype(np.int64)
    return np.unique(level, return_inverse=True)[1].astype(np.uint8)
