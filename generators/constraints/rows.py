"""The rows of a table that meet rules, and what is wrong with rules before any generator is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.constraints.plan import plan_of
from schemas.contradictions import contradictions
from schemas.errors import InputError
from schemas.joint_rules import Combinations
from schemas.rows import Rows
from schemas.rule_forms import check_columns, written
from schemas.rules import Rule
from schemas.table import MIN_SHARED_ROWS, Role, TableSchema
from schemas.values import decoded

FEWEST = 2
"""A generator needs so many rows."""


@dataclass(frozen=True)
class Ruled:
    """Rows that all meet some rules.

    Args:
        rows: the rows.
        rules: what they meet, each with the values it allows.
        left_out: by rule how many rows of the table broke it and are not among these.
    """

    rows: Rows
    rules: tuple[Rule, ...]
    left_out: Mapping[str, int]


def check_rules(rules: Sequence[Rule], schema: TableSchema) -> None:
    """Refuse rules that no generator of a table could keep.

    Raises:
        InputError: rules that do not suit the columns; or, of those that do, all that contradict each other, each pair
            named, and all that would take values from a column whose values are never copied; or rules on values that
            are fresh in every record.
    """
    check_columns(rules, schema)
    faults = contradictions(rules, schema) + _copying(rules, schema)
    if faults:
        raise InputError(*faults)
    plan_of(schema, rules)


def _copying(rules: Sequence[Rule], schema: TableSchema) -> list[str]:
    """Columns whose combinations can not be taken from the table."""
    return [
        f"rule {rule.name}: values of {name} are never copied from the table, combinations included; declare it public "
        f"(--public {name}), or list the rows"
        for rule in rules
        if is_open(rule)
        for name in rule.columns
        if schema[name].is_surrogate and schema[name].role is not Role.KEY
    ]


def is_open(rule: Rule) -> bool:
    """Whether what a rule allows is the table's to say."""
    return isinstance(rule, Combinations) and rule.rows is None


def ruled(rows: Rows, schema: TableSchema, rules: Sequence[Rule]) -> Ruled:
    """Leave out the rows that break rules.

    Combinations that are the table's are listed first: those that five of the rows that meet the other rules share, or,
    where all of their columns are public, that any of them has.

    Args:
        rows: real rows, cast to `schema.arrow_schema`.
        schema: what the columns are.
        rules: what every row is to meet.

    Raises:
        InputError: as `check_rules`; or fewer than two rows meet a rule, or all of them; or no combination is shared by
            five.
    """
    check_rules(rules, schema)
    if rows.count < FEWEST:
        return Ruled(rows, tuple(rules), {})
    listed = tuple(rule for rule in rules if not is_open(rule))
    found = _meeting(rows, listed)
    if len(listed) == len(rules):
        return found
    return _meeting(rows, tuple(of_table(rule, found.rows, schema) for rule in rules))


def _meeting(rows: Rows, rules: tuple[Rule, ...]) -> Ruled:
    """The rows that meet rules, each of which says what it allows.

    Raises:
        InputError: hardly any row meets one of them, or all.
    """
    count = rows.count
    each = sum((_broken(piece, rules).sum(axis=1) for piece in rows.pieces()), np.zeros(len(rules) + 1, np.int64))
    *some, off = each.tolist()
    broken = {rule.name: k for rule, k in zip(rules, some, strict=True)}
    for name, k in broken.items():
        if count - k < FEWEST:
            raise InputError(f"rule {name}: {_of(k, count)} rows break it; mend the rule, or the table")
    if count - off < FEWEST:
        told = ", ".join(f"{name} {_of(k, count)}" for name, k in broken.items())
        raise InputError(f"rules: {_of(off, count)} rows break at least one ({told}); mend the rules, or the table")

    def kept(table: pa.Table) -> pa.Table:
        return table.filter(pa.array(~_broken(table, rules)[-1]))

    if off:
        table, pieces = kept(rows.table), rows.pieces
        rows = Rows(table, count - off, lambda: map(kept, pieces())) if rows.is_long else Rows.of(table)
    return Ruled(rows, rules, {name: k for name, k in broken.items() if k})


def _broken(table: pa.Table, rules: Sequence[Rule]) -> npt.NDArray[np.bool_]:
    """Which rows break each rule, and in the last line any, shape (rules + 1, rows)."""
    if not table.num_rows:
        return np.zeros((len(rules) + 1, 0), bool)
    batch = table.combine_chunks().to_batches()[0]
    each = [rule.violations(batch) for rule in rules]
    return np.array([*each, np.logical_or.reduce([np.zeros(len(batch), bool), *each])])


def of_table(rule: Rule, rows: Rows, schema: TableSchema) -> Rule:
    """A rule with the combinations that rows have, where it lists none of its own; any other as it is.

    Args:
        rule: suits the table.
        rows: of the table.
        schema: what the columns are.

    Raises:
        InputError: no five rows share a combination.
    """
    if not isinstance(rule, Combinations) or rule.rows is not None:
        return rule
    names = list(rule.columns)
    parts = pa.concat_tables([_combinations(piece, names) for piece in rows.pieces()])
    counted = parts.group_by(names).aggregate([("count_all", "sum")])
    least = 1 if all(schema[name].public for name in names) else MIN_SHARED_ROWS
    shared = counted.filter(pa.array(counted.column("count_all_sum").to_numpy() >= least)).select(names)
    if not shared.num_rows:
        rare = "" if least == 1 else f" in {least} rows, and rarer ones are kept of public columns only (--public)"
        raise InputError(f"rule {rule.name}: no combination occurs{rare}; list the rows, or leave the rule out")
    values = zip(*(column.to_pylist() for column in shared.columns), strict=True)
    return Combinations(rule.columns, tuple(written(row) for row in sorted(values)))


def _combinations(table: pa.Table, names: list[str]) -> pa.Table:
    """Each combination of some columns' values that a table has, and how many rows have it."""
    arrays = [decoded(table.column(name).combine_chunks()) for name in names]
    there = pa.table(arrays, names=names).drop_null()
    return there.group_by(names).aggregate([([], "count_all")])


def _of(some: int, rows: int) -> str:
    return f"all {rows}" if some == rows else f"{some} of {rows}"
