"""Which columns settle others, and which identify rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from schemas.profiling.study import Codes, Study
from schemas.table import MIN_SHARED_ROWS, Kind
from schemas.values import codes_of

KEPT = 0.99
"""The part of the rows that a dependency or a rule has to hold in."""

BEYOND_CHANCE = 0.9
"""A dependency closes so much of the gap between what chance would settle and everything."""

FEWEST_TESTED = 50
MIN_TESTED = 0.2
"""So many rows, and this part of all, have to come again in what settles: others say nothing."""

MOST_SINGLE, MOST_PAIRED = 60, 12
"""So many columns are tried alone, and two together: those with the fewest values."""

MOST_KEYS = 12
"""So many columns are tried for keys of several: those with the most values."""

BY_ACCIDENT = 1.0
"""Columns that would make no more pairs of equal rows than this by chance are unique by accident."""


@dataclass(frozen=True)
class Dependency:
    """Rows that agree in some columns agree in another.

    Args:
        given: what settles, one column or two.
        column: what is settled.
        kept: the part of the rows, of those that agree with another one, that have the most frequent value.
        by_chance: the same, had the columns nothing to do with each other.
    """

    given: tuple[str, ...]
    column: str
    kept: float
    by_chance: float


@dataclass(frozen=True)
class Key:
    """Columns in which no two rows agree, and no fewer of them would do.

    Args:
        columns: which.
    """

    columns: tuple[str, ...]


def dependencies_of(study: Study) -> tuple[Dependency, ...]:
    """What settles what: by one column, then by two of which neither does so alone."""
    kinds = {c.name: int(study.codes[c.name].max(initial=-1)) + 1 for c in study.schema}
    names = sorted((n for n, k in kinds.items() if 1 < k < study.count), key=lambda name: kinds[name])
    single = list(_single(study, names[:MOST_SINGLE]))
    settled = {(each.given[0], each.column) for each in single}
    double = _double(study, [n for n in names if 2 * kinds[n] <= study.count][:MOST_PAIRED], settled)
    return (*single, *double)


def _single(study: Study, names: Sequence[str]) -> Iterator[Dependency]:
    for given, column in permutations(names, 2):
        found = _settles(study, study.codes[given], column, (given,))
        if found is not None:
            yield found


def _double(study: Study, names: Sequence[str], settled: set[tuple[str, str]]) -> Iterator[Dependency]:
    for a, b in combinations(names, 2):
        if (a, b) in settled or (b, a) in settled:
            continue
        first, second = study.codes[a], study.codes[b]
        both = np.where((first < 0) | (second < 0), -1, first * (int(second.max()) + 1) + second)
        for column in names:
            if column in (a, b) or (a, column) in settled or (b, column) in settled:
                continue
            found = _settles(study, both, column, (a, b))
            if found is not None:
                yield found


def _settles(study: Study, given: Codes, column: str, names: tuple[str, ...]) -> Dependency | None:
    codes = study.codes[column]
    kept, tested = agreeing(given, codes)
    if kept < KEPT or tested < max(FEWEST_TESTED, MIN_TESTED * study.count):
        return None
    by_chance, _ = agreeing(given, study.shuffled(codes))
    open_by_chance = (1 - by_chance) * tested
    if open_by_chance < MIN_SHARED_ROWS or kept - by_chance < BEYOND_CHANCE * (1 - by_chance):
        return None
    return Dependency(names, column, kept, by_chance)


def agreeing(given: Codes, column: Codes) -> tuple[float, int]:
    """The part of the rows that have the most frequent value among those that agree with them, and how many rows count.

    Args:
        given: what should settle, a number a row, -1 for rows that do not count, shape (rows,).
        column: what should be settled, alike; a gap is a value.

    Returns:
        1 less the g3 error (Kivinen and Mannila 1995) over the rows whose `given` comes again, and their number.

    >>> agreeing(np.array([0, 0, 0, 1, 1, 2]), np.array([5, 5, 7, 8, 8, 9]))
    (0.8, 5)
    """
    known = given >= 0
    given, column = given[known], column[known] + 1
    if not len(given):
        return 0.0, 0
    base = int(column.max()) + 1
    pairs, counts = np.unique(given * base + column, return_counts=True)
    groups = pairs // base
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    sizes, most = np.add.reduceat(counts, starts), np.maximum.reduceat(counts, starts)
    tested = sizes > 1
    total = int(sizes[tested].sum())
    return (float(most[tested].sum() / total) if total else 0.0), total


def keys_of(study: Study) -> tuple[Key, ...]:
    """Candidate keys: single columns, else pairs, else threes; none that is unique by accident."""
    whole = [c for c in study.schema if not study.rows.table.column(c.name).null_count and c.kind is not Kind.NUMBER]
    whole.sort(key=lambda c: -int(study.codes[c.name].max(initial=0)))
    all_rows = _AllRows(study)
    single = [Key((c.name,)) for c in whole if all_rows.are_told_by((c.name,))]
    alone = {key.columns[0] for key in single}
    names = [c.name for c in whole if c.name not in alone][:MOST_KEYS]
    for size in (2, 3):
        likely = (some for some in combinations(names, size) if _accident(study, some) > BY_ACCIDENT)
        found = [Key(some) for some in likely if all_rows.are_told_by(some)]
        if found:
            return (*single, *found)
    return tuple(single)


class _AllRows:
    """All rows of a table by codes, each column read once and only if some rows do not rule it out."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._codes: dict[str, Codes] = {}

    def are_told_by(self, names: tuple[str, ...]) -> bool:
        """Whether no two rows agree in all of some columns."""
        study = self._study
        if not _unique([study.codes[name] for name in names]):
            return False
        return study.rows.count == study.count or _unique([self._of(name) for name in names])

    def _of(self, name: str) -> Codes:
        if name not in self._codes:
            values: Any = self._study.rows.whole((name,)).column(name).combine_chunks()
            self._codes[name] = codes_of([values])[0]
        return self._codes[name]


def _unique(columns: Sequence[Codes]) -> bool:
    """Whether no two rows agree in all columns; a gap is a value."""
    codes = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        wide = int(column.max(initial=0)) + 2
        if int(codes.max(initial=0)) + 1 >= 2**62 // wide:
            codes = np.unique(codes, return_inverse=True)[1]
        codes = codes * wide + column + 1
    return len(np.unique(codes)) == len(codes)


def _accident(study: Study, names: tuple[str, ...]) -> float:
    """How many pairs of rows would agree, had the columns nothing to do with each other."""
    rows, agree = study.rows.count, 1.0
    for name in names:
        share = np.bincount(study.codes[name]) / study.count
        agree *= float((share**2).sum())
    return rows * (rows - 1) / 2 * agree
