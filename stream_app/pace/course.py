"""A shard's course through a profile: when each of its records is due."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.randomness import Key
from schemas.rates import Intensity, Profile, profile_of
from stream_app.pace.arrivals import Arrivals
from stream_app.pace.curve import Anchor, Curve
from stream_app.pace.segments import Floats
from stream_app.pace.signals import Setting, signal

ROUNDING_MS = 1e-6
"""Far below a record's spacing, far above the rounding of a double that holds a time in milliseconds."""

NEVER_MS = 7_258_118_400_000
"""The year 2200: when records behind a recording's end are due. Later ones would not fit into nanoseconds."""

TIE = 1e-6
"""So close to a record's place the place is not past."""

PAGE = 4_096
"""Records whose times are worked out together."""

PAGES_KEPT = 4
"""Pages that stay in memory."""


@dataclass(frozen=True)
class StreamClock:
    """The stream's own time: it may run faster than publishing does, and begins with it.

    Args:
        speed: its seconds in one second.
        publish_ms: a moment, milliseconds since the epoch.
        event_ms: what the stream's clock shows then.
    """

    speed: float = 1.0
    publish_ms: float = 0.0
    event_ms: float = 0.0

    def event(self, publish_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What it shows at moments, whole milliseconds, shape (n,)."""
        if self.speed == 1 and self.publish_ms == self.event_ms:
            return publish_ms
        shown: npt.NDArray[np.int64] = np.floor(self.shows(publish_ms)).astype(np.int64)
        return shown

    def shows(self, publish_ms: Any) -> Any:
        """What it shows at a moment or at moments, milliseconds since the epoch."""
        return self.event_ms + (publish_ms - self.publish_ms) * self.speed

    def behind(self, lag_ms: float) -> StreamClock:
        """The same clock, so much later."""
        return replace(self, publish_ms=self.publish_ms + lag_ms)


@dataclass(frozen=True)
class Share:
    """A shard's share of a stream.

    Args:
        fraction: of the stream's records.
        phase: when in a gap between two of its records its first is due, 0 to 1; so shards take turns.
        stream_key: selects what is random and the same for all shards.
        shard_key: selects what is random and its own.
    """

    fraction: float = 1.0
    phase: float = 0.0
    stream_key: Key = (0, 0)
    shard_key: Key = (0, 0)


@dataclass(frozen=True)
class Course:
    """A shard's part in a profile.

    Record k is due when the shard's share of the profile reaches k - mark records; with random arrivals, when it
    reaches the time of arrival k of a process of rate one, less mark.

    Args:
        profile: the rate of the whole stream.
        origin_ms: when the profile began on the stream's clock, milliseconds since the epoch.
        share: the shard's share.
        mark: settles which record stands where.
        anchor: how far the profile was added up already; it saves time and changes nothing.
    """

    profile: Profile
    origin_ms: float
    share: Share = field(default_factory=Share)
    mark: float = 0.0
    anchor: Anchor = field(default=(0, 0.0), compare=False)

    def is_like(self, other: object) -> bool:
        """Whether another follows the same profile, wherever it stands in it."""
        return isinstance(other, Course) and replace(other, mark=self.mark) == self

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back; the profile is apart from it."""
        share = self.share
        return {
            "origin_ms": self.origin_ms,
            "share": [share.fraction, share.phase, *share.stream_key, *share.shard_key],
            "mark": self.mark,
            "anchor": list(self.anchor),
        }

    @classmethod
    def from_json(cls, profile: dict[str, Any], form: dict[str, Any]) -> Course:
        """Read what `to_json` wrote."""
        fraction, phase, a, b, c, d = form["share"]
        number, before = form["anchor"]
        share = Share(fraction, phase, (a, b), (c, d))
        return cls(profile_of(profile), form["origin_ms"], share, form["mark"], (number, before))


class DueTimes:
    """When the records of a course are due. Everything it keeps could be worked out again.

    Args:
        course: the course.
        clock: the stream's clock.
    """

    def __init__(self, course: Course, clock: StreamClock) -> None:
        self._course = course
        self._clock = clock
        self._curve = _curve(course.profile.intensity, Setting(course.origin_ms, course.share.stream_key))
        self._curve.learn(course.anchor)
        self._arrivals = Arrivals(course.share.shard_key) if course.profile.random else None
        self._pages: OrderedDict[int, npt.NDArray[np.int64]] = OrderedDict()

    def due_ms(self, sequences: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Intended publish times of records, whole milliseconds since the epoch, shape (n,)."""
        reached = sequences.astype(np.float64) if self._arrivals is None else self._arrivals.times(sequences)
        seconds = self._curve.seconds((reached - self._course.mark) * self._per_record)
        since_ms = self._course.origin_ms - self._clock.event_ms + seconds * 1_000
        moments = self._clock.publish_ms + since_ms / self._clock.speed + ROUNDING_MS
        due: npt.NDArray[np.int64] = np.floor(np.minimum(moments, NEVER_MS)).astype(np.int64)
        return due

    def due_until(self, now_ms: float, position: int) -> int:
        """The sequence number before which every record is due.

        Args:
            now_ms: the time now, milliseconds since the epoch.
            position: a record near the answer, which makes it quick to find.
        """
        now = math.floor(now_ms)
        number = position // PAGE
        due = self._page(number)
        if not due[0] <= now < due[-1]:
            number = max(self._standing(now_ms), 0) // PAGE
            due = self._page(number)
        while due[0] > now and number > 0:
            number -= 1
            due = self._page(number)
        while due[-1] <= now:
            number += 1
            due = self._page(number)
        return number * PAGE + int(np.searchsorted(due, now, side="right"))

    def anchored(self) -> Course:
        """The course, with how far its profile has been added up by now."""
        return replace(self._course, anchor=self._curve.anchor)

    def marked(self, position: int, now_ms: float) -> Course:
        """The course on which a record is the first that is due from now on, in its shard's turn."""
        reached = self._reached(now_ms)
        if self._arrivals is None:
            turn = self._course.share.phase
            return replace(self._course, mark=position - (math.ceil(reached - turn - TIE) + turn))
        return replace(self._course, mark=float(self._arrivals.times(np.array([position - 1]))[0]) - reached)

    def expected(self, moments_ms: Floats) -> Floats:
        """Records the whole stream is expected to have published by moments since the profile began, shape (n,)."""
        masses: Floats = self._curve.mass(self._seconds(moments_ms)) / self._clock.speed
        return masses

    @property
    def _per_record(self) -> float:
        """How much of the curve a record of the shard takes."""
        return self._clock.speed / self._course.share.fraction

    def _seconds(self, moments_ms: Floats) -> Floats:
        seconds: Floats = (self._clock.shows(moments_ms) - self._course.origin_ms) / 1_000
        return seconds

    def _reached(self, now_ms: float) -> float:
        """How many records the shard's share of the profile has reached."""
        return float(self._curve.mass(self._seconds(np.array([now_ms])))[0]) / self._per_record

    def _standing(self, now_ms: float) -> int:
        """About which record is due now."""
        reached = self._reached(now_ms) + self._course.mark
        return math.floor(reached) if self._arrivals is None else self._arrivals.count(reached)

    def _page(self, number: int) -> npt.NDArray[np.int64]:
        known = self._pages.get(number)
        if known is None:
            known = self._pages[number] = self.due_ms(np.arange(number * PAGE, (number + 1) * PAGE))
            if len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        return known


@lru_cache(maxsize=32)
def _curve(rate: float | Intensity, setting: Setting) -> Curve:
    """The curve that all shards of a stream share in one process."""
    return Curve(signal(rate, setting))
