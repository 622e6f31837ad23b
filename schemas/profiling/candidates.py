"""Rules that nearly all rows keep and that chance would break, in the words that `train --rules` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.inference import conform, named_like_a_key
from schemas.joint_rules import Combinations, Compare, Ordered, Unique
from schemas.numeric import NUMERIC_KINDS
from schemas.profiling.conditions import conditions_of
from schemas.profiling.determined import BEYOND_CHANCE, Dependency, Key
from schemas.profiling.formulas import formulas_of
from schemas.profiling.study import Floats, Study
from schemas.profiling.units import unit_of
from schemas.rule_forms import form_of, written
from schemas.rules import Range, Rule
from schemas.table import MAX_CATEGORIES, MIN_SHARED_ROWS, Column, Kind, Role
from schemas.values import decoded

KEPT = 0.99
"""The part of all rows that has to keep a rule."""

BY_CHANCE = 0.05
"""So many rows would break an order at the least, had the columns nothing to do with each other."""

NEVER = 0.2
"""Combinations that never occur would be so many rows at the least, had the columns nothing to do with each other."""

EXACT = 2.0**53
"""Whole numbers up to here are written as such."""

FEWEST_ROWS = 50
MOST_COLUMNS = 40
FEW_VALUES = 100
"""Columns of more values are not looked at for combinations, but where one settles the other."""


@dataclass(frozen=True)
class Candidate:
    """A rule, and how many rows keep it.

    Args:
        rule: the rule.
        broken: how many rows break it.
        rows: of how many.
        why: what speaks for it.
    """

    rule: Rule
    broken: int
    rows: int
    why: str = ""

    @property
    def kept(self) -> float:
        """The share of rows that keep it."""
        return 1.0 - self.broken / max(self.rows, 1)

    @property
    def form(self) -> dict[str, Any]:
        """The rule as a rules' file has it."""
        return form_of(self.rule)


def candidates_of(study: Study, dependencies: Sequence[Dependency], keys: Sequence[Key]) -> tuple[Candidate, ...]:
    """Candidate rules, the most telling kinds first, each measured on all rows.

    Args:
        study: the table.
        dependencies: what settles what in it.
        keys: what identifies its rows.
    """
    fixed = list(_combinations(study, dependencies))
    settled = {pair for rule in fixed for a, b in combinations(rule.columns, 2) for pair in ((a, b), (b, a))}
    rules: list[tuple[Rule, str]] = [(rule, "in the same rows the same value") for rule in _equal(study)]
    rules += [(rule, "arithmetic") for rule in formulas_of(study)]
    rules += [(rule, "an order that chance would break") for rule in _orders(study)]
    rules += [(rule, "values that go together in fixed ways") for rule in fixed]
    rules += [(rule, "a condition that chance would break") for rule in conditions_of(study, settled)]
    rules += [(Unique(key.columns), "never repeats") for key in keys]
    rules += [(rule, "an end that rows share, or zero") for rule in _bounds(study)]
    broken = measured(study, [rule for rule, _ in rules])
    found = [Candidate(rule, broken[rule], study.rows.count, why) for rule, why in rules]
    return tuple(each for each in found if each.kept >= KEPT)


def measured(study: Study, rules: Sequence[Rule]) -> dict[Rule, int]:
    """How many of all rows break each rule.

    Combinations without rows are broken by what fewer than five rows share; unique rules by every row after the first.
    """
    broken = dict.fromkeys(rules, 0)
    alone = [rule for rule in rules if not isinstance(rule, Unique) and not _is_open(rule)]
    names = dict.fromkeys(name for rule in alone for name in rule.columns)
    columns = tuple(column for column in study.schema if column.name in names)
    if columns:
        narrow = replace(study.schema, columns=columns, wire=None)
        for piece in study.rows.pieces():
            for batch in conform(piece.select(list(narrow.names)), narrow).to_batches():
                for rule in alone:
                    broken[rule] += int(rule.violations(batch).sum())
    for rule in rules:
        if _is_open(rule):
            broken[rule] = _rare(study, list(rule.columns))
        elif isinstance(rule, Unique):
            whole = study.rows.whole(rule.columns)
            broken[rule] = sum(int(rule.violations(batch).sum()) for batch in whole.combine_chunks().to_batches())
    return broken


def _is_open(rule: Rule) -> bool:
    return isinstance(rule, Combinations) and rule.rows is None


def _rare(study: Study, names: list[str]) -> int:
    counted = []
    for piece in study.rows.pieces():
        arrays = [decoded(_whole(piece.column(name))) for name in names]
        there = pa.table(arrays, names=names).drop_null()
        counted.append(there.group_by(names).aggregate([([], "count_all")]))
    counts = pa.concat_tables(counted).group_by(names).aggregate([("count_all", "sum")]).column("count_all_sum")
    rare: Any = pc.sum(pc.if_else(pc.less(counts, pa.scalar(MIN_SHARED_ROWS)), counts, 0))
    return int(rare.as_py() or 0)


