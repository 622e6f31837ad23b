"""Whether a stream has changed: evidence about every column and question, kept over time, at a promised rate of alarms.

An `Evidence` answers after every pane; the alarms' state machine asks it and knows nothing of tests. The one here asks
`monitors.questions` of the newest 1, 4, 16 and 64 panes and adds the answers up as `monitors.detector` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from monitors.detector import PHASES, SCALES, by_subject, log_e_value, log_mean, named, updated
from monitors.distances import Counts, Numbers
from monitors.drift.chi_square import METRIC as CHI_SQUARE
from monitors.drift.classifier import METRIC as CLASSIFIER
from monitors.drift.correlation import METRIC as CORRELATION
from monitors.drift.ks import METRIC as KS
from monitors.metric import Metric
from monitors.pane import Pane, PaneLayout
from monitors.quality.null_share import METRIC as NULL_SHARE
from monitors.quality.unseen_share import METRIC as UNSEEN_SHARE
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from monitors.questions import REFERENCE_MISS, Answer, Asked, Order, Question, Rate, Shares, asked_of
from monitors.reference import Reference
from monitors.telling import Telling
from monitors.together import Together
from monitors.tolerated import Tolerated
from monitors.window import Window
from schemas.errors import InputError

QUIET = 0.05
"""A window whose p-value is above this shows no change."""

SURELY = 2.0
"""A window alone shows a change when its evidence is the alarm's threshold to this power."""


@dataclass(frozen=True)
class Subject:
    """What an alarm can be about.

    Args:
        metric: the metric's NAME.
        column: the column; for rules the rule's name; "" for the table as a whole.
    """

    metric: str
    column: str


@dataclass(frozen=True)
class Finding:
    """What is known of one subject after a pane.

    Args:
        subject: the metric and column.
        shown: the change is beyond chance; it stays so until the subject is forgotten.
        large: it is also large enough to matter.
        quiet: nothing of it shows any more in as many panes as it takes to show; None when there are too few records
            to tell.
        window: the stretch that shows it best.
    """

    subject: Subject
    shown: bool
    large: bool
    quiet: bool | None
    window: Window


class Evidence(Protocol):
    """Judges panes, one after the other, and remembers."""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Everything it can raise an alarm about."""
        ...

    @property
    def level(self) -> float:
        """The evidence against the whole table as a power of ten."""
        ...

    @property
    def threshold(self) -> float:
        """What `level` must reach for an alarm."""
        ...

    @property
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All it remembers, as arrays; `restore` takes it back."""
        ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a state, as if nothing had happened in between."""
        ...

    def judge(self, window: Window) -> list[Finding]:
        """What is known of every subject once a window's newest pane is counted, in the order of `subjects`."""
        ...

    def facts(self, window: Window) -> list[Finding]:
        """What is known of a window's newest pane without comparing it; nothing of it is remembered."""
        ...

    def forget(self, subject: Subject) -> None:
        """Begin anew with a subject, since its alarm is over; what came before no longer counts."""
        ...

    def begin_anew(self, reference: Reference, concerns: Callable[[Subject], bool]) -> None:
        """Compare with another reference from the next pane on, and forget the subjects that it concerns."""
        ...


@dataclass(frozen=True)
class Sensitivity:
    """When a change counts.

    Args:
        panes_per_false_alarm: while nothing changes, the table's alarms are so many panes apart, on average or more.
        min_effect: changes of this size or less only warn: of the KS distance, of the total variation of shares, of
            the share of nulls. Unseen values and broken rules matter at any size.
        min_records: with fewer records there is no verdict; rules are facts and need none.

    Raises:
        InputError: a value out of range.
    """

    panes_per_false_alarm: float = 10_000.0
    min_effect: float = 0.02
    min_records: int = 500

    def __post_init__(self) -> None:
        if not self.panes_per_false_alarm > 1:
            raise InputError(f"panes_per_false_alarm={self.panes_per_false_alarm}: must be above 1")
        if not 0 <= self.min_effect < 1:
            raise InputError(f"min_effect={self.min_effect}: must be at least 0 and below 1")
        if self.min_records < 1:
            raise InputError(f"min_records={self.min_records}: must be at least 1")


