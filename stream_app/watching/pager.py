"""Tells an Alertmanager of open alarms, beside the monitor and never in its way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitors.alarms import Event
from monitors.alert_rules import alarm_alert, rendered, said_of
from schemas.errors import Problem
from stream_app.backoff import Backoff
from stream_app.watching.judging import Judging

logger = logging.getLogger(__name__)

RESEND_S = 60.0
"""How often an Alertmanager is told again of alarms that are open, as Prometheus does."""

VALID_S = 4 * RESEND_S
"""For how long it is to take them for open: when nobody tells it again, they are over."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""How long it is left alone after it did not take alerts; every failure in a row doubles it."""

Labels = tuple[tuple[str, str], ...]
Form = dict[str, Any]


@dataclass(frozen=True)
class Alert:
    """An alert as an Alertmanager knows it, by its labels.

    Args:
        labels: what tells it from others.
        annotations: what it says to people.
        since_s: since when this process knows of it, seconds since the epoch.
    """

    labels: Labels
    annotations: Mapping[str, str]
    since_s: float

    def form(self, until_s: float) -> Form:
        """As the API takes it.

        Args:
            until_s: when it is over, seconds since the epoch.
        """
        return {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": _moment(self.since_s),
            "endsAt": _moment(until_s),
        }


class Pager:
    """Follows a monitor's open alarms and tells an Alertmanager of them: at once, again while they are open, and once
    they are over.

    Names, labels, severities and annotations are those of the rules for Prometheus. What it did not take is told
    again; nothing is said of a past that is only read.

    Args:
        post: tells it of alerts; raises ServiceError where it does not take them.
        stream: the stream's name.
        counted: hears what became of each telling: accepted or failed.
        now_s: the time on the wall, in seconds.
    """

    def __init__(
        self,
        post: Callable[[Sequence[Form]], None],
        stream: str,
        counted: Callable[[str], None],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._post, self._stream, self._counted, self._now_s = post, stream, counted, now_s
        self._open: dict[Labels, Alert] = {}
        self._over: dict[Labels, tuple[Alert, float]] = {}
        self._told: frozenset[Labels] = frozenset()
        self._telling: tuple[Future[None], frozenset[Labels], frozenset[Labels]] | None = None
        self._again_s, self._backoff = 0.0, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._threads = ThreadPoolExecutor(1, "pager")

    @property
    def idle(self) -> bool:
        """Whether it was told of all that is open and all that is over."""
        return self._telling is None and not self._over and self._told == frozenset(self._open)

    def see(self, judging: Judging) -> None:
        """Look at what is open, and go on with what is to be told; never waits."""
        if not judging.live:
            return
        now_s = self._now_s()
        found = {self._labels(alarm.newest): alarm.newest for alarm in judging.ongoing.all}
        for labels in self._open.keys() - found.keys():
            self._over[labels] = (self._open.pop(labels), now_s)
        for labels, event in found.items():
            if labels not in self._open:
                self._open[labels] = Alert(labels, self._annotations(event), now_s)
                self._over.pop(labels, None)
        self._turn(now_s)

    def close(self) -> None:
        """Wait for what is being told, and end; what is open stays so for a while, for the next monitor."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _turn(self, now_s: float) -> None:
        if self._telling is not None:
            told, still_open, over = self._telling
            if not told.done():
                return
            self._telling = None
            self._heard(told, still_open, over, now_s)
        new = frozenset(self._open) != self._told or bool(self._over)
        if now_s < self._backoff.at_s or not (new or (self._open and now_s >= self._again_s)):
            return
        alerts = [alert.form(now_s + VALID_S) for alert in self._open.values()]
        alerts += [alert.form(until_s) for alert, until_s in self._over.values()]
        post = self._threads.submit(self._post, alerts)
        self._telling = (post, frozenset(self._open), frozenset(self._over))
        self._again_s = now_s + RESEND_S

    def _heard(self, told: Future[None], still_open: frozenset[Labels], over: frozenset[Labels], now_s: float) -> None:
        problem = told.exception()
        self._counted("accepted" if problem is None else "failed")
        if problem is None:
            self._told = still_open
            self._backoff.succeeded()
            self._over = {labels: each for labels, each in self._over.items() if labels not in over}
            return
        why = {"why": str(problem), "again_in_s": self._backoff.failed(now_s)}
        known = isinstance(problem, Problem)
        logger.warning("the Alertmanager was not told", extra=why, exc_info=None if known else problem)
        self._told, self._again_s = frozenset(), now_s

    def _labels(self, event: Event) -> Labels:
        name = alarm_alert(event.metric).name
        labels = {"alertname": name, "severity": str(event.severity), "stream": self._stream}
        return tuple({**labels, "metric": event.metric, "column": event.column}.items())

    def _annotations(self, event: Event) -> dict[str, str]:
        labels, estimate = dict(self._labels(event)), event.estimate
        said = {name: rendered(text, labels) for name, text in said_of(alarm_alert(event.metric)).items()}
        figure = f"{event.metric} {estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}], n {estimate.n}"
        return {**said, "description": figure}


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
