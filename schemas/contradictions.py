"""Rules that no record could meet together, found by looking at pairs of them and at what stands in an order.

What is found is certain but for missing values: a range and a list that do not meet leave only nulls, which nobody
means. What is not found here shows when no row of a table meets all of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pyarrow as pa

from schemas.conditional_rules import Implies
from schemas.joint_rules import Combinations, Compare, Ordered
from schemas.rule_forms import value_type
from schemas.rules import Allowed, IsNull, NotNull, Range, Rule
from schemas.table import TableSchema
from schemas.values import as_bound, as_values


def contradictions(rules: Sequence[Rule], schema: TableSchema) -> list[str]:
    """A line for each pair of rules that can not both hold, and for each order that runs in a circle.

    Args:
        rules: each suits the table.
        schema: the table's columns.
    """
    found = [line for first, second in combinations(rules, 2) for line in _pair(first, second, schema)]
    return found + _circles(rules) + _crossed(rules, schema)


def _pair(first: Rule, second: Rule, schema: TableSchema) -> list[str]:
    named = f"rules {first.name} and {second.name}"
    if _exclude(first, second, schema) or _exclude(second, first, schema):
        return [f"{named}: no value meets both ({first.text}; {second.text}); drop or mend one"]
    if isinstance(first, Implies) and isinstance(second, Implies):
        same = first.when == second.when and _either(first.then, second.then, schema)
        return [f"{named}: demand what excludes each other of the same rows; drop or mend one"] if same else []
    for conditional, other in ((first, second), (second, first)):
        if isinstance(conditional, Implies) and _either(conditional.then, other, schema):
            return [f"{named}: no row may meet the condition, since {other.text}; drop or mend one"]
    return []


def _either(first: Rule, second: Rule, schema: TableSchema) -> bool:
    return _exclude(first, second, schema) or _exclude(second, first, schema)


def _exclude(first: Rule, second: Rule, schema: TableSchema) -> bool:
    """Whether no value that the first rule names meets the second."""
    if isinstance(first, NotNull) and isinstance(second, IsNull):
        return first.column == second.column
    if isinstance(first, Range) and isinstance(second, Range) and first.column == second.column:
        kind = schema[first.column].arrow_type
        low, high = (None if bound is None else as_bound(bound, kind).as_py() for bound in (first.low, second.high))
        return low is not None and high is not None and low > high
    named = _named(first, schema)
    if named is None or isinstance(second, Implies | IsNull) or not set(second.columns) <= set(named.schema.names):
        return False
    return bool(second.violations(named).all())


def _named(rule: Rule, schema: TableSchema) -> pa.RecordBatch | None:
    """The values a rule lists, as rows; None where it lists none."""
    if isinstance(rule, Allowed):
        rows: Sequence[Sequence[Any]] = [(value,) for value in rule.values]
    elif isinstance(rule, Combinations) and rule.rows is not None:
        rows = rule.rows
    else:
        return None
    columns = [schema[name] for name in rule.columns]
    arrays = [
        as_values(values, value_type(column)) for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    return pa.record_batch(arrays, names=list(rule.columns))


@dataclass(frozen=True)
class _Step:
    """One column is below another, by a rule."""

    rule: Rule
    low: str
    high: str
    strict: bool


def _steps(rules: Sequence[Rule]) -> Iterator[_Step]:
    for rule in rules:
        if isinstance(rule, Ordered):
            for low, high in zip(rule.columns, rule.columns[1:], strict=False):
                yield _Step(rule, low, high, rule.strict)
        elif isinstance(rule, Compare) and rule.op != "!=":
            if rule.op[0] in "<=":
                yield _Step(rule, rule.left, rule.right, rule.op == "<")
            if rule.op[0] in ">=":
                yield _Step(rule, rule.right, rule.left, rule.op == ">")


def _paths(steps: Sequence[_Step]) -> dict[tuple[str, str], tuple[_Step, ...]]:
    """The shortest way up from each column to each other, itself included."""
    ways: dict[tuple[str, str], tuple[_Step, ...]] = {}
    frontier: dict[tuple[str, str], tuple[_Step, ...]] = {(s.low, s.high): (s,) for s in reversed(steps)}
    while frontier:
        ways.update(frontier)
        further = {
            (low, step.high): (*way, step) for (low, at), way in frontier.items() for step in steps if at == step.low
        }
        frontier = {ends: way for ends, way in further.items() if ends not in ways}
    return ways


def _circles(rules: Sequence[Rule]) -> list[str]:
    steps = list(_steps(rules))
    ways = _paths(steps)
    apart = [rule for rule in rules if isinstance(rule, Compare) and rule.op == "!="]
    found: dict[frozenset[str], str] = {}
    for step in steps:
        home = () if step.low == step.high else ways.get((step.high, step.low))
        if step.strict and home is not None:
            _note(found, (step.rule, *(s.rule for s in home)))
    for rule in apart:
        up, down = ways.get((rule.left, rule.right)), ways.get((rule.right, rule.left))
        if up is not None and down is not None:
            _note(found, (rule, *(s.rule for s in (*up, *down))))
    return list(found.values())


def _note(found: dict[frozenset[str], str], rules: Sequence[Rule]) -> None:
    names = list(dict.fromkeys(rule.name for rule in rules))
    said = f"rules {' and '.join(names)}" if len(names) > 1 else f"rule {names[0]}"
    found.setdefault(frozenset(names), f"{said}: no row meets all of it; drop or turn a comparison")


def _crossed(rules: Sequence[Rule], schema: TableSchema) -> list[str]:
    """Orders between columns whose ranges stand the other way round."""
    ranges: Mapping[str, Range] = {rule.column: rule for rule in rules if isinstance(rule, Range)}
    found = []
    for (low, high), way in _paths(list(_steps(rules))).items():
        if low == high or low not in ranges or high not in ranges:
            continue
        floor, ceiling = ranges[low].low, ranges[high].high
        if floor is None or ceiling is None:
            continue
        least, most = (
            as_bound(floor, schema[low].arrow_type).as_py(),
            as_bound(ceiling, schema[high].arrow_type).as_py(),
        )
        if least > most:
            names = dict.fromkeys([ranges[low].name, ranges[high].name, *(step.rule.name for step in way)])
            found.append(
                f"rules {' and '.join(names)}: {low} is at least {floor} and {high} at most {ceiling}, but {high} is "
                "to be the larger; drop or mend one"
            )
    return found
