"""How fast error budgets burn: recorded for Prometheus over several windows, and what pages or warns of it.

A budget is the share of records that may be bad. Its burn is the share that is bad over the share that may be: at 1 the
budget of 30 days lasts 30 days. A long window says that much of it is gone and a short one that it still goes, so a
page comes soon, and ends soon after its cause (Google's Site Reliability Workbook, chapter 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LEAST_SPENT = 5
"""Fewer bad records than so many in the long window are no rate, however small the budget is."""

OF_ONE_EXPORTER = "stream, job, instance"
"""The labels by which series of one monitor find each other."""

RECORDS = "synthstream_monitor_records_total"


@dataclass(frozen=True)
class Burn:
    """Two windows, and how many times as fast as it may a budget must burn in both."""

    long: str
    short: str
    times: float


PAGES = (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6.0))
"""Two and five hundredths of the budget of 30 days."""

WARNS = (Burn("3d", "6h", 1.0),)
"""A tenth of it."""


@dataclass(frozen=True)
class Budget:
    """A budget as the monitor exports it.

    Args:
        name: names the recorded series.
        by: the label that tells a stream's budgets apart.
        spent: the counter of bad records.
        allowed: the gauge of the share that may be bad.
        shared: whether one gauge is the budget of every `by`.
    """

    name: str
    by: str
    spent: str
    allowed: str
    shared: bool

    def burn(self, window: str) -> str:
        """The recorded series of the burn over a window, such as "5m"."""
        return f"synthstream:{self.name}_budget_burn:rate{window}"

    def recorded(self, window: str) -> str:
        """The PromQL that is recorded as the burn over a window."""
        share = f"rate({self.spent}[{window}]) / on ({OF_ONE_EXPORTER}) group_left rate({RECORDS}[{window}])"
        match = f"on ({OF_ONE_EXPORTER}) group_left" if self.shared else f"on ({self.by}, {OF_ONE_EXPORTER})"
        return f"{share} / {match} {self.allowed}"

    def burns(self, *, pages: bool) -> str:
        """The PromQL of the alert that pages, or of the one that warns."""
        return " or ".join(f"({self._both(burn)})" for burn in (PAGES if pages else WARNS))

    def _both(self, burn: Burn) -> str:
        windows = (f"{self.burn(window)} > {burn.times:g}" for window in (burn.long, burn.short))
        return " and ".join([*windows, f"increase({self.spent}[{burn.long}]) >= {LEAST_SPENT}"])


RULE_BUDGET = Budget("rule", "rule", "synthstream_rule_violations_total", "synthstream_rule_tolerated_ratio", False)
"""Records that break a rule, of those that its `tolerated` allows."""

FIDELITY_BUDGET = Budget(
    "fidelity", "column", "synthstream_fidelity_poor_records_total", "synthstream_fidelity_budget_ratio", True
)
"""Records in whose window a column is surely far from the training data, of those that may be so."""

BUDGETS = (RULE_BUDGET, FIDELITY_BUDGET)


def recordings() -> list[dict[str, Any]]:
    """The recording rules of every budget, a window each."""
    windows = dict.fromkeys(window for burn in (*PAGES, *WARNS) for window in (burn.short, burn.long))
    return [{"record": b.burn(window), "expr": b.recorded(window)} for b in BUDGETS for window in windows]
