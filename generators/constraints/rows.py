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
from schemas.rows import Rows
from schemas.rule_forms import check_columns
from schemas.rules import Rule
from schemas.table import TableSchema

FEWEST = 2
"""A generator needs so many rows."""


@dataclass(frozen=True)
class Ruled:
    """Rows that all meet some rules.

    Args:
        rows: the rows.
        rules: what they meet.
        left_out: by rule how many rows of the table broke it and are not among these.
    """

    rows: Rows
    rules: tuple[Rule, ...]
    left_out: Mapping[str, int]


def check_rules(rules: Sequence[Rule], schema: TableSchema) -> None:
    """Refuse rules that no generator of a table could keep.

    Raises:
        InputError: rules that do not suit the columns; or, of those that do, all that contradict each other, each pair
            named; or rules on values that are fresh in every record.
    """
    check_columns(rules, schema)
    faults = contradictions(rules, schema)
    if faults:
        raise InputError(*faults)
    plan_of(schema, rules)


def ruled(rows: Rows, schema: TableSchema, rules: Sequence[Rule]) -> Ruled:
    """Leave out the rows that break rules.

    Args:
        rows: real rows, cast to `schema.arrow_schema`.
        schema: what the columns are.
        rules: what every row is to meet.

    Raises:
        InputError: as `check_rules`; or fewer than two rows meet a rule, or all of them.
    """
    check_rules(rules, schema)
    if rows.count < FEWEST:
        return Ruled(rows, tuple(rules), {})
    names, count = [rule.name for rule in rules], rows.count
    broken = sum((_broken(piece, rules).sum(axis=1) for piece in rows.pieces()), np.zeros(len(rules) + 1, np.int64))
    for name, some in zip(names, broken.tolist(), strict=False):
        if count - some < FEWEST:
            raise InputError(f"rule {name}: {_of(some, count)} rows break it; mend the rule, or the table")
    off = int(broken[-1])
    if count - off < FEWEST:
        each = ", ".join(f"{name} {_of(some, count)}" for name, some in zip(names, broken.tolist(), strict=False))
        raise InputError(f"rules: {_of(off, count)} rows break at least one ({each}); mend the rules, or the table")
    left_out = {name: some for name, some in zip(names, broken.tolist(), strict=False) if some}
    if not off:
        return Ruled(rows, tuple(rules), left_out)

    def kept(table: pa.Table) -> pa.Table:
        return table.filter(pa.array(~_broken(table, rules)[-1]))

    table = kept(rows.table)
    meeting = Rows(table, count - off, lambda: map(kept, rows.pieces())) if rows.is_long else Rows.of(table)
    return Ruled(meeting, tuple(rules), left_out)


def _broken(table: pa.Table, rules: Sequence[Rule]) -> npt.NDArray[np.bool_]:
    """Which rows break each rule, and in the last line any, shape (rules + 1, rows)."""
    if not table.num_rows:
        return np.zeros((len(rules) + 1, 0), bool)
    batch = table.combine_chunks().to_batches()[0]
    each = [rule.violations(batch) for rule in rules]
    return np.array([*each, np.logical_or.reduce([np.zeros(len(batch), bool), *each])])


def _of(some: int, rows: int) -> str:
    return f"all {rows}" if some == rows else f"{some} of {rows}"
