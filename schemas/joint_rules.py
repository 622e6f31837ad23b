"""Constraints over several columns; see `schemas.rules`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError
from schemas.expression import Expression, Values
from schemas.rules import Mask
from schemas.values import Scalar, as_values, codes_of, decoded, doubles_of, mask_of, places_in, plain

COMPARISONS: Mapping[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "<": ("below", pc.less),
    "<=": ("at most", pc.less_equal),
    ">": ("above", pc.greater),
    ">=": ("at least", pc.greater_equal),
    "==": ("equal to", pc.equal),
    "!=": ("different from", pc.not_equal),
}
"""The comparisons of two columns, in words and as functions of arrays."""


ROUNDING = 2.0**-50
"""What arithmetic in doubles may lose, as a part of the largest number in it."""


@dataclass(frozen=True)
class Compare:
    """Two columns of a row stand in an order.

    Args:
        left: a column.
        op: one of `COMPARISONS`.
        right: another column of the same kind.
    """

    left: str
    op: str
    right: str

    KIND: ClassVar[str] = "compare"

    def __post_init__(self) -> None:
        if self.op not in COMPARISONS:
            raise InputError(f"{self.name}: op={self.op!r}: expected one of {' '.join(COMPARISONS)}")

    @property
    def name(self) -> str:
        """A stable name: the kind and the comparison."""
        return f"{self.KIND}:{self.left}{self.op}{self.right}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule reads."""
        return (self.left, self.right)

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{self.left} is {COMPARISONS[self.op][0]} {self.right}"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        left, right = (decoded(batch.column(name)) for name in self.columns)
        return mask_of(pc.invert(COMPARISONS[self.op][1](left, right)))


@dataclass(frozen=True)
class Ordered:
    """Columns of a row rise from each to the next; what is missing is passed over.

    Args:
        columns: two or more of one kind, the lowest first.
        strict: whether no two may be equal.

    >>> batch = pa.record_batch({"a": [1, 1, 3], "b": [2, None, 1], "c": [2, 0, 4]})
    >>> Ordered(("a", "b", "c")).violations(batch).tolist()
    [False, True, True]
    """

    columns: tuple[str, ...]
    strict: bool = False

    KIND: ClassVar[str] = "ordered"

    def __post_init__(self) -> None:
        if len(set(self.columns)) < 2 or len(set(self.columns)) < len(self.columns):
            raise InputError(f"{self.name}: columns={list(self.columns)}: expected two different columns or more")

    @property
    def op(self) -> str:
        """The comparison of a column with a later one."""
        return "<" if self.strict else "<="

    @property
    def name(self) -> str:
        """A stable name: the kind and the columns."""
        return f"{self.KIND}:{self.op.join(self.columns)}"

    @property
    def text(self) -> str:
        """The rule in words."""
        return f" {self.op} ".join(self.columns)

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        columns = [decoded(batch.column(name)) for name in self.columns]
        if len({column.type for column in columns}) > 1:
            columns = [column.cast(pa.float64()) for column in columns]
        latest, broken = columns[0], np.zeros(batch.num_rows, np.bool_)
        for column in columns[1:]:
            broken |= mask_of(pc.invert(COMPARISONS[self.op][1](latest, column)))
            latest = pc.coalesce(column, latest)
        return broken


