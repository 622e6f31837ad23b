"""The rows of a table that meet rules, and what is wrong with rules before any generator is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generators.constraints.plan import plan_of
from schemas.contradictions import contradictions
from schemas.errors import InputError
from schemas.joint_rules import Combinations
from schemas.rule_forms import check_columns, written
from schemas.rules import Mask, Rule
from schemas.table import MIN_SHARED_ROWS, Role, TableSchema
from schemas.values import decoded

FEWEST = 2
"""A generator needs so many rows."""


@dataclass(frozen=True)
class Ruled:
    """Rows that all meet some rules.

    Args:
        table: the rows.
        rules: what they meet, each with the values it allows.
        left_out: by rule how many rows of the table broke it and are not among these.
    """

    table: pa.Table
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


def ruled(table: pa.Table, schema: TableSchema, rules: Sequence[Rule]) -> Ruled:
    """Leave out the rows that break rules.

    Combinations that are the table's are listed first: those that five of the rows that meet the other rules share, or,
    where all of their columns are public, that any of them has.

    Args:
        table: real rows, cast to `schema.arrow_schema`.
        schema: what the columns are.
        rules: what every row is to meet.

    Raises:
        InputError: as `check_rules`; or fewer than two rows meet a rule, or all of them; or no combination is shared by
            five.
    """
    check_rules(rules, schema)
    rows = table.num_rows
    if rows < FEWEST:
        return Ruled(table, tuple(rules), {})
    batch = table.combine_chunks().to_batches()[0]
    broken = {rule.name: rule.violations(batch) for rule in rules if not is_open(rule)}
    others = batch.filter(pa.array(~_off(broken, rows)))
    settled = tuple(of_table(rule, others, schema) for rule in rules)
    broken = {rule.name: broken[rule.name] if rule.name in broken else rule.violations(batch) for rule in settled}
    off = _off(broken, rows)
    left_out = {name: int(some.sum()) for name, some in broken.items() if some.any()}
    return Ruled(table.filter(pa.array(~off)) if off.any() else table, settled, left_out)


def of_table(rule: Rule, rows: pa.RecordBatch, schema: TableSchema) -> Rule:
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
    there = pa.table([decoded(rows.column(name)) for name in rule.columns], names=list(rule.columns)).drop_null()
    counted = there.group_by(list(rule.columns)).aggregate([([], "count_all")])
    least = 1 if all(schema[name].public for name in rule.columns) else MIN_SHARED_ROWS
    shared = counted.filter(pa.array(counted.column("count_all").to_numpy() >= least)).select(list(rule.columns))
    if not shared.num_rows:
        rare = "" if least == 1 else f" in {least} rows, and rarer ones are kept of public columns only (--public)"
        raise InputError(f"rule {rule.name}: no combination occurs{rare}; list the rows, or leave the rule out")
    values = zip(*(column.to_pylist() for column in shared.columns), strict=True)
    return Combinations(rule.columns, tuple(written(row) for row in sorted(values)))


def _off(broken: Mapping[str, Mask], rows: int) -> Mask:
    """The rows that break any of some rules.

    Raises:
        InputError: hardly any row meets one of them, or all.
    """
    for name, some in broken.items():
        if rows - some.sum() < FEWEST:
            raise InputError(f"rule {name}: {_of(some.sum(), rows)} rows break it; mend the rule, or the table")
    off: Mask = np.logical_or.reduce([np.zeros(rows, bool), *broken.values()])
    if rows - off.sum() < FEWEST:
        each = ", ".join(f"{name} {_of(some.sum(), rows)}" for name, some in broken.items())
        raise InputError(
            f"rules: {_of(off.sum(), rows)} rows break at least one ({each}); mend the rules, or the table"
        )
    return off


def _of(some: int, rows: int) -> str:
    return f"all {rows}" if some == rows else f"{some} of {rows}"
