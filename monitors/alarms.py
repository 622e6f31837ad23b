"""Alarms: opened once when a change is shown, raised once it matters, latched, cleared once it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import monitors
from monitors.estimate import Estimate
from monitors.evidence import Evidence, Finding, Subject
from monitors.metric import Metric, Severity
from monitors.pane import MAX_EXAMPLES, Examples
from monitors.reference import Reference
from monitors.window import Window
from schemas.errors import InputError

Happening = Literal["opened", "raised", "cleared"]
"""What may become of an alarm."""

SEVERITIES = (Severity.WARNING, Severity.PAGE)
"""From the one that can wait to the one that can not."""


@dataclass(frozen=True)
class Event:
    """An alarm that opened, was raised from a warning to a page, or cleared.

    Args:
        kind: "opened", "raised" or "cleared".
        severity: a warning has evidence; a page has evidence of a change that matters. When cleared, what it was.
        column: the column; for rules the rule's name.
        metric: the metric's NAME.
        at_s: the end of the pane that decided it, in seconds of event time.
        estimate: the metric on the stretch that shows it best.
        start_s: where that stretch begins; end_s: where it ends, exclusive.
        examples: records by partition and offset: for rules those that broke it, for columns the first and last
            record of each partition in the newest pane.
        reason: why it cleared, where that is not that nothing shows any more.
    """

    kind: Happening
    severity: Severity
    column: str
    metric: str
    at_s: float
    estimate: Estimate
    start_s: float
    end_s: float
    examples: Examples
    reason: str = ""


@dataclass
class _Latch:
    """An open alarm: how bad it is, and for how many panes in a row nothing of it has shown."""

    severity: Severity
    quiet: int = 0


class Alarms:
    """Keeps one latch a subject.

    A warning opens when the evidence shows a change, and becomes a page when that is large enough to matter; one that
    is so from the start opens as a page. It never falls back: it stays what it is until it clears, which is after some
    panes in a row in which nothing shows, in windows as long as it takes to show such a change. What is cleared begins
    anew without evidence, so nothing flaps. A pane without a verdict changes nothing.

    Args:
        evidence: judges the panes.
        reference: what the events' estimates are taken against.
        clear_after: how many quiet panes in a row clear an alarm.

    Raises:
        InputError: `clear_after` below 1.
    """

    def __init__(self, evidence: Evidence, reference: Reference, clear_after: int = 3) -> None:
        if clear_after < 1:
            raise InputError(f"clear_after={clear_after}: must be at least 1")
        self.evidence = evidence
        self.reference = reference
        self.clear_after = clear_after
        self._latches: dict[Subject, _Latch] = {}
        self._over: dict[Subject, str] = {}
        self._metrics = {metric.NAME: metric for metric in map(monitors.load, monitors.names())}

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Everything an alarm can be about."""
        return self.evidence.subjects

    @property
    def open(self) -> Mapping[Subject, Severity]:
        """What alarms are open about, and how bad each is; any thread may ask."""
        return {subject: latch.severity for subject, latch in self._latches.copy().items()}

    @property
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Which alarms are open, as arrays; the evidence has a state of its own."""
        latches = [self._latches.get(subject) for subject in self.subjects]
        return {
            "severity": np.array([-1 if latch is None else SEVERITIES.index(latch.severity) for latch in latches]),
            "quiet": np.array([0 if latch is None else latch.quiet for latch in latches]),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a state, as if nothing had happened in between.

        Raises:
            InputError: it is of another stream.
        """
        if any(k not in state or state[k].shape != (len(self.subjects),) for k in ("severity", "quiet")):
            raise InputError("alarms: are not of this stream; begin without a saved state")
        self._latches = {
            subject: _Latch(SEVERITIES[severity], quiet)
            for subject, severity, quiet in zip(
                self.subjects, state["severity"].tolist(), state["quiet"].tolist(), strict=True
            )
            if severity >= 0
        }

    def begin_anew(self, reference: Reference, concerns: Callable[[Subject], bool], reason: str) -> None:
        """Compare with another reference from the next pane on; alarms that it concerns are over.

        Args:
            reference: rows of the generator as it is now.
            concerns: whether a subject is to begin without evidence.
            reason: why its alarm is over, in words.
        """
        self.reference = reference
        self.evidence.begin_anew(reference, concerns)
        self._over |= {subject: reason for subject in self._latches if concerns(subject)}

    def update(self, window: Window, *, compared: bool = True) -> list[Event]:
        """Judge a window's newest pane.

        Args:
            window: the next one, in order of event time.
            compared: False where only facts can be told of it.

        Returns:
            The alarms that opened, were raised or cleared by it.
        """
        events = []
        for subject, reason in self._over.items():
            over = Finding(subject, False, False, None, window.tip())
            began_s = window.end_s - window.newest_s
            events.append(replace(self._event("cleared", over, window), reason=reason, at_s=began_s))
            del self._latches[subject]
        self._over = {}
        for finding in self.evidence.judge(window) if compared else self.evidence.facts(window):
            kind = self._latched(finding)
            if kind is not None:
                events.append(self._event(kind, finding, window))
            if kind == "cleared":
                del self._latches[finding.subject]
                self.evidence.forget(finding.subject)
        return events

    def _latched(self, finding: Finding) -> Happening | None:
        """What becomes of a subject's latch."""
        latch = self._latches.get(finding.subject)
        if latch is None:
            if not finding.shown:
                return None
            self._latches[finding.subject] = _Latch(Severity.PAGE if finding.large else Severity.WARNING)
            return "opened"
        if finding.quiet is not None:
            latch.quiet = latch.quiet + 1 if finding.quiet else 0
        if latch.quiet >= self.clear_after:
            return "cleared"
        if finding.large and latch.quiet == 0 and latch.severity is Severity.WARNING:
            latch.severity = Severity.PAGE
            return "raised"
        return None

    def _event(self, kind: Happening, finding: Finding, decided: Window) -> Event:
        subject, shows = finding.subject, finding.window
        metric: Metric = self._metrics[subject.metric]
        estimate = metric.estimate(shows, self.reference, subject.column)
        examples = shows.newest.examples.get(subject.column, ()) if kind != "cleared" else ()
        if not examples and kind != "cleared":
            ends = ((p, offset) for p, span in sorted(shows.newest.spans.items()) for offset in (span.first, span.last))
            examples = tuple(dict.fromkeys(ends))[:MAX_EXAMPLES]
        return Event(
            kind=kind,
            severity=self._latches[subject].severity,
            column=subject.column,
            metric=subject.metric,
            at_s=decided.end_s,
            estimate=estimate,
            start_s=shows.start_s,
            end_s=shows.end_s,
            examples=examples,
        )
