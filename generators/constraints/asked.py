"""Columns held at values, where rules have the table re-expressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.constraints.listing import Combined, agree
from generators.constraints.plan import Plan
from generators.given import held_array
from generators.invented.distinct import Numbered
from schemas.errors import InputError, noted
from schemas.joint_rules import Unique
from schemas.numeric import as_numbers
from schemas.profile import Profile
from schemas.rules import Rule
from schemas.table import TableSchema

Mask = npt.NDArray[np.bool_]

NEAR = 0.01
"""A row is moved onto a given value that so small a part of the table's rows lies between."""


class Reexpressed(Protocol):
    """What is known of a table that rules have re-expressed."""

    schema: TableSchema
    """The table's own columns."""

    profile: Profile
    """Their marginals; all rows meet the rules."""

    plan: Plan
    """How they are re-expressed."""

    rules: tuple[Rule, ...]
    """What every row meets."""

    @property
    def numbered(self) -> Mapping[str, Numbered]:
        """The columns that never repeat, by name."""
        ...

    @property
    def combined(self) -> Mapping[str, Combined]:
        """What stands for columns whose combinations are listed, by its name."""
        ...


@dataclass(frozen=True, eq=False)
class Asked:
    """What columns are held at.

    Args:
        values: by column, of its Arrow type, shape (n,) each.
        alike: whether it is the same in all rows.
    """

    values: Mapping[str, pa.Array[Any]]
    alike: bool

    @classmethod
    def of(cls, given: Mapping[str, Any], n: int, model: Reexpressed) -> Asked:
        """Check what a sampler is given.

        Raises:
            InputError: unknown columns, values that can not be held, or that break a rule; all at once.
        """
        faults: list[str] = []
        values: dict[str, pa.Array[Any]] = {}
        for name, value in given.items():
            if name not in model.schema.names:
                faults.append(f"given column={name!r}: not in the table; it has {', '.join(model.schema.names)}")
                continue
            if name in model.numbered:
                faults.append(f"{name}={value}: never repeats, so it can not be held at a value")
                continue
            with noted(faults):
                values[name] = held_array(model.schema[name], value, n)
        if not faults:
            faults = [*_outside(values, model), *_broken(values, model)]
        if faults:
            raise InputError(*faults)
        return cls(values, not any(isinstance(value, pa.Array | pa.ChunkedArray) for value in given.values()))

    def take(self, rows: npt.NDArray[np.int64]) -> Asked:
        """The same for some rows."""
        return Asked({name: array.take(rows) for name, array in self.values.items()}, self.alike)

    def same(self, name: str, drawn: pa.Array[Any]) -> Mask:
        """Where a column is what it is held at, shape (n,)."""
        return agree(drawn, self.values[name])

    def near(self, name: str, drawn: pa.Array[Any], model: Reexpressed) -> Mask:
        """Where a column is as good as what it is held at, shape (n,): hardly a row of the table lies between."""
        column, known = model.schema[name], model.profile[name]
        have, there = as_numbers(column, drawn)
        want, wanted = as_numbers(column, self.values[name])
        close = (have == want) | (np.abs(known.mass_below(have) - known.mass_below(want)) <= NEAR)
        return np.asarray(np.where(there & wanted, close, there == wanted))


def _outside(values: Mapping[str, pa.Array[Any]], model: Reexpressed) -> list[str]:
    """Values of re-expressed columns that lie beyond the table's."""
    faults = []
    for name in values.keys() & model.plan.distances.keys():
        knots = model.profile[name].knots
        numbers, present = as_numbers(model.schema[name], values[name])
        off = present & ~((knots[0] <= numbers) & (numbers <= knots[-1])) if knots else present
        if off.any():
            value = values[name][int(off.argmax())].as_py()
            within = f" from {knots[0]:g} to {knots[-1]:g}" if knots else ""
            faults.append(f"{name}={value}: never drawn; choose a value of the column{within}")
    return faults


def _broken(values: Mapping[str, pa.Array[Any]], model: Reexpressed) -> list[str]:
    """Rules that what is held breaks, whatever the other columns are."""
    faults = []
    for rule in model.rules:
        if isinstance(rule, Unique) or not set(rule.columns) <= values.keys():
            continue
        batch = pa.record_batch([values[name] for name in rule.columns], names=list(rule.columns))
        off = rule.violations(batch)
        if off.any():
            row = int(off.argmax())
            said = ", ".join(f"{name}={values[name][row].as_py()}" for name in rule.columns)
            faults.append(f"given {said}: breaks rule {rule.name} ({rule.text}); hold other values")
    return faults


@dataclass(frozen=True, eq=False)
class Translation:
    """What is held, for the generator of re-expressed rows.

    Args:
        given: by its column the values, shape (n,) each.
        loose: columns of the table that can not be held there; rows are drawn until they have what is asked.
    """

    given: Mapping[str, pa.Array[Any]]
    loose: set[str]


def translated(asked: Asked, u: npt.NDArray[np.float64], model: Reexpressed) -> Translation:
    """Say to a generator of re-expressed rows what the table's columns are held at.

    A combination of which a part is held beside other columns is waited for, so that these tell on the rest of it; with
    values of their own in every row, it is drawn without regard to them, since some rows might wait for ever.

    Args:
        asked: the table's columns.
        u: in [0, 1), draws combinations where a part of them is held, shape (n,).
        model: knows how they are re-expressed.

    Raises:
        InputError: a combination that is never drawn.
    """
    plan = model.plan
    touched = {plan.listed[name].name for name in asked.values if name in plan.listed}
    plain = {n: array for n, array in asked.values.items() if n not in plan.listed and n not in plan.distances}
    given, loose = dict(plain), set[str]()
    for name in touched:
        one = model.combined[name]
        members = {c.name for c in one.listing.columns}
        mine = {n: array for n, array in asked.values.items() if n in members}
        if len(mine) == len(members) or len(mine) == len(asked.values) or not asked.alike:
            given[name] = one.column(one.held(mine, u))
        else:
            loose |= mine.keys()
    distances, far = _distances(asked, model)
    return Translation({**given, **distances}, loose | far)


def _distances(asked: Asked, model: Reexpressed) -> tuple[dict[str, pa.Array[Any]], set[str]]:
    """The distances that follow from what is held, by their names; and the columns whose distances do not."""
    plan, arrays = model.plan, dict(asked.values)
    levels: dict[str, Any] = {}
    given: dict[str, pa.Array[Any]] = {}
    followed, loose = set[str](), set[str]()
    for offset in plan.offsets:
        name = offset.column.name
        if name not in arrays:
            continue
        known = all(
            parent.name in followed
            or (parent.name in arrays and (parent.name not in plan.distances or not arrays[parent.name].null_count))
            for parent in offset.parents
        )
        if known:
            plan.ready(offset, arrays, levels)
            given[offset.name] = offset.forward(arrays, levels)
            followed.add(name)
        elif arrays[name].null_count == len(arrays[name]):
            given[offset.name] = pa.array([None] * len(arrays[name]), offset.distance.arrow_type)
        else:
            loose.add(name)
    return given, loose
