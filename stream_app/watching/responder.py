"""Has open alarms act on their stream, beside the monitor and never in its way."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from monitors.alarms import SEVERITIES
from monitors.evidence import Subject
from monitors.metric import Severity
from monitors.ongoing import Ongoing
from schemas.errors import Problem
from schemas.responses import Response
from stream_app.backoff import Backoff
from stream_app.watching.judging import Judging
from stream_app.watching.responses import Reaction

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""How long a response that could not be told waits before it is tried again; every failure in a row doubles it."""

Key = tuple[Response, Subject]
Told = Callable[[str, str], None]
"""Hears what became of a response: how far it has come, and in words."""


class Acts(Protocol):
    """What does it: `stream_app.watching.deeds.Deeds`."""

    def act(self, response: Response, ongoing: Ongoing) -> Reaction | None:
        """Have an alarm act."""
        ...

    def end(self, response: Response, ongoing: Ongoing, until_s: float) -> Reaction | None:
        """Say that it has cleared."""
        ...

    def left_open(self) -> Sequence[Reaction]:
        """What was done for alarms that are not known to have cleared."""
        ...


@dataclass(frozen=True)
class _Job:
    """Something to be told: that an alarm is to act, or, with a time, that it has cleared."""

    response: Response
    ongoing: Ongoing
    until_s: float | None = None

    @property
    def key(self) -> Key:
        """Which response to which subject."""
        return self.response, self.ongoing.subject


def matches(response: Response, ongoing: Ongoing, metric: str | None) -> bool:
    """Whether a response is one to an alarm.

    Args:
        response: the response.
        ongoing: the alarm.
        metric: the NAME of the metric that the response is for; None for all.
    """
    bad = SEVERITIES.index(ongoing.newest.severity) >= SEVERITIES.index(Severity(response.severity))
    column = response.column in (None, ongoing.subject.column)
    return bad and column and metric in (None, ongoing.subject.metric)


