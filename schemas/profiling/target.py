"""What is known of the column that others will learn to predict: its classes, who tells of it, who tells too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.numeric import NUMERIC_KINDS
from schemas.profiling.study import Study
from schemas.profiling.ties import Tie, entropy
from schemas.table import MIN_SHARED_ROWS, Column, Kind

LEAK = 0.9
"""A column that tells so much of what there is to know of the target alone is likely to be known only afterwards."""

RARE = 0.05
"""A class of fewer rows is rare."""

FEW_VALUES = 10
"""Whole numbers of at most so many values are classes."""

MOST_PREDICTORS = 20


@dataclass(frozen=True)
class Target:
    """The target.

    Args:
        column: its name.
        classes: whether it holds classes; else it holds numbers.
        shares: its classes with their shares, the most frequent first, each of five rows or more.
        rarest: the share of the rarest class, where that is rare; None elsewhere.
        predictors: columns that tell of it, with the part of what there is to know, the most telling first.
        leaks: those that tell nearly all of it.
    """

    column: str
    classes: bool
    shares: tuple[tuple[str, float], ...]
    rarest: float | None
    predictors: tuple[tuple[str, float], ...]
    leaks: tuple[tuple[str, float], ...]


def target_of(study: Study, column: Column, ties: Sequence[Tie]) -> Target:
    """What is known of a target.

    Args:
        study: the table.
        column: the target.
        ties: what columns say of each other.
    """
    whole = entropy(study.coarse[column.name]) if column.name in study.coarse else 0.0
    told = [
        (tie.columns[1] if tie.columns[0] == column.name else tie.columns[0], min(tie.nats / whole, 1.0))
        for tie in ties
        if column.name in tie.columns and whole > 0
    ]
    told.sort(key=lambda each: -each[1])
    classes = column.kind not in NUMERIC_KINDS or (
        column.kind is Kind.INTEGER and study.profile[column.name].distinct <= FEW_VALUES
    )
    shares = _classes(study, column) if classes else ()
    rarest = min((share for _, share in shares), default=1.0)
    return Target(
        column.name,
        classes,
        shares,
        rarest if classes and len(shares) > 1 and rarest < RARE else None,
        tuple(told[:MOST_PREDICTORS]),
        tuple(each for each in told if each[1] >= LEAK),
    )


def _classes(study: Study, column: Column) -> tuple[tuple[str, float], ...]:
    codes = study.codes[column.name]
    known = codes[codes >= 0]
    values, counts = np.unique(known, return_counts=True)
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i] >= MIN_SHARED_ROWS]
    array = study.array(column.name)
    found = []
    for i in order[:FEW_VALUES]:
        value = array[int(np.argmax(codes == values[i]))].as_py()
        said = str(value).lower() if isinstance(value, bool) else str(value)
        found.append((said, float(counts[i] / max(len(known), 1))))
    return tuple(found)
