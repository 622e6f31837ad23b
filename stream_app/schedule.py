"""When every record is due: the change log of a shard, and the schedule that follows from it.

A shard's schedule is a function of its change log alone, so a worker that takes the shard over publishes the
same records with the same timestamps as the one before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError
from schemas.rates import Profile
from stream_app.change_log import ChangeLog
from stream_app.pace.course import ROUNDING_MS, TIE, Course, DueTimes, Share, StreamClock
from stream_app.pace.recordings import placeless

UNPACED = math.inf
"""The rate of a shard that publishes as fast as it can."""

Rate = float | Profile
"""A stream's rate: records a second, `UNPACED`, or a profile of time."""

Pace = float | Course
"""A shard's rate: records a second, 0 while paused, `UNPACED`, or its course through the stream's profile."""


@dataclass(frozen=True)
class Change:
    """What holds from one sequence number on.

    Args:
        sequence: the first record of the shard it applies to.
        at_ms: the intended publish time of that record, milliseconds since the epoch.
        rate_per_s: records a second of this shard; 0 while paused, `UNPACED` for as fast as possible; or a course.
        clock: the stream's clock.
        turn: where in the time between two records the shard's turn is, 0 to 1: shards of one rate interleave.

    Raises:
        InputError: a negative sequence, or a rate that is negative or not a number.
    """

    sequence: int
    at_ms: float
    rate_per_s: Pace
    clock: StreamClock = field(default_factory=StreamClock)
    turn: float = 0.0

    def __post_init__(self) -> None:
        if self.sequence < 0:
            raise InputError(f"sequence={self.sequence}: must be >= 0")
        if not isinstance(self.rate_per_s, Course) and not self.rate_per_s >= 0:
            raise InputError(f"rate_per_s={self.rate_per_s}: must be >= 0 (0 pauses)")

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back; an unpaced rate is null, a profile is a mapping."""
        pace = self.rate_per_s
        return {
            "sequence": self.sequence,
            "at_ms": self.at_ms,
            "rate_per_s": pace.profile.to_json() if isinstance(pace, Course) else None if pace == UNPACED else pace,
            "course": None if self.times is None else self.times.anchored().to_json(),
            "clock": asdict(self.clock),
            "turn": self.turn,
        }

    @classmethod
    def from_json(cls, form: dict[str, Any]) -> Change:
        """Read what `to_json` wrote."""
        rate, course = form["rate_per_s"], form["course"]
        pace = Course.from_json(rate, course) if course is not None else UNPACED if rate is None else rate
        return cls(form["sequence"], form["at_ms"], pace, StreamClock(**form["clock"]), form["turn"])

    def keeps(self, pace: Pace) -> bool:
        """Whether it goes at that pace already."""
        mine = self.rate_per_s
        if isinstance(pace, Course) or isinstance(mine, Course):
            return isinstance(pace, Course) and pace.is_like(mine)
        return math.isclose(mine, pace)

    def due_ms(self, sequences: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Intended publish times of records, whole milliseconds since the epoch, shape (n,)."""
        if self.times is not None:
            return self.times.due_ms(sequences)
        due: npt.NDArray[np.int64] = np.floor(
            self.at_ms + (sequences - self.sequence) * self._gap_ms + ROUNDING_MS
        ).astype(np.int64)
        return due

    def due_until(self, now_ms: float, position: int) -> int | None:
        """The sequence number before which every record is due, as far as this change says; None for no bound."""
        if self.times is not None:
            return self.times.due_until(now_ms, position)
        gap_ms, now = self._gap_ms, math.floor(now_ms)
        if self.rate_per_s == UNPACED:
            return None
        if self.rate_per_s == 0:
            return self.sequence
        owed = max(math.ceil((now + 1 - ROUNDING_MS - self.at_ms) / gap_ms), 0)
        while math.floor(self.at_ms + owed * gap_ms + ROUNDING_MS) <= now:
            owed += 1
        while owed > 0 and math.floor(self.at_ms + (owed - 1) * gap_ms + ROUNDING_MS) > now:
            owed -= 1
        return self.sequence + owed

    def resumed(self, position: int, now_ms: float, pace: Pace) -> Change:
        """The same at another pace from a record on, which is the first that is due from now on, in its shard's turn.

        Shards take their turns as if all had been at that pace for ever: each hears of it at a moment of its own.
        """
        if isinstance(pace, Course):
            return replace(
                self, sequence=position, at_ms=now_ms, rate_per_s=DueTimes(pace, self.clock).marked(position, now_ms)
            )
        resumed = replace(self, sequence=position, at_ms=now_ms, rate_per_s=pace)
        gap_ms = resumed._gap_ms
        if gap_ms == 0:
            return resumed
        turns = math.ceil(now_ms / gap_ms - self.turn - TIE) + self.turn
        return replace(resumed, at_ms=turns * gap_ms)

    def skipped(self, position: int, now_ms: float) -> Change:
        """The same without what was due before now: a record takes the next place there is."""
        if self.times is not None:
            return self.resumed(position, now_ms, self.rate_per_s)
        due_ms = self.at_ms + (position - self.sequence) * self._gap_ms
        missed = max(math.ceil((now_ms - due_ms) / self._gap_ms), 0)
        return replace(self, sequence=position, at_ms=due_ms + missed * self._gap_ms)

    def shifted(self, position: int, now_ms: float) -> Change:
        """The same so much later that a record is due now; the stream's clock waited."""
        if self.times is not None:
            lag_ms = now_ms - int(self.times.due_ms(np.array([position]))[0])
        else:
            lag_ms = now_ms - (self.at_ms + (position - self.sequence) * self._gap_ms)
        return replace(self, sequence=position, at_ms=now_ms, clock=self.clock.behind(lag_ms))

    @cached_property
    def times(self) -> DueTimes | None:
        """What works its times out, on a course."""
        return DueTimes(self.rate_per_s, self.clock) if isinstance(self.rate_per_s, Course) else None

    @cached_property
    def _gap_ms(self) -> float:
        rate = self.rate_per_s
        return 0.0 if isinstance(rate, Course) or rate in (0, UNPACED) else 1_000 / rate


