"""Rules as a stream's file has them, and whether a table can be held to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import date
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from schemas.conditional_rules import Implies, Predicate
from schemas.errors import InputError
from schemas.joint_rules import Combinations, Compare, Formula, Ordered, Unique
from schemas.numeric import NUMERIC_KINDS
from schemas.rules import Allowed, IsNull, Matches, NotNull, Range, Rule
from schemas.table import Column, Kind, TableSchema
from schemas.values import as_bound, as_values

RULES: Mapping[str, type[Any]] = {
    rule.KIND: rule
    for rule in (
        Range,
        Allowed,
        NotNull,
        IsNull,
        Compare,
        Ordered,
        Combinations,
        Formula,
        Matches,
        Unique,
        Implies,
        Predicate,
    )
}
"""Every rule by the word that names it."""

TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("column", "left", "op", "right", "expression", "pattern"), (str,)),
    **dict.fromkeys(("values", "columns", "rows"), (list, tuple)),
    **dict.fromkeys(("if", "then"), (dict, Mapping)),
    "tolerance": (int, float),
    "strict": (bool,),
}
"""What the keys of a rule's form hold; bounds may be anything."""

KINDS: Mapping[str, frozenset[Kind]] = {
    Range.KIND: NUMERIC_KINDS,
    **dict.fromkeys((Formula.KIND, Predicate.KIND), NUMERIC_KINDS | {Kind.BOOLEAN}),
    Matches.KIND: frozenset({Kind.CATEGORY, Kind.TEXT}),
}
"""The kinds of columns that rules read, where not all."""

WRITTEN: Mapping[str, str] = {"when": "if"}
"""How the arguments of rules are written in forms, where not by their own name."""

HARD = "hard"
"""The key of a rule's form that has the quarantine hold records to it."""

TOLERATED = "tolerated"
"""The key of a rule's form that says which share of records may break it."""


def rules_of(forms: Any) -> tuple[Rule, ...]:
    """Rules as a stream's file lists them; which are hard, and what is tolerated, is passed over.

    Raises:
        InputError: every fault of every form, by its place in the list.
    """
    faults: list[str] = []
    found: list[Rule] = []
    for i, form in enumerate(forms if isinstance(forms, list | tuple) else []):
        hard = form.get(HARD, False) if isinstance(form, Mapping) else False
        if not isinstance(hard, bool):
            faults.append(f"rules.{i}: hard={hard!r}: expected true or false")
        faults += [f"rules.{i}: {fault}" for fault in _faults_of_tolerance(form)]
        try:
            found.append(parse(without_terms(form)))
            if found[-1].KIND == Unique.KIND and hard:
                faults.append(f"rules.{i}: hard: a unique rule judges records by others; expected a rule on one record")
        except InputError as error:
            faults += [f"rules.{i}: {fault}" for fault in error.faults]
    if faults:
        raise InputError(*faults)
    return tuple(found)


def without_terms(form: Any) -> Any:
    """A rule's form without the words on how strictly it is meant."""
    terms = (HARD, TOLERATED)
    return {key: value for key, value in form.items() if key not in terms} if isinstance(form, Mapping) else form


def _faults_of_tolerance(form: Any) -> list[str]:
    if not isinstance(form, Mapping) or TOLERATED not in form:
        return []
    share = form[TOLERATED]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        return [f"tolerated={share!r}: expected a share of records between 0 and 1, as in 0.0001"]
    if form.get(HARD):
        return ["tolerated: a hard rule tolerates nothing; drop one of the two"]
    return []


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
    known = {WRITTEN.get(f.name, f.name): f.default is MISSING for f in fields(rule)}
    faults = [
        f"{key}={given[key]!r}: {_nearest(key, known)}; it has {', '.join(known)}" for key in given.keys() - known
    ]
    faults += [f"{key}: is missing" for key, needed in known.items() if needed and key not in given]
    faults += [
        f"{key}={value!r}: expected {' or '.join(t.__name__ for t in TYPES[key][:1])}"
        for key, value in given.items()
        if key in TYPES and (not isinstance(value, TYPES[key]) or (isinstance(value, bool) and bool not in TYPES[key]))
    ]
    if faults:
        raise InputError(*(f"{kind}.{fault}" for fault in sorted(faults)))
    names = {WRITTEN.get(f.name, f.name): f.name for f in fields(rule)}
    made: Rule = rule(**{names[key]: _argument(kind, key, value) for key, value in given.items()})
    return made


def _argument(kind: str, key: str, value: Any) -> Any:
    """An argument as a rule takes it: lists frozen, forms of rules read."""
    if not isinstance(value, Mapping):
        return written(value)
    try:
        return parse(value)
    except InputError as error:
        raise InputError(*(f"{kind}.{key}: {fault}" for fault in error.faults)) from None


def form_of(rule: Rule) -> dict[str, Any]:
    """The form that `parse` reads back to an equal rule."""
    given = {f.name: getattr(rule, f.name) for f in fields(rule)}  # type: ignore[arg-type]
    return {
        "rule": rule.KIND,
        **{WRITTEN.get(key, key): _thawed(value) for key, value in given.items() if value is not None},
    }


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
    if isinstance(rule, Implies):
        return [fault for part in (rule.when, rule.then) for fault in _unsuitable(part, schema)]
    columns = [schema[name] for name in rule.columns]
    try:
        _read_values(rule, columns)
    except InputError as error:
        return list(error.faults)
    if isinstance(rule, Compare | Ordered):
        return [fault for left, right in pairwise(columns) for fault in _not_alike(left, right)]
    return _not_among(columns, KINDS[rule.KIND]) if rule.KIND in KINDS else []


def _read_values(rule: Rule, columns: Sequence[Column]) -> None:
    """Read the values a rule names as its columns hold them.

    Raises:
        InputError: a column can not hold one, or not be compared with it.
    """
    match rule:
        case Range():
            for bound in (rule.low, rule.high):
                if bound is not None:
                    as_bound(bound, columns[0].arrow_type)
        case Allowed():
            as_values(rule.values, value_type(columns[0]))
        case Combinations() if rule.rows is not None:
            for column, values in zip(columns, zip(*rule.rows, strict=True), strict=True):
                as_values(values, value_type(column))


def value_type(column: Column) -> Any:
    """The Arrow type of a column's values, without a dictionary."""
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


def written(value: Any) -> Any:
    """A value of a rule, or many, as forms have them: lists frozen, dates as JSON has them."""
    if isinstance(value, list | tuple):
        return tuple(map(written, value))
    return value.isoformat() if isinstance(value, date) else value


def _thawed(value: Any) -> Any:
    if hasattr(value, "KIND"):
        return form_of(value)
    return list(map(_thawed, value)) if isinstance(value, tuple) else value
