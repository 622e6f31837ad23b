"""Rules as a stream's file has them, and whether a table can be held to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from difflib import get_close_matches
from typing import Any

from schemas.errors import InputError
from schemas.joint_rules import Combinations, Compare, Formula, Unique
from schemas.numeric import NUMERIC_KINDS
from schemas.rules import Allowed, Matches, NotNull, Range, Rule
from schemas.table import Column, Kind, TableSchema
from schemas.values import as_bound, as_values

RULES: Mapping[str, type[Any]] = {
    rule.KIND: rule for rule in (Range, Allowed, NotNull, Compare, Combinations, Formula, Matches, Unique)
}
"""Every rule by the word that names it."""

TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("column", "left", "op", "right", "expression", "pattern"), (str,)),
    **dict.fromkeys(("values", "columns", "rows"), (list, tuple)),
    "tolerance": (int, float),
}
"""What the keys of a rule's form hold; bounds may be anything."""


def parse(form: Mapping[str, Any]) -> Rule:
    """A rule from its form.

    Args:
        form: "rule" names it, the other keys are its arguments.

    Raises:
        InputError: every fault of the form.

    >>> parse({"rule": "range", "column": "age", "low": 0}).text
    'age is at least 0'
    """
    kind = form.get("rule") if isinstance(form, Mapping) else None
    if not isinstance(kind, str) or kind not in RULES:
        raise InputError(f"rule={kind!r}: {_nearest(str(kind), RULES)}; known are {', '.join(RULES)}")
    rule = RULES[kind]
    given = {key: value for key, value in form.items() if key != "rule"}
    known = {f.name: f.default is MISSING for f in fields(rule)}
    faults = [
        f"{key}={given[key]!r}: {_nearest(key, known)}; it has {', '.join(known)}" for key in given.keys() - known
    ]
    faults += [f"{key}: is missing" for key, needed in known.items() if needed and key not in given]
    faults += [
        f"{key}={value!r}: expected {' or '.join(t.__name__ for t in TYPES[key][:1])}"
        for key, value in given.items()
        if key in TYPES and (not isinstance(value, TYPES[key]) or isinstance(value, bool))
    ]
    if faults:
        raise InputError(*(f"{kind}.{fault}" for fault in sorted(faults)))
    made: Rule = rule(**{key: _frozen(value) for key, value in given.items()})
    return made


def form_of(rule: Rule) -> dict[str, Any]:
    """The form that `parse` reads back to an equal rule."""
    given: dict[str, Any] = asdict(rule)  # type: ignore[call-overload]
    return {"rule": rule.KIND, **{key: _thawed(value) for key, value in given.items() if value is not None}}


def check_columns(rules: Sequence[Rule], schema: TableSchema) -> None:
    """Refuse rules that a table can not be held to.

    Raises:
        InputError: every unknown column, every kind that does not suit, every rule given twice.
    """
    names = [rule.name for rule in rules]
    faults = [f"rule {name}: is given twice; drop one" for name in sorted({n for n in names if names.count(n) > 1})]
    for rule in rules:
        unknown = [name for name in rule.columns if name not in schema.names]
        faults += [f"rule {rule.name}: column {name!r}: {_nearest(name, schema.names)}" for name in unknown]
        if not unknown:
            faults += [f"rule {rule.name}: {fault}" for fault in _unsuitable(rule, schema)]
    if faults:
        raise InputError(*faults)


def _unsuitable(rule: Rule, schema: TableSchema) -> list[str]:
    columns = [schema[name] for name in rule.columns]
    try:
        match rule:
            case Range():
                for bound in (rule.low, rule.high):
                    if bound is not None:
                        as_bound(bound, columns[0].arrow_type)
                return _not_among(columns, NUMERIC_KINDS)
            case Allowed():
                as_values(rule.values, _value_type(columns[0]))
            case Combinations():
                for column, values in zip(columns, zip(*rule.rows, strict=True), strict=True):
                    as_values(values, _value_type(column))
            case Compare():
                return _not_alike(columns[0], columns[1])
            case Formula():
                return _not_among(columns, NUMERIC_KINDS | {Kind.BOOLEAN})
            case Matches():
                return _not_among(columns, {Kind.CATEGORY, Kind.TEXT})
    except InputError as error:
        return list(error.faults)
    return []


def _value_type(column: Column) -> Any:
    return column.arrow_type.value_type if column.kind is Kind.CATEGORY else column.arrow_type  # type: ignore[attr-defined]


def _not_among(columns: Sequence[Column], kinds: set[Kind] | frozenset[Kind]) -> list[str]:
    wanted = ", ".join(sorted(kind.value for kind in kinds))
    return [f"column {c.name!r} is {c.kind.value}; expected {wanted}" for c in columns if c.kind not in kinds]


def _not_alike(left: Column, right: Column) -> list[str]:
    families = ({Kind.INTEGER, Kind.NUMBER}, {Kind.CATEGORY, Kind.TEXT}, {Kind.BOOLEAN}, {Kind.DATE}, {Kind.TIMESTAMP})
    alike = any({left.kind, right.kind} <= family for family in families) and left.timezone == right.timezone
    if alike:
        return []
    return [f"{left.name!r} is {left.kind.value}, {right.name!r} is {right.kind.value}; they can not be compared"]


def _nearest(name: str, known: Any) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"not known, did you mean {near[0]!r}?" if near else "not known"


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return list(map(_thawed, value)) if isinstance(value, tuple) else value
