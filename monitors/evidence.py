"""Whether a window shows that a stream has changed: one test a column and question, at a promised rate of false alarms.

An `Evidence` answers for one window at a time; the alarms' state machine asks it and knows nothing of tests. The one
here looks at each window by itself. Sequential evidence, which remembers, takes its place by the same two methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, chdtrc

from monitors.distances import Counts, Numbers, Starts, contingency, effective, kolmogorov_smirnov
from monitors.drift.chi_square import METRIC as CHI_SQUARE
from monitors.drift.ks import METRIC as KS
from monitors.metric import Metric
from monitors.pane import Pane, PaneLayout
from monitors.quality.null_share import METRIC as NULL_SHARE
from monitors.quality.unseen_share import METRIC as UNSEEN_SHARE
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from monitors.reference import Reference
from monitors.window import Window
from schemas.errors import InputError


@dataclass(frozen=True)
class Subject:
    """What an alarm can be about.

    Args:
        metric: the metric's NAME.
        column: the column; for rules the rule's name.
    """

    metric: str
    column: str


@dataclass(frozen=True)
class Finding:
    """What a window says of one subject.

    Args:
        subject: the metric and column.
        shown: the change is beyond chance; None when there are too few records to tell.
        large: it is also large enough to matter.
        window: the stretch of the window that shows it best.
    """

    subject: Subject
    shown: bool | None
    large: bool
    window: Window


class Evidence(Protocol):
    """Judges windows, one after the other."""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Everything it can raise an alarm about."""
        ...

    def judge(self, window: Window) -> list[Finding]:
        """What a window says of every subject, in the order of `subjects`."""
        ...


@dataclass(frozen=True)
class Sensitivity:
    """When a change counts.

    Args:
        family_alpha: the chance of a false alarm in one evaluation of the whole table.
        min_effect: changes smaller than this are not worth an alarm: of KS, of Cohen's w for categories, of Cohen's h
            for the share of nulls. Unseen values and broken rules are worth one at any size.
        min_records: with fewer records there is no verdict; rules are facts and need none.

    Raises:
        InputError: a value out of range.
    """

    family_alpha: float = 1e-6
    min_effect: float = 0.1
    min_records: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.family_alpha < 1:
            raise InputError(f"family_alpha={self.family_alpha}: must lie between 0 and 1")
        if not 0 <= self.min_effect < 1:
            raise InputError(f"min_effect={self.min_effect}: must be at least 0 and below 1")
        if self.min_records < 1:
            raise InputError(f"min_records={self.min_records}: must be at least 1")


@dataclass(frozen=True)
class Tested:
    """The tests of one kind on one stretch: p-values, effects and records, each of shape (columns,)."""

    p: Numbers
    effect: Numbers
    n: Numbers


def order_test(a: Counts, b: Counts, starts: Starts) -> Tested:
    """Two-sample Smirnov tests by 2 exp(-2 D^2 nm / (n + m)) (Wei and Dudley 2012); cells only make them cautious."""
    n, m = np.add.reduceat(a, starts), np.add.reduceat(b, starts)
    gap = kolmogorov_smirnov(a, b, starts)
    p = 2 * np.exp(-2 * gap**2 * effective(n.astype(float), m.astype(float)))
    return Tested(np.minimum(p, 1.0), gap, n.astype(float))


def shares_test(a: Counts, b: Counts, starts: Starts) -> Tested:
    """Likelihood-ratio tests of homogeneity, small cells pooled; the effect is Cohen's w, its noise taken off."""
    table = contingency(a, b, starts)
    p = np.where(table.df > 0, chdtrc(np.maximum(table.df, 1), table.deviance()), 1.0)
    size = np.maximum(effective(table.n, table.m), 1.0)
    effect = np.sqrt(np.maximum(table.pearson() - table.df, 0) / size)
    return Tested(p, effect, table.n)


def rate_test(hits: Counts, n: Counts, reference: Counts, m: Counts, *, both_ways: bool) -> Tested:
    """Exact conditional tests of two rates (Przyborowski and Wilenski 1940); the effect is Cohen's h.

    Given how many hits both samples have, those of the window are binomial (hypergeometric, which spreads less).

    Args:
        hits: hits in the window; n: records in it, each of shape (columns,).
        reference: hits in the reference; m: rows of it, alike.
        both_ways: whether fewer hits count as much as more.
    """
    share = n / np.maximum(n + m, 1)
    total = hits + reference
    more = np.where(hits > 0, betainc(np.maximum(hits, 1), total - hits + 1, share), 1.0)
    fewer = np.where(reference > 0, betaincc(hits + 1, np.maximum(reference, 1), share), 1.0)
    p = np.minimum(2 * np.minimum(more, fewer), 1.0) if both_ways else more
    angles = [2 * np.arcsin(np.sqrt(k / np.maximum(size, 1))) for k, size in ((hits, n), (reference, m))]
    return Tested(p, np.abs(angles[0] - angles[1]), n.astype(float))


