"""The contract every metric keeps: one file, one `METRIC`, everything else derived from what it declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import ClassVar

from monitors.burn_rates import Budget
from monitors.estimate import Estimate
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window
from schemas.table import Kind

PREFIX = "synthstream_"
"""Every exported series begins with this."""

ORDERED = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP})
"""Kinds whose cells have an order."""

NAMED = frozenset({Kind.CATEGORY, Kind.BOOLEAN})
"""Kinds whose cells are values."""


class Scope(StrEnum):
    """What a metric is measured of."""

    COLUMN = "column"
    RULE = "rule"
    STREAM = "stream"


class Worse(StrEnum):
    """Which way is worse."""

    HIGHER = "higher"
    LOWER = "lower"


class Severity(StrEnum):
    """Whom an alert may disturb: a page wakes somebody, a warning waits for the morning."""

    PAGE = "page"
    WARNING = "warning"


@dataclass(frozen=True)
class Alert:
    """The alert rule a metric declares.

    Args:
        name: the alert's name, which is also its section in the runbook.
        severity: page or warning.
        summary: one line for people, with Prometheus's label templates.
        threshold: the bound that the near end of the interval must pass, so that the evidence is there; None to
            follow the monitor's own latched alarm.
        reference: which reference the numbers are taken against; None when the metric has none.
        for_s: for how long it must hold, in seconds.
        on_value: compare the value itself and not the interval.
        warns: whether the monitor's own alarm may be a warning at first; not where a change of any size matters.
        budget: what records beyond the threshold are spent from; the alert is about how fast that burns, and pages or
            warns by it.
    """

    name: str
    severity: Severity
    summary: str
    threshold: float | None = None
    reference: str | None = None
    for_s: int = 0
    on_value: bool = False
    warns: bool = True
    budget: Budget | None = None


class Metric(ABC):
    """A number about a window, with its error."""

    NAME: ClassVar[str]
    """Names the exported series and the alarms."""
    HELP: ClassVar[str]
    UNIT: ClassVar[str]
    """Prometheus's unit suffix; empty for a number without one."""
    RANGE: ClassVar[tuple[float, float]] = (0.0, inf)
    WORSE: ClassVar[Worse] = Worse.HIGHER
    SOURCE: ClassVar[str]
    SCOPE: ClassVar[Scope] = Scope.COLUMN
    APPLIES: ClassVar[frozenset[Kind]] = frozenset(Kind)
    """The kinds of columns it is measured on."""
    COMPARES: ClassVar[bool] = False
    """Whether it is measured against a reference; surrogate columns have none worth comparing with."""
    ALERT: ClassVar[Alert | None] = None

    @abstractmethod
    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """Measure a window.

        Args:
            window: the counts.
            reference: what to compare with; ignored by metrics that do not compare.
            subject: the column or rule, by name; for the stream as a whole "".

        Returns:
            The number with its 95 % interval; not a number, on n = 0, when the window holds nothing to measure.
        """

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The columns or rules of a stream that this metric is measured on."""
        match self.SCOPE:
            case Scope.STREAM:
                return ("",)
            case Scope.RULE:
                return layout.rule_names
            case Scope.COLUMN:
                fit = (c for c in layout.columns if c.kind in self.APPLIES)
                return tuple(c.name for c in fit if not (self.COMPARES and c.is_surrogate))

    def series(self, end: str = "") -> str:
        """The exported name of the value, or of an end of its interval.

        Args:
            end: "", "low" or "high".
        """
        return PREFIX + "_".join(part for part in (self.NAME, end, self.UNIT) if part)