def _whole(values: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    whole: Any = values.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    array: pa.Array[Any] = whole
    return array


def _ordered_columns(study: Study) -> list[Column]:
    numeric = [c for c in study.varying if c.kind in NUMERIC_KINDS and c.role is not Role.EVENT_TIME]
    return [c for c in numeric if study.profile[c.name].distinct > 2][:MOST_COLUMNS]


def _alike(a: Column, b: Column) -> bool:
    numbers = {Kind.INTEGER, Kind.NUMBER}
    same = a.kind is b.kind or {a.kind, b.kind} <= numbers
    return same and a.timezone == b.timezone and unit_of(a) == unit_of(b)


def _equal(study: Study) -> Iterator[Rule]:
    """Columns that hold the same value in nearly all rows, and would not by chance."""
    columns = [c for c in study.varying if c.role is not Role.EVENT_TIME]
    for a, b in combinations(columns, 2):
        if a.kind is b.kind and a.timezone == b.timezone and _same(study, a, b):
            yield Compare(a.name, "==", b.name)


def _same(study: Study, a: Column, b: Column) -> bool:
    first, second = decoded(study.array(a.name)), decoded(study.array(b.name))
    apart, rows = _apart(first, second)
    if rows < FEWEST_ROWS or apart > (1 - KEPT) * rows:
        return False
    both: Any = pc.and_(first.is_valid(), second.is_valid())
    mixed: Any = pa.array(study.shuffled(np.arange(rows)))
    by_chance, _ = _apart(first.filter(both), second.filter(both).take(mixed))
    return by_chance >= MIN_SHARED_ROWS and apart <= (1 - BEYOND_CHANCE) * by_chance


def _apart(first: pa.Array[Any], second: pa.Array[Any]) -> tuple[int, int]:
    """How many rows hold different values, of how many that hold two."""
    equal: Any = pc.equal(first.cast(second.type), second).drop_null()
    return int(len(equal) - equal.true_count), len(equal)


def _orders(study: Study) -> Iterator[Rule]:
    """Chains of columns each of which is at most the next one."""
    columns = _ordered_columns(study)
    edges = {(a.name, b.name) for a in columns for b in columns if a is not b and _alike(a, b) and _rises(study, a, b)}
    while edges:
        chain = _longest(edges, [c.name for c in columns])
        yield Ordered(chain)
        edges -= set(combinations(chain, 2))


def _rises(study: Study, a: Column, b: Column) -> bool:
    first, second = study.numbers[a.name], study.numbers[b.name]
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < FEWEST_ROWS:
        return False
    first, second = first[both], second[both]
    if np.mean(first > second) > 1 - KEPT or np.mean(first == second) >= KEPT:
        return False
    return float(np.mean(first > _mixed(study, second))) >= BY_CHANCE


def _mixed(study: Study, values: Floats) -> Floats:
    order = study.shuffled(np.arange(len(values)))
    return np.asarray(values[order], np.float64)


def _longest(edges: set[tuple[str, str]], names: Sequence[str]) -> tuple[str, ...]:
    """The longest path; of equally long ones the first by the columns' order."""
    best: dict[str, tuple[str, ...]] = {}

    def path(name: str, seen: frozenset[str]) -> tuple[str, ...]:
        if name not in best:
            after = [path(b, seen | {name}) for a, b in edges if a == name and b not in seen]
            best[name] = (name, *max(sorted(after, key=lambda each: names.index(each[0])), key=len, default=()))
        return best[name]

    return max((path(name, frozenset({name})) for name in names), key=len)


def _combinations(study: Study, dependencies: Sequence[Dependency]) -> Iterator[Combinations]:
    """Columns of few values whose combinations are far fewer than chance would make, grouped where one settles all."""
    named = [c for c in study.varying if c.kind in (Kind.CATEGORY, Kind.BOOLEAN)]
    few = {c.name for c in named if study.profile[c.name].distinct <= FEW_VALUES}
    codes = [c for c in study.varying if c.kind is Kind.INTEGER and study.profile[c.name].distinct <= FEW_VALUES]
    settling = {(d.given[0], d.column) for d in dependencies if len(d.given) == 1}
    listed = {c.name for c in (*named, *codes) if study.profile[c.name].distinct <= MAX_CATEGORIES}
    groups: dict[str, list[str]] = {}
    for given, column in settling:
        if given in listed and column in listed:
            groups.setdefault(given, []).append(column)
    order = study.schema.names
    covered: set[frozenset[str]] = set()
    for given in sorted(groups, key=lambda name: -len(groups[name])):
        whole = frozenset({given, *groups[given]})
        if not any(whole <= other for other in covered):
            covered.add(whole)
            yield Combinations(tuple(sorted(whole, key=order.index)))
    for a, b in combinations([c.name for c in named if c.name in few], 2):
        if not any({a, b} <= other for other in covered) and _unseen(study, a, b) >= NEVER:
            covered.add(frozenset({a, b}))
            yield Combinations((a, b))


def _unseen(study: Study, a: str, b: str) -> float:
    """The share of rows that chance would put into combinations which never occur, of those it would put five in."""
    first, second = study.codes[a], study.codes[b]
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return 0.0
    first, second = first[both], second[both]
    wide = int(second.max()) + 1
    counts = np.bincount(first * wide + second, minlength=(int(first.max()) + 1) * wide).reshape(-1, wide)
    chance = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    return float(chance[(counts == 0) & (chance >= MIN_SHARED_ROWS)].sum() / counts.sum())


def _bounds(study: Study) -> Iterator[Rule]:
    """Ends that five rows share, and zero below columns that are never negative."""
    for column in study.varying:
        if column.kind not in NUMERIC_KINDS or column.role is Role.EVENT_TIME or named_like_a_key(column.name):
            continue
        values = _whole(study.rows.table.column(column.name)).drop_null()
        low, high = (_end(values, end) for end in ("min", "max"))
        if low is None and column.kind in (Kind.INTEGER, Kind.NUMBER) and pc.min(values).as_py() >= 0:
            low = 0
        if low is not None or high is not None:
            yield Range(column.name, written(low), written(high))


def _end(values: pa.Array[Any], which: str) -> Any:
    """The least or the largest value, where five rows share it."""
    end: Any = pc.min_max(values)[which]
    if not end.is_valid:
        return None
    equal: Any = pc.equal(values, end)
    if equal.true_count < MIN_SHARED_ROWS:
        return None
    value = end.as_py()
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < EXACT else value
