"""Which columns of a table its rules have re-expressed, and how: a function of schema and rules alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from generators.constraints.listing import Combined, Listing
from generators.constraints.offset import Offset
from generators.constraints.units import Mask, Units, units_of
from schemas.errors import InputError
from schemas.joint_rules import Combinations, Compare, Formula, Ordered, Unique
from schemas.numeric import NUMERIC_KINDS
from schemas.profile import Profile
from schemas.rules import Allowed, IsNull, Matches, NotNull, Rule
from schemas.table import Column, Kind, Role, TableSchema

Arrays = dict[str, "pa.Array[Any]"]

COPIED = frozenset({Kind.CATEGORY, Kind.BOOLEAN})
"""Columns of these kinds that are to be equal become one."""


@dataclass(frozen=True)
class Plan:
    """How a table is re-expressed.

    Args:
        table: its columns.
        listings: columns that become one category.
        offsets: columns that become distances, each behind its parents.
        numbered: columns that never repeat.
    """

    table: TableSchema
    listings: tuple[Listing, ...] = ()
    offsets: tuple[Offset, ...] = ()
    numbered: tuple[str, ...] = ()

    @cached_property
    def listed(self) -> Mapping[str, Listing]:
        """By column the listing it is in."""
        return {column.name: listing for listing in self.listings for column in listing.columns}

    @cached_property
    def distances(self) -> Mapping[str, Offset]:
        """By column its offset."""
        return {offset.column.name: offset for offset in self.offsets}

    @cached_property
    def schema(self) -> TableSchema:
        """The columns that a generator is fitted on."""
        columns: dict[str, Column] = {}
        for column in self.table:
            if column.name in self.listed:
                column = _one(self.listed[column.name])  # noqa: PLW2901
            elif column.name in self.distances:
                column = self.distances[column.name].distance  # noqa: PLW2901
            elif column.name in self.numbered:
                column = replace(column, role=Role.KEY, public=False)  # noqa: PLW2901
            columns.setdefault(column.name, column)
        return replace(self.table, columns=tuple(columns.values()), wire=None)

    def forward(self, table: pa.Table) -> pa.Table:
        """Re-express rows, none of which breaks a rule."""
        arrays: Arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
        levels: dict[str, tuple[Units, Mask]] = {}
        found: Arrays = {}
        for offset in self.offsets:
            self.ready(offset, arrays, levels)
            found[offset.name] = offset.forward(arrays, levels)
        for listing in self.listings:
            found[listing.name] = listing.texts([arrays[column.name] for column in listing.columns])
        columns = [found[c.name] if c.name in found else arrays[c.name] for c in self.schema]
        return pa.table(columns, schema=self.schema.arrow_schema)

    def tells(self, rule: Rule) -> bool:
        """Whether a rule is what columns are told from each other by."""
        if isinstance(rule, Formula):
            return rule.column in self.distances and self.distances[rule.column].formula == rule
        steps = list(_steps([rule]))
        below = {(p.name, o.column.name) for o in self.offsets if o.formula is None for p in o.parents}
        return bool(steps) and set(steps) <= below

    def combined(self, profile: Profile) -> dict[str, Combined]:
        """By name the listings with what is drawn of them.

        Args:
            profile: of the columns of `schema`.
        """
        return {
            one.name: Combined(one, profile[one.name].values, np.array(profile[one.name].shares))
            for one in self.listings
        }

    def ready(self, offset: Offset, arrays: Arrays, levels: dict[str, tuple[Units, Mask]]) -> None:
        """Note the levels of an offset's parents where that was not done yet."""
        for parent in offset.parents:
            if offset.formula is None and parent.name not in levels:
                levels[parent.name] = units_of(parent, arrays[parent.name])


def _one(listing: Listing) -> Column:
    role = Role.TARGET if any(c.role is Role.TARGET for c in listing.columns) else Role.ATTRIBUTE
    return Column(listing.name, Kind.CATEGORY, role=role, public=all(c.public for c in listing.columns))


def plan_of(schema: TableSchema, rules: Sequence[Rule]) -> Plan:
    """Settle how a table is re-expressed.

    Args:
        schema: the table's columns.
        rules: each suits them.

    Raises:
        InputError: rules that no drawn value could be held to.
    """
    numbered = _numbered(schema, rules)
    _check_fresh(schema, rules, numbered)
    listings = _listings(schema, rules)
    taken = {column.name for listing in listings for column in listing.columns} | set(numbered)
    offsets = _offsets(schema, rules, taken)
    return Plan(schema, listings, offsets, numbered)


def _fresh(schema: TableSchema) -> list[str]:
    """The columns whose values are keys of the stream."""
    return [column.name for column in schema if column.role is Role.KEY and column.is_surrogate]