class Responder:
    """Follows a monitor's open alarms and has each act once, and says once that it has cleared.

    It goes by what is open and not by what just happened, so what could not be told is told later. Nothing is done
    while a monitor still reads what came before it started.

    Args:
        responses: what alarms do, each with the NAME of the metric it is for, None for all.
        acts: does it.
        told: hears what became of it.
        clock_s: a clock that only goes forward, in seconds.
        patience_s: for how long in event time an alarm that is open for another monitor may take to open here.
    """

    def __init__(
        self,
        responses: Sequence[tuple[Response, str | None]],
        acts: Acts,
        told: Told,
        clock_s: Callable[[], float],
        patience_s: float,
    ) -> None:
        self._responses, self._acts, self._told, self._clock_s = responses, acts, told, clock_s
        self._patience_s = patience_s
        self._at_first: frozenset[Subject] | None = None
        self._left: dict[Key, tuple[_Job, float]] = {}
        self._seen: dict[Key, Ongoing] = {}
        self._began = False
        self._jobs: deque[_Job] = deque()
        self._going: Future[Reaction | None] | None = None
        self._looking: Future[Sequence[Reaction]] | None = None
        self._backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._threads = ThreadPoolExecutor(1, "responder")

    @property
    def idle(self) -> bool:
        """Whether everything that was seen has been told."""
        return self._began and not self._jobs

    def see(self, judging: Judging) -> None:
        """Look at what is open, and go on with what is to be told; never waits."""
        if self._at_first is None:
            self._at_first = frozenset(alarm.subject for alarm in judging.ongoing.all)
        if not judging.live:
            return
        wanted: dict[Key, Ongoing] = {
            (response, ongoing.subject): ongoing
            for ongoing in judging.ongoing.all
            for response, metric in self._responses
            if matches(response, ongoing, metric)
        }
        for key, ongoing in self._seen.items():
            if key not in wanted or wanted[key].opened != ongoing.opened:
                until_s = judging.ongoing.cleared_s.get(ongoing.subject, judging.judged_s)
                self._jobs.append(_Job(key[0], ongoing, until_s))
        for key, ongoing in wanted.items():
            if key not in self._seen or self._seen[key].opened != ongoing.opened:
                self._jobs.append(_Job(key[0], ongoing))
        self._seen = wanted
        if self._began or self._looked(judging.judged_s):
            self._end_what_was_left(judging.judged_s)
            self._go_on()

    def close(self) -> None:
        """Wait for what is being told, and end."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _looked(self, judged_s: float) -> bool:
        """Find what was done for alarms that are not open here; whether that is done.

        One that was open when this monitor began has cleared since. Any other may be open for a monitor beside, and
        soon here, so it has time to show.
        """
        if self._looking is None and self._clock_s() >= self._backoff.at_s:
            self._looking = self._threads.submit(self._acts.left_open)
        if self._looking is None or not self._looking.done():
            return False
        looking, self._looking = self._looking, None
        if not self._is_well(looking):
            return False
        open_now = {(response.words, subject) for response, subject in self._seen}
        by_words = {response.words: response for response, _ in self._responses}
        for reaction in looking.result():
            if reaction.do in by_words and (reaction.do, reaction.subject) not in open_now:
                job = _Job(by_words[reaction.do], Ongoing(reaction.alarm), judged_s)
                if self._at_first is not None and reaction.subject in self._at_first:
                    self._jobs.appendleft(job)
                else:
                    self._left[job.key] = (job, max(judged_s, reaction.alarm.at_s) + self._patience_s)
        self._began = True
        return True

    def _end_what_was_left(self, judged_s: float) -> None:
        """Say of alarms of others that they have cleared, where they had time to show here and did not."""
        for key, (job, until_s) in list(self._left.items()):
            if key in self._seen:
                del self._left[key]
            elif judged_s >= until_s:
                del self._left[key]
                self._jobs.append(replace(job, until_s=judged_s))

    def _go_on(self) -> None:
        if self._going is not None:
            if not self._going.done():
                return
            going, self._going = self._going, None
            if not self._is_well(going):
                return
            self._said(self._jobs.popleft(), going.result())
        while self._jobs and self._is_stale(self._jobs[0]):
            self._jobs.popleft()
        if self._jobs and self._clock_s() >= self._backoff.at_s:
            job = self._jobs[0]
            self._going = self._threads.submit(self._do, job)

    def _do(self, job: _Job) -> Reaction | None:
        if job.until_s is None:
            return self._acts.act(job.response, job.ongoing)
        return self._acts.end(job.response, job.ongoing, job.until_s)

    def _is_stale(self, job: _Job) -> bool:
        """Whether an alarm that was to act has cleared before it could."""
        seen = self._seen.get(job.key)
        return job.until_s is None and (seen is None or seen.opened != job.ongoing.opened)

    def _is_well(self, done: Future[Reaction | None] | Future[Sequence[Reaction]]) -> bool:
        """Whether it was done; one that was not is said, and tried again later."""
        problem = done.exception()
        if problem is None:
            self._backoff.succeeded()
            return True
        why = {"why": str(problem), "again_in_s": self._backoff.failed(self._clock_s())}
        known = isinstance(problem, Problem)
        logger.warning("a response could not be told", extra=why, exc_info=None if known else problem)
        self._told("failed", f"a response could not be told: {problem}")
        return False

    def _said(self, job: _Job, reaction: Reaction | None) -> None:
        if reaction is None:
            return
        facts = {"do": reaction.do, "metric": job.ongoing.subject.metric, "column": job.ongoing.subject.column}
        facts |= {"command": reaction.command, "why": reaction.why}
        logger.warning("response %s", reaction.stage, extra=facts)
        why = f" ({reaction.why})" if reaction.why else ""
        self._told(reaction.stage, f"{reaction.do}, for {job.ongoing.subject.column}: {reaction.stage}{why}")
