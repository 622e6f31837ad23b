"""Conditions that rows keep: where one column has a value, another is missing, there, or has one value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binom

from schemas.conditional_rules import Implies
from schemas.profiling.study import Codes, Study
from schemas.rule_forms import written
from schemas.rules import Allowed, IsNull, NotNull, Rule
from schemas.table import Column, Kind
from schemas.values import decoded

KEPT = 0.99
"""The part of the rows that meet the condition which have to meet what it demands."""

COMMON = 0.95
"""What so many of all rows meet anyway is no news."""

DOUBT = 0.001
"""The probability that a table without such conditions is thought to have one (Bonferroni, binomial)."""

FEWEST_ROWS = 30
SAVES = 0.005
"""So much of the table would break the rule, had the columns nothing to do with each other."""

MOST_VALUES = 50
"""So many values of a column are asked for, the most frequent."""

MOST_COLUMNS = 60
"""So many columns are looked at, those with the fewest values: time grows with the square of their number."""

MOST_RULES = 20


@dataclass(frozen=True)
class _Found:
    """A condition on one value.

    Args:
        when: the column; value: the number of its value, -1 for a gap.
        then: what is demanded.
        saves: the share of all rows that would break it by chance.
    """

    when: str
    value: int
    then: Rule
    saves: float


def conditions_of(study: Study, settled: set[tuple[str, str]]) -> list[Implies]:
    """The conditions that say most, those on several values of one column joined.

    Args:
        study: the table.
        settled: pairs of columns whose values go together in fixed ways anyway.
    """
    fewest = sorted(study.varying, key=lambda c: study.profile[c.name].distinct)[:MOST_COLUMNS]
    columns = [c for c in study.varying if c in fewest]
    asked = [c for c in columns if not (c.kind is Kind.NUMBER and c.decimals is None)]
    tests = max(sum(min(study.profile[c.name].distinct, MOST_VALUES) + 1 for c in asked) * len(columns) * 3, 1)
    found: dict[tuple[str, Rule], list[_Found]] = {}
    for given in asked:
        for column in columns:
            if column.name == given.name:
                continue
            for each in _pair(study, given, column, tests, (given.name, column.name) in settled):
                found.setdefault((each.when, each.then), []).append(each)
    ranked = sorted(found.values(), key=lambda some: -sum(each.saves for each in some))
    told = [some for some in ranked if sum(each.saves for each in some) >= SAVES]
    return [_rule(study, some) for some in told[:MOST_RULES]]


def _pair(study: Study, given: Column, column: Column, tests: int, settled: bool) -> Iterator[_Found]:
    first, second = study.codes[given.name], study.codes[column.name]
    counts = np.bincount(first + 1, minlength=1)
    gone = second < 0
    mode = _mode(second)
    frequent = np.argsort(-counts, kind="stable")[: MOST_VALUES + 1]
    for value in frequent[counts[frequent] >= FEWEST_ROWS].tolist():
        rows = first + 1 == value
        whole = int(rows.sum())
        missing = int((rows & gone).sum())
        if gone.any():
            for demand, met, share in (
                (IsNull(column.name), missing, float(gone.mean())),
                (NotNull(column.name), whole - missing, 1 - float(gone.mean())),
            ):
                if _surely(met, whole, share, tests):
                    yield _Found(given.name, value - 1, demand, (1 - share) * whole / study.count)
        there = second[rows & ~gone]
        if settled or len(there) < FEWEST_ROWS or mode is None:
            continue
        most = int(np.argmax(np.bincount(there)))
        share = float(np.mean(second[~gone] == most))
        if _surely(int((there == most).sum()), len(there), share, tests):
            only = Allowed(column.name, (_value(study, column.name, most),))
            yield _Found(given.name, value - 1, only, (1 - share) * len(there) / study.count)


def _mode(codes: Codes) -> int | None:
    known = codes[codes >= 0]
    return int(np.argmax(np.bincount(known))) if len(known) else None


def _surely(met: int, rows: int, share: float, tests: int) -> bool:
    """Whether more rows meet a demand than chance can explain, and nearly all do."""
    return met >= KEPT * rows and share <= COMMON and float(binom.sf(met - 1, rows, share)) * tests < DOUBT


def _rule(study: Study, found: list[_Found]) -> Implies:
    first = found[0]
    values = [each.value for each in found]
    gaps = [value for value in values if value < 0]
    if len(gaps) == len(values):
        return Implies(IsNull(first.when), first.then)
    known = sorted(_value(study, first.when, value) for value in values if value >= 0)
    return Implies(Allowed(first.when, tuple(known)), first.then)


def _value(study: Study, name: str, code: int) -> Any:
    row = int(np.argmax(study.codes[name] == code))
    value = decoded(study.array(name))[row].as_py()
    return written(value)