def _numbered(schema: TableSchema, rules: Sequence[Rule]) -> tuple[str, ...]:
    """The columns that never repeat, beside the keys: one for each unique rule that has no key."""
    found: list[str] = []
    faults = []
    for rule in rules:
        if not isinstance(rule, Unique) or {*_fresh(schema), *found} & set(rule.columns):
            continue
        able = [
            c for c in map(schema.__getitem__, rule.columns) if c.kind in (Kind.TEXT, Kind.INTEGER) and not c.public
        ]
        able.sort(key=lambda column: not column.is_surrogate)
        if able:
            found.append(able[0].name)
        else:
            kinds = ", ".join(f"{schema[name].kind} {name}" for name in rule.columns)
            faults.append(
                f"rule {rule.name}: values of {kinds} come again in a stream without end; name a column of integers or "
                "of text (not public), or the table's key (--key)"
            )
    if faults:
        raise InputError(*faults)
    return tuple(found)


def _check_fresh(schema: TableSchema, rules: Sequence[Rule], numbered: Sequence[str]) -> None:
    """Refuse rules on the values of columns that are fresh in every record."""
    fresh = {*_fresh(schema), *numbered}
    faults = []
    for rule in rules:
        if isinstance(rule, Unique | NotNull) or (isinstance(rule, Matches | IsNull) and rule.column in numbered):
            continue
        hit = [name for name in rule.columns if name in fresh]
        if hit:
            faults.append(
                f"rule {rule.name}: {hit[0]} has a fresh value in every record, whatever the rule says; leave the rule "
                "out here, or the column out of it"
            )
    if faults:
        raise InputError(*faults)


def _listings(schema: TableSchema, rules: Sequence[Rule]) -> tuple[Listing, ...]:
    groups: list[set[str]] = []
    for columns in _tied(schema, rules):
        apart = [group for group in groups if not group & columns]
        groups = [*apart, columns.union(*(group for group in groups if group & columns))]
    found = []
    for group in groups:
        columns_of = tuple(column for column in schema if column.name in group)
        name = " + ".join(column.name for column in columns_of)
        found.append(Listing(columns_of, _unused(f"{name} (listed)" if len(columns_of) == 1 else name, schema)))
    return tuple(sorted(found, key=lambda listing: schema.names.index(listing.columns[0].name)))


def _tied(schema: TableSchema, rules: Sequence[Rule]) -> Iterator[set[str]]:
    """Columns that have to become one category."""
    for rule in rules:
        alike = isinstance(rule, Compare) and rule.op == "==" and all(schema[n].kind in COPIED for n in rule.columns)
        text = isinstance(rule, Allowed) and schema[rule.column].is_surrogate
        if isinstance(rule, Combinations) or alike or text:
            yield set(rule.columns)


def _unused(name: str, schema: TableSchema) -> str:
    while name in schema.names:
        name += "'"
    return name


def _offsets(schema: TableSchema, rules: Sequence[Rule], taken: set[str]) -> tuple[Offset, ...]:
    """The columns that become distances: those of formulas first, then those that others are below."""
    able = {c.name for c in schema if c.kind in NUMERIC_KINDS and not c.is_surrogate and c.name not in taken}
    formulas: dict[str, Formula] = {}
    below: dict[str, list[str]] = {}
    for rule in rules:
        if isinstance(rule, Formula) and rule.column in able and _goes(rule.column, rule.inputs, below):
            formulas[rule.column], below[rule.column] = rule, list(rule.inputs)
    for low, high in _steps(rules):
        usable = {low, high} <= {c.name for c in schema if c.kind in NUMERIC_KINDS and c.role is not Role.KEY}
        if usable and high in able and high not in formulas and _goes(high, (low,), below):
            below.setdefault(high, []).append(low)
    found: dict[str, Offset] = {}

    def place(name: str) -> None:
        for parent in below[name]:
            if parent in below and parent not in found:
                place(parent)
        parents = tuple(schema[parent] for parent in dict.fromkeys(below[name]))
        said = formulas[name].expression if name in formulas else ", ".join(parent.name for parent in parents)
        found[name] = Offset(schema[name], _unused(f"{name} - ({said})", schema), parents, formulas.get(name))

    for column in schema:
        if column.name in below and column.name not in found:
            place(column.name)
    return tuple(found.values())


def _goes(column: str, parents: Sequence[str], below: Mapping[str, Sequence[str]]) -> bool:
    """Whether a column can be told from others without going round in a circle."""
    seen, ahead = set(), list(parents)
    while ahead:
        name = ahead.pop()
        if name == column:
            return False
        if name not in seen:
            seen.add(name)
            ahead += below.get(name, [])
    return bool(parents)


def _steps(rules: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    """The pairs of columns of which one is never above the other, the lower first."""
    for rule in rules:
        if isinstance(rule, Ordered):
            yield from pairwise(rule.columns)
        elif isinstance(rule, Compare) and rule.op in ("<", "<=", "=="):
            yield rule.left, rule.right
        elif isinstance(rule, Compare) and rule.op in (">", ">="):
            yield rule.right, rule.left
