"""Constraints as named predicates: what every record of a table should satisfy, a column at a time.

`schemas.joint_rules` has those over several columns.

A null satisfies every rule but `NotNull`, which forbids it. A rule refuses at once what could never be meant; whether
a table can be held to it is said by `schemas.rule_forms.check_columns`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError
from schemas.values import Scalar, as_bound, as_values, mask_of, plain, spread

Mask = npt.NDArray[np.bool_]


class Rule(Protocol):
    """What every rule offers; each is a frozen dataclass."""

    KIND: ClassVar[str]
    """The word that names the rule in a stream's file."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule reads."""
        ...

    @property
    def name(self) -> str:
        """A stable name: the kind and the columns."""
        ...

    @property
    def text(self) -> str:
        """The rule in words."""
        ...

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,).

        Args:
            batch: has the rule's columns; others are not looked at.
        """
        ...


class OneColumn:
    """A rule on a single column."""

    KIND: ClassVar[str]
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule reads."""
        return (self.column,)

    @property
    def name(self) -> str:
        """A stable name: the kind and the column."""
        return f"{self.KIND}:{self.column}"


@dataclass(frozen=True)
class Range(OneColumn):
    """Values lie between two bounds, both included; either may be absent.

    Args:
        column: numbers, dates or timestamps.
        low: the smallest value allowed; dates as dates or ISO 8601 text.
        high: the largest value allowed.

    >>> Range("x", 0, 9).violations(pa.record_batch({"x": [-1, 0, 9, 10, None]})).tolist()
    [True, False, False, True, False]
    """

    column: str
    low: Scalar | None = None
    high: Scalar | None = None

    KIND: ClassVar[str] = "range"

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise InputError(f"{self.name}: has neither low nor high; give one of them or both")
        for bound in (self.low, self.high):
            if isinstance(bound, float) and not isfinite(bound):
                raise InputError(f"{self.name}: {bound} is no bound; leave it out")
        if self.low is not None and self.high is not None:
            self._check_order(self.low, self.high)

    def _check_order(self, low: Any, high: Any) -> None:
        try:
            crossed = low > high
        except TypeError:
            raise InputError(f"{self.name}: low={low!r} and high={high!r} can not be compared") from None
        if crossed:
            raise InputError(f"{self.name}: low={low!r} is above high={high!r}; swap them")

    @property
    def text(self) -> str:
        """The rule in words."""
        if self.low is None:
            return f"{self.column} is at most {self.high}"
        if self.high is None:
            return f"{self.column} is at least {self.low}"
        return f"{self.column} is between {self.low} and {self.high}"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        column = batch.column(self.column)
        broken = np.zeros(batch.num_rows, np.bool_)
        if self.low is not None:
            broken |= mask_of(pc.less(column, as_bound(self.low, column.type)))
        if self.high is not None:
            broken |= mask_of(pc.greater(column, as_bound(self.high, column.type)))
        return broken


@dataclass(frozen=True)
class Allowed(OneColumn):
    """Values are among those listed.

    Args:
        column: of any kind.
        values: at least one.
    """

    column: str
    values: tuple[Scalar, ...]

    KIND: ClassVar[str] = "allowed"

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError(f"{self.name}: values=[]: allows nothing; list the values allowed")

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{self.column} is one of {_listed(self.values)}"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        column = batch.column(self.column)
        values = plain(column)
        return spread(column, ~mask_of(pc.is_in(values, value_set=as_values(self.values, values.type))))


@dataclass(frozen=True)
class NotNull(OneColumn):
    """Values are present.

    Args:
        column: of any kind.
    """

    column: str

    KIND: ClassVar[str] = "not_null"

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{self.column} is never missing"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        return mask_of(batch.column(self.column).is_null())


@dataclass(frozen=True)
class IsNull(OneColumn):
    """Values are missing: what a conditional rule demands or asks.

    Args:
        column: of any kind.
    """

    column: str

    KIND: ClassVar[str] = "is_null"

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{self.column} is missing"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        return mask_of(batch.column(self.column).is_valid())


@dataclass(frozen=True)
class Matches(OneColumn):
    """Whole values match a regular expression.

    Args:
        column: strings.
        pattern: in RE2's syntax, as Arrow has it.
    """

    column: str
    pattern: str

    KIND: ClassVar[str] = "matches"

    def __post_init__(self) -> None:
        try:
            pc.match_substring_regex(pa.array([""]), self._whole)
        except pa.ArrowInvalid as error:
            raise InputError(f"{self.name}: pattern={self.pattern!r}: {error}; expected RE2 syntax") from None

    @property
    def _whole(self) -> str:
        return f"^(?:{self.pattern})$"

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{self.column} matches {self.pattern}"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        column = batch.column(self.column)
        values: Any = plain(column)
        return spread(column, ~mask_of(pc.match_substring_regex(values, self._whole)))


def _listed(values: tuple[Scalar, ...]) -> str:
    return ", ".join(map(str, values[:10])) + (f" and {len(values) - 10} more" if len(values) > 10 else "")
