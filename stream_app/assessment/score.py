"""The contract every score keeps: one file, one `SCORE`; all else follows from what it declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from monitors.estimate import Estimate
from monitors.intervals import between
from monitors.metric import Worse
from stream_app.assessment.limits import Limits
from stream_app.assessment.tables import Side, Tables

Subject = tuple[str, ...]
"""What a number is of: () for the table, a column or a rule, or a pair of columns."""

TABLE: Subject = ()
"""The table as a whole."""


class Needs(StrEnum):
    """What a score can not be had without."""

    HOLDOUT = "holdout"
    TARGET = "target"
    RULES = "rules"


@dataclass(frozen=True)
class Measured:
    """One number of a score, beside the holdout's own.

    Args:
        score: the score's name.
        subject: what it is of.
        of: the number with its 95 % interval.
        holdout: the same of the holdout in place of the synthetic rows; None where there is none.
        facts: what else belongs to it, as JSON has it.
    """

    score: str
    subject: Subject
    of: Estimate
    holdout: Estimate | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def to_json(self) -> dict[str, Any]:
        """A JSON form: value, low, high, n, and the holdout's alike."""
        own = None if self.holdout is None else _numbers(self.holdout)
        return {"score": self.score, "subject": list(self.subject), **_numbers(self.of), "holdout": own, **self.facts}


def _numbers(of: Estimate) -> dict[str, Any]:
    ends = {"value": of.value, "low": of.low, "high": of.high}
    return {name: None if isnan(end) else round(end, 6) for name, end in ends.items()} | {"n": of.n}


def mean_of(found: Mapping[Subject, Estimate], n: int) -> Estimate:
    """The mean of some numbers, and of the ends of their intervals."""
    every = np.array([(each.value, each.low, each.high) for each in found.values()])  # (parts, 3)
    value, low, high = every.mean(axis=0).tolist()
    return between(value, low, high, n)


class Score(ABC):
    """A number of a synthetic table, held against a real one."""

    NAME: ClassVar[str]
    """Its file's name."""
    TITLE: ClassVar[str]
    """What people call it."""
    HELP: ClassVar[str]
    """What it means, in a sentence or two."""
    INTERVAL: ClassVar[str]
    """How its interval is made."""
    SOURCE: ClassVar[str]
    RANGE: ClassVar[tuple[float, float]] = (0.0, 1.0)
    WORSE: ClassVar[Worse] = Worse.LOWER
    LIMIT: ClassVar[str | None] = None
    """The limit it is judged by, a field of `Limits`; None where it is only shown."""
    NEEDS: ClassVar[frozenset[Needs]] = frozenset()
    WITHHOLDS: ClassVar[bool] = False
    """Whether the verdict is withheld while the table's interval lies on both sides of the limit."""
    PLACE: ClassVar[int]
    """Where it stands among the others."""

    def rows_that_help(self, tables: Tables) -> int:
        """More synthetic rows than these make its interval no narrower: the real ones are too few by then."""
        return 4 * min(side.rows for side in (tables.real, tables.holdout) if side is not None)

    def helped_by_real_rows(self, tables: Tables) -> bool:
        """Whether more real rows would make its interval narrower."""
        return True

    @abstractmethod
    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """Measure rows against the real ones.

        Args:
            tables: what is assessed.
            side: the synthetic rows, or those of the holdout.

        Returns:
            The number of the table and of each column, pair or rule it is measured on; what can not be measured is
            left out.
        """

    def measure(self, tables: Tables) -> list[Measured]:
        """Measure the synthetic rows, and the holdout's beside them where there is one."""
        found = self.of(tables, tables.synthetic)
        own = {} if tables.holdout is None else self.of(tables, tables.holdout)
        return [Measured(self.NAME, subject, each, own.get(subject)) for subject, each in found.items()]

    def bar(self, limits: Limits, holdout: Estimate | None) -> float:
        """What the number must reach: the limit, or the end of the holdout's interval where that surely misses it.

        Args:
            limits: what a table must reach to pass.
            holdout: the holdout's own number.
        """
        assert self.LIMIT is not None
        limit = limits.of(self.LIMIT)
        if holdout is None:
            return limit
        if self.WORSE is Worse.LOWER:
            return holdout.low if holdout.high < limit else limit
        return holdout.high if holdout.low > limit else limit
