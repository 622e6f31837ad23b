"""The rows of a table that meet rules, and what is wrong with rules before any generator is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generators.constraints.plan import plan_of
from schemas.contradictions import contradictions
from schemas.errors import InputError
from schemas.rule_forms import check_columns
from schemas.rules import Rule
from schemas.table import TableSchema

FEWEST = 2
"""A generator needs so many rows."""


@dataclass(frozen=True)
class Ruled:
    """Rows that all meet some rules.

    Args:
        table: the rows.
        rules: what they meet.
        left_out: by rule how many rows of the table broke it and are not among these.
    """

    table: pa.Table
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


def ruled(table: pa.Table, schema: TableSchema, rules: Sequence[Rule]) -> Ruled:
    """Leave out the rows that break rules.

    Args:
        table: real rows, cast to `schema.arrow_schema`.
        schema: what the columns are.
        rules: what every row is to meet.

    Raises:
        InputError: as `check_rules`; or fewer than two rows meet a rule, or all of them.
    """
    check_rules(rules, schema)
    rows = table.num_rows
    if rows < FEWEST:
        return Ruled(table, tuple(rules), {})
    batch = table.combine_chunks().to_batches()[0]
    broken = {rule.name: rule.violations(batch) for rule in rules}
    for name, off in broken.items():
        if rows - off.sum() < FEWEST:
            raise InputError(f"rule {name}: {_of(off.sum(), rows)} rows break it; mend the rule, or the table")
    off = np.logical_or.reduce([np.zeros(rows, bool), *broken.values()])
    if rows - off.sum() < FEWEST:
        each = ", ".join(f"{name} {_of(some.sum(), rows)}" for name, some in broken.items())
        raise InputError(
            f"rules: {_of(off.sum(), rows)} rows break at least one ({each}); mend the rules, or the table"
        )
    left_out = {name: int(some.sum()) for name, some in broken.items() if some.any()}
    return Ruled(table.filter(pa.array(~off)) if off.any() else table, tuple(rules), left_out)


def _of(some: int, rows: int) -> str:
    return f"all {rows}" if some == rows else f"{some} of {rows}"