@dataclass(frozen=True)
class _Columns:
    """The columns one test runs on, and where their cells lie in a pane."""

    metric: Metric
    names: tuple[str, ...]
    cells: npt.NDArray[np.intp]
    starts: Starts
    expected: Counts


class FixedWindow:
    """Judges each window by itself: Bonferroni over columns, questions and the two stretches looked at.

    The stretches are the whole window, which sees small changes, and its newest pane, which sees large ones at once.

    Args:
        layout: the stream's cells.
        reference: the generator's own rows.
        sensitivity: when a change counts.
    """

    def __init__(self, layout: PaneLayout, reference: Reference, sensitivity: Sensitivity | None = None) -> None:
        self.layout = layout
        self.reference = reference
        self.sensitivity = Sensitivity() if sensitivity is None else sensitivity
        self._order = _present_cells(KS, layout, reference)
        self._shares = _present_cells(CHI_SQUARE, layout, reference)
        nullable = tuple(c.name for c in layout.columns if c.nullable)
        self._null = _special_cells(NULL_SHARE, nullable, layout, reference)
        self._unseen = _special_cells(UNSEEN_SHARE, UNSEEN_SHARE.subjects(layout), layout, reference)
        self._groups = (self._order, self._shares, self._null, self._unseen)
        tested = [Subject(g.metric.NAME, name) for g in self._groups for name in g.names]
        self._tested = tuple(tested)
        self._rules = tuple(Subject(VIOLATION_RATE.NAME, name) for name in layout.rule_names)
        self.alpha = self.sensitivity.family_alpha / max(2 * len(tested), 1)
        sized = [g is self._order or g is self._shares or g is self._null for g in self._groups for _ in g.names]
        self._least = np.where(sized, self.sensitivity.min_effect, 0.0)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """See `Evidence.subjects`."""
        return self._tested + self._rules

    def judge(self, window: Window) -> list[Finding]:
        """See `Evidence.judge`."""
        stretches = (window.tip(), window) if window.newest_s < window.length_s else (window,)
        results = [self._test(stretch.pane) for stretch in stretches]
        told = np.array([r.n >= self.sensitivity.min_records for r in results])  # (stretches, subjects)
        shown = told & np.array([r.p <= self.alpha for r in results])
        large = shown & np.array([r.effect >= self._least for r in results])
        best = np.argmin(np.where(told, [r.p for r in results], 2.0), axis=0)
        best = np.where(large.any(0), np.argmax(large, axis=0), best)
        findings = [
            Finding(
                subject,
                bool(shown[:, i].any()) if told[:, i].any() else None,
                bool(large[:, i].any()),
                stretches[best[i]],
            )
            for i, subject in enumerate(self._tested)
        ]
        return findings + self._broken(window)

    def _test(self, pane: Pane) -> Tested:
        parts = []
        for group, test in ((self._order, order_test), (self._shares, shares_test)):
            if group.names:
                parts.append(test(pane.counts[group.cells], group.expected, group.starts))
        for group, both_ways in ((self._null, True), (self._unseen, False)):
            if group.names:
                hits = pane.counts[group.cells]
                n, m = np.full(len(hits), pane.records), np.full(len(hits), self.reference.rows)
                parts.append(rate_test(hits, n, group.expected, m, both_ways=both_ways))
        fields = ([getattr(part, name) for part in parts] for name in ("p", "effect", "n"))
        return Tested(*(np.concatenate(field) if field else np.zeros(0) for field in fields))

    def _broken(self, window: Window) -> list[Finding]:
        any_record = window.pane.records > 0
        findings = []
        for subject in self._rules:
            broken = window.pane.violations(subject.column) > 0
            findings.append(Finding(subject, broken if any_record else None, broken, window))
        return findings


def _present_cells(metric: Metric, layout: PaneLayout, reference: Reference) -> _Columns:
    names = metric.subjects(layout)
    return _columns(metric, names, [layout.present[name] for name in names], layout, reference)


def _special_cells(metric: Metric, names: Sequence[str], layout: PaneLayout, reference: Reference) -> _Columns:
    cells = [layout.bins[n].null if metric is NULL_SHARE else layout.bins[n].unseen for n in names]
    return _columns(metric, tuple(names), [np.array([c], np.intp) for c in cells], layout, reference)


def _columns(
    metric: Metric,
    names: tuple[str, ...],
    cells: Sequence[npt.NDArray[np.intp]],
    layout: PaneLayout,
    reference: Reference,
) -> _Columns:
    none = np.zeros(0, np.int64)
    starts = np.cumsum([0, *map(len, cells)])[: len(names)].astype(np.intp)
    places = [layout.cells[name].start + c for name, c in zip(names, cells, strict=True)]
    expected = [reference.counts[name][c] for name, c in zip(names, cells, strict=True)]
    return _Columns(metric, names, np.concatenate([none, *places]), starts, np.concatenate([none, *expected]))