@dataclass(frozen=True)
class Combinations:
    """The values of some columns go together in fixed ways.

    Args:
        columns: two or more.
        rows: the combinations allowed, a value for each column; None for those of a table, which training takes from it
            (`generators.constraints.rows.ruled`): until then the rule judges nothing.

    >>> rule = Combinations(("city", "state"), (("Austin", "TX"), ("Boston", "MA")))
    >>> rule.violations(pa.record_batch({"city": ["Austin", "Austin", None], "state": ["TX", "MA", "MA"]})).tolist()
    [False, True, False]
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...] | None = None

    KIND: ClassVar[str] = "combinations"

    def __post_init__(self) -> None:
        if len(set(self.columns)) < 2 or len(set(self.columns)) < len(self.columns):
            raise InputError(f"{self.name}: columns={list(self.columns)}: expected two different columns or more")
        if self.rows is not None and not self.rows:
            raise InputError(
                f"{self.name}: rows=[]: allows nothing; list combinations allowed, or leave rows out for the table's"
            )
        for row in self.rows or ():
            if len(row) != len(self.columns):
                raise InputError(
                    f"{self.name}: row {list(row)}: expected a value for each of {len(self.columns)} columns"
                )

    @property
    def name(self) -> str:
        """A stable name: the kind and the columns."""
        return f"{self.KIND}:{','.join(self.columns)}"

    @property
    def text(self) -> str:
        """The rule in words."""
        which = "those of the table" if self.rows is None else f"{len(self.rows)} combinations"
        return f"{', '.join(self.columns)} are one of {which}"

    @property
    def listed(self) -> tuple[tuple[Scalar, ...], ...]:
        """The combinations allowed.

        Raises:
            InputError: they are a table's, and were not taken from it.
        """
        if self.rows is None:
            raise InputError(f"rule {self.name}: has no rows, and there is no table to take them from; list them")
        return self.rows

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,).

        Raises:
            InputError: as `listed`.
        """
        seen, allowed = np.zeros(batch.num_rows, np.int64), np.zeros(len(self.listed), np.int64)
        present = np.ones(batch.num_rows, np.bool_)
        for name, values in zip(self.columns, zip(*self.listed, strict=True), strict=True):
            column = batch.column(name)
            known = as_values(values, plain(column).type)
            base = len(values) + 1  # place 0: a value that no combination has
            places = np.concatenate([places_in(column, known), places_in(known, known)]) + 1
            # Renumbered after every column, so that the numbers never outgrow 64 bits.
            numbers = np.unique(np.concatenate([seen, allowed]) * base + places, return_inverse=True)[1]
            seen, allowed = numbers[: batch.num_rows], numbers[batch.num_rows :]
            present &= mask_of(column.is_valid())
        return present & ~np.isin(seen, allowed)


@dataclass(frozen=True)
class Formula:
    """A column equals a formula over others.

    Args:
        column: numbers, dates (days) or timestamps (seconds).
        expression: see `schemas.expression.Expression`.
        tolerance: how far from the formula is still equal.

    What doubles lose in the arithmetic, four units in the last place of the largest number in it, is no difference:
    .1 + .2 is .3.

    >>> rule = Formula("minutes", "60 * hour + minute")
    >>> rule.violations(pa.record_batch({"minutes": [61, 9], "hour": [1, 0], "minute": [1, 8]})).tolist()
    [False, True]
    """

    column: str
    expression: str
    tolerance: float = 0.0

    KIND: ClassVar[str] = "formula"

    def __post_init__(self) -> None:
        if not (isfinite(self.tolerance) and self.tolerance >= 0):
            raise InputError(f"{self.KIND}:{self.column}: tolerance={self.tolerance}: must be at least 0")
        try:
            Expression(self.expression)
        except InputError as error:
            raise InputError(*(f"{self.name}: {fault}" for fault in error.faults)) from None

    @cached_property
    def _parsed(self) -> Expression:
        return Expression(self.expression)

    @property
    def name(self) -> str:
        """A stable name: the kind and the column."""
        return f"{self.KIND}:{self.column}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of the formula."""
        return self._parsed.columns

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule reads."""
        return tuple(dict.fromkeys((self.column, *self.inputs)))

    def expected(self, values: Mapping[str, Values]) -> Values:
        """What the formula says the column is, as doubles, shape (rows,).

        Args:
            values: as doubles, shape (rows,), for each of `inputs`.
        """
        return self._parsed.evaluate(values)

    @property
    def text(self) -> str:
        """The rule in words."""
        within = f", give or take {self.tolerance:g}" if self.tolerance else ""
        return f"{self.column} is {self.expression}{within}"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        read = {name: doubles_of(batch.column(name)) for name in self.columns}
        present = np.logical_and.reduce([there for _, there in read.values()])
        values = {name: numbers for name, (numbers, _) in read.items()}
        wanted = np.broadcast_to(self.expected(values), (batch.num_rows,))
        with np.errstate(invalid="ignore"):
            lost = ROUNDING * np.maximum.reduce([np.abs(wanted), *map(np.abs, values.values())])
            equal = np.isfinite(wanted) & (np.abs(values[self.column] - wanted) <= self.tolerance + lost)
        broken: Mask = present & ~equal
        return broken


@dataclass(frozen=True)
class Unique:
    """No two rows of a batch agree in some columns; the first of those that do is fine.

    Args:
        columns: one or more.
    """

    columns: tuple[str, ...]

    KIND: ClassVar[str] = "unique"

    def __post_init__(self) -> None:
        if not self.columns:
            raise InputError(f"{self.KIND}: columns=[]: name at least one column")

    @property
    def name(self) -> str:
        """A stable name: the kind and the columns."""
        return f"{self.KIND}:{','.join(self.columns)}"

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{', '.join(self.columns)} never repeats"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        codes, present = codes_of([batch.column(name) for name in self.columns])
        rows = np.flatnonzero(present)
        broken = present.copy()
        broken[rows[np.unique(codes[rows], return_index=True)[1]]] = False
        return broken