def questions_of(
    layout: PaneLayout,
    reference: Reference,
    tolerated: Mapping[str, float],
    inflation: Mapping[Subject, float],
    *,
    tells: bool = False,
) -> tuple[Question, ...]:
    """Everything that is asked of a stream's windows: order, shares, nulls, unseen values, correlations,
    rules with a tolerated rate.

    Args:
        layout: the stream's cells.
        reference: the generator's own rows.
        tolerated: by rule, the share of records that may break it.
        inflation: by subject, by how much counts spread more than independent records would (`monitors.dispersion`).
        tells: whether a classifier tells records from the generator's rows.
    """
    nullable = tuple(c.name for c in layout.columns if c.nullable)
    compared: tuple[Metric, ...] = (KS, CHI_SQUARE, UNSEEN_SHARE)
    moments = () if reference.moments is None else CORRELATION.subjects(layout)
    names = {metric: metric.subjects(layout) for metric in compared} | {NULL_SHARE: nullable, CORRELATION: moments}
    miss = REFERENCE_MISS / max(sum(map(len, names.values())), 1)

    def about(metric: Metric) -> Asked:
        return asked_of(
            metric,
            [
                (name, layout.cells[name].start, cells, reference.counts[name][cells])
                for name in names[metric]
                for cells in [_cells(metric, layout, name)]
            ],
            np.array([inflation.get(Subject(metric.NAME, name), 1.0) for name in names[metric]]),
            miss,
        )

    found: list[Question] = []
    if names[KS]:
        found.append(Order(about(KS)))
    if names[CHI_SQUARE]:
        found.append(Shares(about(CHI_SQUARE)))
    if names[NULL_SHARE]:
        found.append(Rate(about(NULL_SHARE), reference.rows, both_ways=True, any_size=False))
    if names[UNSEEN_SHARE]:
        found.append(Rate(about(UNSEEN_SHARE), reference.rows, both_ways=False, any_size=True))
    if names[CORRELATION]:
        spreads = np.array([inflation.get(Subject(KS.NAME, name), 1.0) for name in names[CORRELATION]])
        found.append(Together(layout, reference, spreads, miss))
    if tells:
        found.append(Telling(layout, inflation.get(Subject(CLASSIFIER.NAME, ""), 1.0)))
    soft = {name: tolerated[name] for name in layout.rule_names if name in tolerated}
    spread = {name: inflation.get(Subject(VIOLATION_RATE.NAME, name), 1.0) for name in soft}
    return (*found, Tolerated(layout, soft, spread)) if soft else tuple(found)


def _cells(metric: Metric, layout: PaneLayout, name: str) -> npt.NDArray[np.intp]:
    if metric is NULL_SHARE:
        return np.array([layout.bins[name].null], np.intp)
    if metric is UNSEEN_SHARE:
        return np.array([layout.bins[name].unseen], np.intp)
    return layout.present[name]


