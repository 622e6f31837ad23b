"""What the generators are to reach, as comparisons within one run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

NADE, MIXTURE, RIVAL = "tabular.nade", "tabular.mixture", "mostlyai-engine"

MARGINALS, DIFFUSION = "tabular.marginals", "tabular.diffusion"

BESIDE_SDV = {"tabular.ctgan": "sdv.ctgan", "tabular.tvae": "sdv.tvae"}
"""Models that SDV has too, by ours."""

WHOLE_ROWS = (DIFFUSION, "tabular.transformer", "tabular.hybrid")
"""Families whose rows are to be harder to tell apart than columns drawn by themselves, too."""

FAMILIES = (*BESIDE_SDV, "tabular.copulagan", "tabular.tablegan", *WHOLE_ROWS)
"""Models that are to learn more than each column by itself."""


@dataclass(frozen=True)
class Summary:
    """What was measured of a model on a table.

    Args:
        table: the table.
        model: the model.
        figures: by name, what was found with each training seed that did not fail.
        failed: why seeds failed.
        versions: of what the figures depend on.
    """

    table: str
    model: str
    figures: Mapping[str, tuple[float, ...]]
    failed: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def mean(self, name: str) -> float | None:
        """The mean over training seeds; None when it was not measured."""
        return fmean(self.figures[name]) if self.figures.get(name) else None

    def error(self, name: str) -> float | None:
        """The standard error of the mean; None of fewer than two seeds."""
        values = self.figures.get(name, ())
        return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """A flat row, with mean, standard error and the figure of each seed by name."""
        figures = {
            name: {"mean": self.mean(name), "standard_error": self.error(name), "each": list(values)}
            for name, values in self.figures.items()
        }
        about = {"failed": list(self.failed), "versions": dict(self.versions)}
        return {"table": self.table, "model": self.model, **figures, **about}


@dataclass(frozen=True)
class Bar:
    """Something to reach.

    Args:
        table: on which table.
        model: by which model.
        what: what it is, with its limit in words.
        found: what was found; None when it was not measured.
        limit: what it is held against; None when that was not measured.
        at_least: whether it is to be at least the limit; at most it otherwise.
    """

    table: str
    model: str
    what: str
    found: float | None
    limit: float | None
    at_least: bool = False

    @property
    def by(self) -> float | None:
        """By how much it is on the right side; None when that is unknown."""
        if self.found is None or self.limit is None:
            return None
        return self.found - self.limit if self.at_least else self.limit - self.found

    def line(self) -> str:
        """The verdict.

        >>> Bar("adult", "tabular.nade", "C2ST + 2 se at most .53", 0.55, 0.53).line()
        'missed by 0.02 (0.55; limit 0.53): adult, tabular.nade: C2ST + 2 se at most .53'
        """
        where = f"{self.table}, {self.model}: {self.what}"
        if self.by is None or self.found is None or self.limit is None:
            return f"not measured: {where}"
        verdict = "met" if self.by >= 0 else "missed"
        return f"{verdict} by {short(abs(self.by))} ({short(self.found)}; limit {short(self.limit)}): {where}"

    def to_json(self) -> dict[str, Any]:
        """Its parts and the verdict."""
        met = None if self.by is None else self.by >= 0
        about = {"table": self.table, "model": self.model, "what": self.what}
        return {**about, "found": self.found, "limit": self.limit, "met": met, "by": self.by}


def short(number: float) -> str:
    """A number as people read it.

    >>> short(0.52344), short(153_211.4), short(9.871)
    ('0.5234', '153,211', '9.87')
    """
    if abs(number) >= 1_000:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) >= 1 else f"{round(number, 4):g}"


def bars(summaries: list[Summary]) -> list[Bar]:
    """Every bar that concerns what was run, model by model."""
    found: list[Bar] = []
    for summary in summaries:
        beside = {other.model: other for other in summaries if other.table == summary.table}
        rival = beside.get(RIVAL)
        if summary.table == "adult" and summary.model == NADE:
            found += _nade_on_adult(summary, rival)
        elif summary.table == "adult" and summary.model == MIXTURE:
            found += _mixture_on_adult(summary)
        elif summary.model == NADE and rival is not None:
            found += _nade_beside(summary, rival)
        if summary.model in FAMILIES:
            found += _family(summary, beside)
        if summary.figures.get("conditional_speed"):
            found += _conditional(summary)
    return found


def _nade_on_adult(own: Summary, rival: Summary | None) -> Iterator[Bar]:
    fit_s, rows_per_s = _of(rival, "fit_s"), _of(rival, "rows_per_s")
    yield _bar(own, "fit at most 20 s, or a fifth of mostlyai-engine's", "fit_s", max(20.0, (fit_s or 0.0) / 5))
    at_least = min(150_000.0, 3 * rows_per_s) if rows_per_s is not None else 150_000.0
    yield _bar(own, "at least 150,000 rows/s, or 3 times mostlyai-engine's", "rows_per_s", at_least, at_least=True)
    c2st, error = own.mean("c2st_auc"), own.error("c2st_auc") or 0.0
    above = None if c2st is None else c2st + 2 * error
    yield Bar(own.table, own.model, "C2ST + 2 standard errors at most .53", above, 0.53)
    yield _bar(own, "TSTR gap at most .008", "tstr_gap", 0.008)
    yield _bar(own, "shapes at least .99", "shapes", 0.99, at_least=True)
    yield _bar(own, "pairs at least .98", "pairs", 0.98, at_least=True)
    holdout = own.mean("copies_holdout")
    yield _bar(own, "copies at most the holdout's + .002", "copies", None if holdout is None else holdout + 0.002)


def _mixture_on_adult(own: Summary) -> Iterator[Bar]:
    yield _bar(own, "fit at most 10 s", "fit_s", 10.0)
    yield _bar(own, "at least 400,000 rows/s", "rows_per_s", 400_000.0, at_least=True)
    yield _bar(own, "C2ST at most .63", "c2st_auc", 0.63)


def _nade_beside(own: Summary, rival: Summary) -> Iterator[Bar]:
    c2st, rows_per_s = rival.mean("c2st_auc"), rival.mean("rows_per_s")
    yield _bar(own, "C2ST below mostlyai-engine's by .03", "c2st_auc", None if c2st is None else c2st - 0.03)
    yield _bar(own, "TSTR at least mostlyai-engine's", "tstr", rival.mean("tstr"), at_least=True)
    yield _bar(own, "fit at most as long as mostlyai-engine's", "fit_s", rival.mean("fit_s"))
    three = None if rows_per_s is None else 3 * rows_per_s
    yield _bar(own, "at least 3 times mostlyai-engine's rows/s", "rows_per_s", three, at_least=True)


def _family(own: Summary, beside: Mapping[str, Summary]) -> Iterator[Bar]:
    """What concerns a family and those that ran beside it."""
    plain, theirs = beside.get(MARGINALS), beside.get(BESIDE_SDV.get(own.model, ""))
    if plain is not None:
        yield _bar(own, "TSTR above marginals'", "tstr", plain.mean("tstr"), at_least=True)
        yield _bar(own, "pairs above marginals'", "pairs", plain.mean("pairs"), at_least=True)
        if own.model in WHOLE_ROWS:
            yield _bar(own, "C2ST below marginals'", "c2st_auc", plain.mean("c2st_auc"))
    if theirs is not None:
        yield _bar(own, "C2ST no worse than SDV's", "c2st_auc", theirs.mean("c2st_auc"))
        yield _bar(own, "TSTR no worse than SDV's", "tstr", theirs.mean("tstr"), at_least=True)
        half = None if (fit_s := theirs.mean("fit_s")) is None else fit_s / 2
        yield _bar(own, "fit in at most half of SDV's time", "fit_s", half)
    if own.model == DIFFUSION and own.table == "adult":
        yield _bar(own, "fit at most 15 minutes", "fit_s", 900.0)
        for model in (name for name in BESIDE_SDV if name in beside):
            yield _bar(own, f"C2ST below {model}'s", "c2st_auc", beside[model].mean("c2st_auc"))


def _conditional(own: Summary) -> Iterator[Bar]:
    speed = "under conditions at least half the speed without"
    yield _bar(own, speed, "conditional_speed", 0.5, at_least=True)
    within = "total variation from the training rows at most .02 above that of their halves"
    yield _bar(own, f"{within}, mean over conditions and columns", "tv_excess_mean", 0.02)
    yield _bar(own, f"{within}, the worst condition, mean over columns", "tv_excess_worst_condition", 0.02)
    yield _bar(own, f"{within}, the worst column of any condition", "tv_excess_worst", 0.02)


def _bar(own: Summary, what: str, name: str, limit: float | None, *, at_least: bool = False) -> Bar:
    return Bar(own.table, own.model, what, own.mean(name), limit, at_least)


def _of(summary: Summary | None, name: str) -> float | None:
    return None if summary is None else summary.mean(name)
