"""Where values are missing: how often, in which columns together, and what tells of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from schemas.pairs import informational, shared_information
from schemas.profiling.study import Mask, Study, together
from schemas.table import MIN_SHARED_ROWS

MOST_PATTERNS = 12
MOST_COLUMNS = 40
"""Columns with more gaps go before others."""

SURELY = 6.0
"""A column tells of gaps where its statistic lies so many standard deviations above chance."""

TELLING = 0.2
"""Ties weaker than this are not worth telling."""


@dataclass(frozen=True)
class Pattern:
    """Columns that miss their values in the same rows, and in no other column.

    Args:
        columns: the columns; none for complete rows.
        rows: how many rows look so.
        share: of all rows.
    """

    columns: tuple[str, ...]
    rows: int
    share: float


@dataclass(frozen=True)
class Told:
    """A column whose values tell where another one is missing.

    Args:
        column: the one with gaps.
        by: what tells of them.
        strength: the informational correlation, from 0 to 1, chance taken off.
    """

    column: str
    by: str
    strength: float


@dataclass(frozen=True)
class Gaps:
    """Missing values.

    Args:
        shares: by column with any, the share of rows that miss it, the largest first.
        patterns: the most frequent patterns, each of five rows or more.
        others: the share of rows with rarer patterns.
        alike: groups of columns that are always missing together.
        told: what tells of gaps, the strongest first, one a column.
    """

    shares: tuple[tuple[str, float], ...]
    patterns: tuple[Pattern, ...]
    others: float
    alike: tuple[tuple[str, ...], ...]
    told: tuple[Told, ...]


def gaps_of(study: Study) -> Gaps:
    """Where values are missing in a table."""
    table = study.rows.table
    counts = {name: table.column(name).null_count for name in table.column_names}
    ranked = sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))
    shares = tuple((name, counts[name] / table.num_rows) for name in ranked)
    if not ranked:
        return Gaps((), (Pattern((), table.num_rows, 1.0),), 0.0, (), ())
    names = [name for name in table.column_names if name in set(ranked[:MOST_COLUMNS])]
    missing = np.stack([_missing(table, name) for name in names])  # (columns, rows)
    patterns, others = _patterns(names, missing)
    told = tuple(filter(None, (_told(study, name) for name in ranked[:MOST_COLUMNS])))
    return Gaps(shares, patterns, others, _alike(names, missing), told)


def _missing(table: pa.Table, name: str) -> Mask:
    return np.asarray(table.column(name).is_null().to_numpy(), np.bool_)


def _patterns(names: list[str], missing: Mask) -> tuple[tuple[Pattern, ...], float]:
    rows = missing.shape[1]
    packed = np.packbits(missing, axis=0)
    found, counts = np.unique(packed.T, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = [i for i in order.tolist() if counts[i] >= MIN_SHARED_ROWS][:MOST_PATTERNS]
    masks = np.unpackbits(found, axis=1, count=len(names)).astype(bool)
    patterns = tuple(
        Pattern(
            tuple(name for name, gone in zip(names, masks[i].tolist(), strict=True) if gone),
            int(counts[i]),
            float(counts[i] / rows),
        )
        for i in shown
    )
    return patterns, max(1.0 - sum(each.rows for each in patterns) / rows, 0.0)


def _alike(names: list[str], missing: Mask) -> tuple[tuple[str, ...], ...]:
    groups: dict[bytes, list[str]] = {}
    for name, mask in zip(names, missing, strict=True):
        if mask.sum() >= MIN_SHARED_ROWS:
            groups.setdefault(np.packbits(mask).tobytes(), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _told(study: Study, name: str) -> Told | None:
    gone = (study.codes[name] < 0).astype(np.int64)
    best: Told | None = None
    for other, codes in study.coarse.items():
        if other == name or np.array_equal(gone, study.codes[other] < 0):
            continue
        nats, above = shared_information(together(gone, codes))
        strength = informational(nats)
        if above > SURELY and strength >= max(TELLING, 0.0 if best is None else best.strength):
            best = Told(name, other, strength)
    return best
