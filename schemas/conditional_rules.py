"""Constraints of a user's own making: if one rule holds so does another, and any condition over numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import ClassVar

import numpy as np
import pyarrow as pa

from schemas.condition import Condition
from schemas.errors import InputError
from schemas.joint_rules import Combinations, Unique
from schemas.rules import IsNull, Mask, NotNull, Rule
from schemas.values import doubles_of, mask_of


def holds(rule: Rule, batch: pa.RecordBatch) -> Mask:
    """Where a rule is met and not merely left open by a missing value, shape (rows,).

    >>> from schemas.rules import Range
    >>> holds(Range("x", 0), pa.record_batch({"x": [1, -1, None]})).tolist()
    [True, False, False]
    """
    met = ~rule.violations(batch)
    if isinstance(rule, NotNull | IsNull | Implies):
        return met
    present: Mask = np.logical_and.reduce([mask_of(batch.column(name).is_valid()) for name in rule.columns])
    return met & present


@dataclass(frozen=True)
class Implies:
    """Rows that meet one rule meet another.

    Args:
        when: the condition; a row with a value missing in its columns does not meet it, unless it asks for that.
        then: what is demanded of the rows that meet it.

    >>> from schemas.rules import Allowed, Range
    >>> rule = Implies(Allowed("country", ("DE",)), Range("vat", 19, 19))
    >>> batch = pa.record_batch({"country": ["DE", "DE", "FR", None], "vat": [19, 20, 20, 20]})
    >>> rule.violations(batch).tolist()
    [False, True, False, False]
    """

    when: Rule
    then: Rule

    KIND: ClassVar[str] = "implies"

    def __post_init__(self) -> None:
        for part, rule in (("if", self.when), ("then", self.then)):
            if isinstance(rule, Unique):
                raise InputError(f"{self.KIND}.{part}: a unique rule judges records by others; expected a rule on one")
            if isinstance(rule, Combinations) and rule.rows is None:
                raise InputError(f"{self.KIND}.{part}: combinations need their rows here; list those allowed")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule reads."""
        return tuple(dict.fromkeys((*self.when.columns, *self.then.columns)))

    @property
    def name(self) -> str:
        """A stable name: the kind, the columns, and a digest that tells it from others over the same ones."""
        digest = blake2b(repr((self.when, self.then)).encode(), digest_size=3).hexdigest()
        return f"{self.KIND}:{','.join(self.columns)}:{digest}"

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"if {self.when.text}, then {self.then.text}"

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        return holds(self.when, batch) & self.then.violations(batch)


@dataclass(frozen=True)
class Predicate:
    """A condition over numbers holds.

    Args:
        expression: see `schemas.condition.Condition`; dates are days, timestamps seconds, true 1 and false 0.

    >>> rule = Predicate("paid <= 1.19 * price or price == 0")
    >>> rule.violations(pa.record_batch({"paid": [119.0, 120.0, 5.0], "price": [100.0, 100.0, None]})).tolist()
    [False, True, False]
    """

    expression: str

    KIND: ClassVar[str] = "predicate"

    def __post_init__(self) -> None:
        try:
            found = Condition(self.expression).columns
        except InputError as error:
            raise InputError(*(f"{self.KIND}: {fault}" for fault in error.faults)) from None
        if not found:
            raise InputError(f"{self.KIND}: expression={self.expression!r}: reads no column; name at least one")

    @cached_property
    def _parsed(self) -> Condition:
        return Condition(self.expression)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule reads."""
        return self._parsed.columns

    @property
    def name(self) -> str:
        """A stable name: the kind and the condition."""
        return f"{self.KIND}:{' '.join(self.expression.split())}"

    @property
    def text(self) -> str:
        """The rule in words."""
        return self.expression

    def violations(self, batch: pa.RecordBatch) -> Mask:
        """Which rows break the rule, shape (rows,)."""
        read = {name: doubles_of(batch.column(name)) for name in self.columns}
        present = np.logical_and.reduce([there for _, there in read.values()])
        met = self._parsed.holds({name: numbers for name, (numbers, _) in read.items()})
        broken: Mask = present & ~met
        return broken