@dataclass(frozen=True)
class Schedule(ChangeLog[Change]):
    """The change log that says when the records of one shard are due.

    >>> schedule = Schedule((Change(0, 1_000.0, 10.0),))
    >>> schedule.due_ms(np.array([0, 1, 10])).tolist()
    [1000, 1100, 2000]
    >>> schedule.due_until(1_250.0, position=0)
    3
    """

    def course(self, rate: Profile) -> Course | None:
        """The newest course, if it is one through that profile; it may have been paused since."""
        courses = (change.rate_per_s for change in reversed(self.changes))
        newest = next((pace for pace in courses if isinstance(pace, Course)), None)
        return newest if newest is not None and placeless(newest.profile) == placeless(rate) else None

    def due_ms(self, sequences: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Intended publish times of records under a paced change.

        Args:
            sequences: sequence numbers of the shard, shape (n,).

        Returns:
            Milliseconds since the epoch, shape (n,); an unpaced change gives its start.
        """
        starts = [change.sequence for change in self.changes]
        which = np.searchsorted(starts[1:], sequences, side="right")
        due = np.empty(len(sequences), np.int64)
        for each in np.unique(which).tolist():
            due[which == each] = self.changes[each].due_ms(sequences[which == each])
        return due

    def due_until(self, now_ms: float, position: int) -> int | None:
        """The sequence number before which every record is due.

        Args:
            now_ms: the time now, milliseconds since the epoch.
            position: the next record to publish.

        Returns:
            An exclusive bound, `position` when nothing is due; None when there is no bound (unpaced).
        """
        bound = self.latest.due_until(now_ms, position)
        return None if bound is None else max(position, bound)

    def changed(self, change: Change) -> Schedule:
        """The schedule with one more change; it replaces those that start at the same record or later."""
        return self.replaced(change)

    def with_rate(self, position: int, now_ms: float, pace: Pace) -> Schedule:
        """The schedule at another pace from the next record on; a profile goes on where the clock is in it."""
        return self.changed(self.latest.resumed(position, now_ms, pace))


@dataclass(frozen=True)
class Behind:
    """What becomes of a shard's schedule when its records are handed over late.

    Args:
        policy: catch_up, skip or shift.
        after_s: how late the next record must be, in seconds.
    """

    policy: str = "catch_up"
    after_s: float = 5.0

    def applied(self, schedule: Schedule, position: int, now_ms: float, lag_ms: float) -> Schedule | None:
        """The schedule to go on with; None for the same.

        Args:
            schedule: the shard's change log.
            position: the next record.
            now_ms: the time now, milliseconds since the epoch.
            lag_ms: how late that record is, in milliseconds.
        """
        if self.policy == "catch_up" or lag_ms <= self.after_s * 1_000 or schedule.latest.rate_per_s == UNPACED:
            return None
        move = Change.skipped if self.policy == "skip" else Change.shifted
        return schedule.changed(move(schedule.latest, position, now_ms))


def check_clock(event_time: str | None, rate: Rate) -> None:
    """Refuse a rate by which a stream's clock, which fills a column, can not run.

    Raises:
        InputError: the rate is `UNPACED`, and there is such a column.
    """
    if event_time is not None and rate == UNPACED:
        raise InputError(
            f"rate_per_s=max: the stream's clock fills {event_time} (event_time) and runs by the rate; "
            "give a number or a profile"
        )


def equal_share(shard: int, shards: int, **keys: Any) -> Share:
    """The share of a shard when all have the same."""
    return Share(1 / shards, shard / shards, **keys)


def pace_of(rate: Rate, share: Share, origin_ms: float) -> Pace:
    """A shard's share of a stream's rate.

    Args:
        rate: the stream's.
        share: the shard's share.
        origin_ms: when a profile begins on the stream's clock, milliseconds since the epoch.
    """
    if share.fraction == 0:
        return 0.0
    if isinstance(rate, Profile):
        return Course(rate, origin_ms, share, -share.phase if not rate.random else 0.0)
    return rate * share.fraction


def begun(rate: Rate, share: Share, at_ms: float, speed: float = 1.0) -> Schedule:
    """The schedule of a shard of a stream that begins.

    Args:
        rate: the stream's rate.
        share: the shard's share.
        at_ms: when the stream starts, milliseconds since the epoch; its clock shows that time then.
        speed: seconds of the stream's clock in one second.
    """
    pace = pace_of(rate, share, at_ms)
    clock = StreamClock(speed, at_ms, at_ms)
    if isinstance(pace, Course):
        first = Change(0, at_ms, pace, clock, share.phase)
        return Schedule((replace(first, at_ms=float(first.due_ms(np.array([0]))[0])),))
    turn_ms = 0.0 if pace in (0, UNPACED) else share.phase * 1_000 / pace
    return Schedule((Change(0, at_ms + turn_ms, pace, clock, share.phase),))


def starting(rate: Rate, shard: int, shards: int, at_ms: float) -> Schedule:
    """The schedule of a shard whose stream begins, all shards taking equal turns.

    Args:
        rate: the stream's rate; `UNPACED` for as fast as possible.
        shard: which shard, 0 to shards - 1.
        shards: how many shards share the rate.
        at_ms: when the stream starts, milliseconds since the epoch.
    """
    return begun(rate, equal_share(shard, shards), at_ms)


def share(count: int, shard: int, fractions: Sequence[float]) -> int:
    """How many of `count` records a shard publishes: its fraction rounded down, and one more for the shards that lose
    most by that, the lowest first, until all are given out.

    >>> [share(10, shard, [0.25] * 4) for shard in range(4)]
    [3, 3, 2, 2]
    """
    exact = np.array(fractions) * count
    whole = np.floor(exact.round(6))
    left = count - int(whole.sum())
    first = np.argsort((whole - exact).round(6), kind="stable")[:left]
    return int(whole[shard]) + int(shard in first)
