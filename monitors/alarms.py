"""Alarms: opened once when a change is shown and matters, latched, cleared once when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import monitors
from monitors.estimate import Estimate
from monitors.evidence import Evidence, Finding, Subject
from monitors.metric import Metric
from monitors.pane import MAX_EXAMPLES, Examples
from monitors.reference import Reference
from monitors.window import Window
from schemas.errors import InputError


@dataclass(frozen=True)
class Event:
    """An alarm that opened or cleared.

    Args:
        kind: "opened" or "cleared".
        column: the column; for rules the rule's name.
        metric: the metric's NAME.
        at_s: the end of the window that decided it, in seconds of event time.
        estimate: the metric on the stretch that shows it best; when cleared, on the whole window.
        start_s: where that stretch begins; end_s: where it ends, exclusive.
        examples: records by partition and offset: for rules those that broke it, for columns the first and last
            record of each partition in the stretch's newest pane.
    """

    kind: Literal["opened", "cleared"]
    column: str
    metric: str
    at_s: float
    estimate: Estimate
    start_s: float
    end_s: float
    examples: Examples


class Alarms:
    """Keeps one latch a subject.

    An alarm opens when the evidence shows a change that is large enough; it stays open for as long as the evidence
    shows any change at all, and clears after some quiet windows in a row. A window without a verdict changes nothing.

    Args:
        evidence: judges the windows.
        reference: what the events' estimates are taken against.
        clear_after: how many quiet windows in a row clear an alarm.

    Raises:
        InputError: `clear_after` below 1.
    """

    def __init__(self, evidence: Evidence, reference: Reference, clear_after: int = 3) -> None:
        if clear_after < 1:
            raise InputError(f"clear_after={clear_after}: must be at least 1")
        self.evidence = evidence
        self.reference = reference
        self.clear_after = clear_after
        self._quiet: dict[Subject, int] = {}
        self._metrics = {metric.NAME: metric for metric in map(monitors.load, monitors.names())}

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Everything an alarm can be about."""
        return self.evidence.subjects

    @property
    def open(self) -> tuple[Subject, ...]:
        """What alarms are open about."""
        return tuple(self._quiet)

    def update(self, window: Window) -> list[Event]:
        """Judge a window.

        Args:
            window: the next one, in order of event time.

        Returns:
            The alarms that opened or cleared by it.
        """
        events = []
        for finding in self.evidence.judge(window):
            subject = finding.subject
            if subject not in self._quiet:
                if finding.large:
                    self._quiet[subject] = 0
                    events.append(self._event("opened", finding, finding.window, window))
            elif finding.shown is not None:
                self._quiet[subject] = 0 if finding.shown else self._quiet[subject] + 1
                if self._quiet[subject] >= self.clear_after:
                    del self._quiet[subject]
                    events.append(self._event("cleared", finding, window, window))
        return events

    def _event(self, kind: Literal["opened", "cleared"], finding: Finding, shows: Window, decided: Window) -> Event:
        subject = finding.subject
        metric: Metric = self._metrics[subject.metric]
        estimate = metric.estimate(shows, self.reference, subject.column)
        examples = shows.pane.examples.get(subject.column, ()) if kind == "opened" else ()
        if not examples and kind == "opened":
            ends = ((p, offset) for p, span in sorted(shows.newest.spans.items()) for offset in (span.first, span.last))
            examples = tuple(dict.fromkeys(ends))[:MAX_EXAMPLES]
        return Event(
            kind, subject.column, subject.metric, decided.end_s, estimate, shows.start_s, shows.end_s, examples
        )