class SequentialEvidence:
    """Adds evidence up over panes, and keeps no pane longer than the longest scale needs it.

    Args:
        layout: the stream's cells.
        reference: the generator's own rows.
        sensitivity: when a change counts.
        tolerated: by rule, the share of records that may break it; a rule without one is a fact: one record is enough.
        inflation: by subject, see `questions_of`.
        tells: alike.
    """

    def __init__(
        self,
        layout: PaneLayout,
        reference: Reference,
        sensitivity: Sensitivity | None = None,
        tolerated: Mapping[str, float] | None = None,
        inflation: Mapping[Subject, float] | None = None,
        *,
        tells: bool = False,
    ) -> None:
        self.layout = layout
        self.sensitivity = Sensitivity() if sensitivity is None else sensitivity
        soft = {} if tolerated is None else tolerated
        factors = {} if inflation is None else inflation
        self._asks = partial(questions_of, layout, tolerated=soft, inflation=factors, tells=tells)
        self._questions = self._asks(reference=reference)
        self._tested = tuple(Subject(q.metric.NAME, name) for q in self._questions for name in q.names)
        self._facts = tuple(Subject(VIOLATION_RATE.NAME, name) for name in layout.rule_names if name not in soft)
        self._places = {subject: i for i, subject in enumerate(self._tested)}
        n = len(self._tested)
        self._log_threshold = float(np.log(self.sensitivity.panes_per_false_alarm))
        self._panes = 0
        self._ring = np.zeros((SCALES[-1], layout.size), np.int64)
        self._starts_s = np.zeros(SCALES[-1])
        self._sums = np.zeros((len(SCALES), layout.size), np.int64)
        self._ages = np.zeros(n, np.int64)
        self._log_r: Numbers = np.full((n, PHASES), -np.inf)
        self._named = np.zeros(n, bool)
        self._paces = np.zeros(n, np.int64)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """See `Evidence.subjects`."""
        return self._tested + self._facts

    @property
    def level(self) -> float:
        """See `Evidence.level`; minus infinity while there is none."""
        return float(log_mean(by_subject(self._log_r)) / np.log(10)) if self._tested else -np.inf

    @property
    def threshold(self) -> float:
        """See `Evidence.threshold`."""
        return self._log_threshold / float(np.log(10))

    @property
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All it remembers, as arrays; `restore` takes it back."""
        return {name: np.array(getattr(self, f"_{name}")) for name in REMEMBERED}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a state, as if nothing had happened in between.

        Raises:
            InputError: it is of another stream.
        """
        mine = self.state
        wrong = sorted(k for k in mine if k not in state or np.shape(state[k]) != mine[k].shape)
        if wrong:
            raise InputError(f"evidence {wrong[0]}: is not of this stream; begin without a saved state")
        for name in REMEMBERED:
            kept = np.array(state[name], mine[name].dtype)
            setattr(self, f"_{name}", int(kept) if kept.ndim == 0 else kept)

    def judge(self, window: Window) -> list[Finding]:
        """See `Evidence.judge`; a pane without records changes nothing."""
        if window.newest.records == 0:
            alone = window.tip()
            known = [Finding(s, bool(self._named[i]), False, None, alone) for i, s in enumerate(self._tested)]
            return known + [Finding(s, False, False, None, alone) for s in self._facts]
        self._take(window)
        answer = self._answer()
        complete = np.minimum(self._ages, self._panes) >= np.array(SCALES)[:, None]
        told = complete & (answer.n >= self.sensitivity.min_records)  # (scales, subjects)
        self._log_r = updated(self._log_r, answer.log_p, told, self._panes)
        new = named(by_subject(self._log_r), ~self._named, self._log_threshold)
        self._set_paces(new, np.where(told, log_e_value(answer.log_p), -np.inf))
        self._named |= new
        large = self._named & (told & (answer.least > self.sensitivity.min_effect)).any(0)
        at = self._paces, np.arange(len(self._tested))
        enough = told[at]
        quiet = answer.log_p[at] > np.log(QUIET)
        stretches = [self._stretch(scale, window) for scale in range(len(SCALES))]
        findings = [
            Finding(
                subject,
                bool(self._named[i]),
                bool(large[i]),
                bool(quiet[i]) if enough[i] else None,
                stretches[self._paces[i]],
            )
            for i, subject in enumerate(self._tested)
        ]
        return findings + self.facts(window)

    def begin_anew(self, reference: Reference, concerns: Callable[[Subject], bool]) -> None:
        """See `Evidence.begin_anew`; no window holds panes of before, and evidence of other subjects stays."""
        self._questions = self._asks(reference=reference)
        self._panes = 0
        self._ring[:], self._sums[:], self._ages[:] = 0, 0, 0
        for subject in filter(concerns, self._tested):
            self.forget(subject)

    def forget(self, subject: Subject) -> None:
        """See `Evidence.forget`."""
        i = self._places.get(subject)
        if i is not None:
            self._log_r[i], self._named[i], self._ages[i], self._paces[i] = -np.inf, False, 0, 0

    def _take(self, window: Window) -> None:
        """Add the newest pane to the sum of every scale, and take out what is no longer in it."""
        counts: Counts = window.newest.counts
        for i, scale in enumerate(SCALES):
            self._sums[i] += counts
            if self._panes >= scale:
                self._sums[i] -= self._ring[(self._panes - scale) % SCALES[-1]]
        place = self._panes % SCALES[-1]
        self._ring[place], self._starts_s[place] = counts, window.end_s - window.newest_s
        self._panes += 1
        self._ages += 1

    def _answer(self) -> Answer:
        answers = [question.answer(self._sums) for question in self._questions]
        none = np.zeros((len(SCALES), 0))
        return Answer(*(np.hstack([none, *(getattr(a, what) for a in answers)]) for what in ("log_p", "least", "n")))

    def _set_paces(self, new: npt.NDArray[np.bool_], log_e: Numbers) -> None:
        """At which scale each change is to be quiet: one that alone shows it, or the longest where none does.

        A shorter one takes its place when that alone shows the change beyond any doubt.
        """
        if not len(self._tested):
            return
        enough = self._log_threshold + np.log(len(self._tested))
        sure = log_e >= SURELY * enough
        shortest = np.where(sure.any(0), np.argmax(sure, axis=0), len(SCALES))
        longest = len(SCALES) - 1 - np.argmax(np.isfinite(log_e)[::-1], axis=0)
        best = np.where(log_e.max(0) >= enough, np.argmax(log_e, axis=0), longest)
        self._paces = np.minimum(np.where(new, best, self._paces), np.where(self._named | new, shortest, len(SCALES)))

    def _stretch(self, scale: int, window: Window) -> Window:
        """The newest panes of a scale as a window."""
        first = max(self._panes - SCALES[scale], 0) % SCALES[-1]
        newest = window.newest
        pane = Pane(self.layout, self._sums[scale].copy(), dict(newest.spans), dict(newest.examples))
        return Window(float(self._starts_s[first]), window.end_s, pane, newest, window.newest_s)

    def facts(self, window: Window) -> list[Finding]:
        """See `Evidence.facts`."""
        tip = window.tip()
        broken = {subject: tip.pane.violations(subject.column) > 0 for subject in self._facts}
        return [Finding(subject, is_so, is_so, not is_so, tip) for subject, is_so in broken.items()]


REMEMBERED = ("panes", "ring", "starts_s", "sums", "ages", "log_r", "named", "paces")
"""The attributes that make up `SequentialEvidence.state`."""
