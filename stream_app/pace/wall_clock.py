"""Profiles by the clock on the wall: local time, daylight saving included."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from schemas.cron import parse_cron
from schemas.errors import InputError
from schemas.rate_forms import Timetable
from stream_app.pace.segments import Floats, Segments, joined

HOUR_S = 3_600.0
DAY_S = 86_400.0

MONDAY_S = 4 * DAY_S
"""The first Monday's midnight, in seconds since the epoch: cycles begin on it."""

LOOK_BACK_DAYS = 3_000
"""A schedule's entry fires at least once in so many days: 29 February may be eight years away."""

TRANSITION_S = 1.0
"""How exactly a change of daylight saving is found, in seconds; it is on a whole one."""


def smooth(weights: Sequence[float], slot_s: float, pieces: int, mean: float) -> Segments:
    """A cycle through weights, each reached in the middle of its slot, without overshoot.

    Args:
        weights: one a slot.
        slot_s: how long a slot is.
        pieces: into how many lines a slot is cut.
        mean: the rate's mean over the cycle.

    Source: Fritsch and Butland 1984, monotone piecewise cubic interpolation with harmonic means of slopes.
    """
    heights: Floats = np.array(weights, np.float64)
    following: Floats = np.roll(heights, -1)
    rise = following - heights  # slope behind each middle, a slot as the unit
    before = np.roll(rise, 1)
    same = rise * before > 0
    slope = np.divide(2 * rise * before, rise + before, out=np.zeros_like(rise), where=same)
    at = np.arange(pieces) / pieces
    t, u = at[None, :], 1 - at[None, :]
    values = (
        heights[:, None] * (1 + 2 * t) * u**2
        + slope[:, None] * t * u**2
        + following[:, None] * (1 + 2 * u) * t**2
        - np.roll(slope, -1)[:, None] * u * t**2
    )  # (slots, pieces), from the middle of the first slot on
    course = np.asarray(np.roll(np.maximum(values, 0).ravel(), pieces // 2), np.float64)
    course *= mean / float(course.mean())
    edges = np.arange(len(course) + 1, dtype=np.float64) * (slot_s / pieces)
    return Segments(edges, course, np.roll(course, -1))


@lru_cache(maxsize=4_096)
def _offset_s(zone: str, second: float) -> float:
    """How far local time is ahead of UTC at a second since the epoch."""
    moment = datetime.datetime.fromtimestamp(second, datetime.UTC).astimezone(ZoneInfo(zone))
    offset = moment.utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def _stretches(zone: str, start: float, stop: float) -> list[tuple[float, float, float]]:
    """Cut [start, stop) where the offset changes: (start, stop, offset) each; it changes once a day at most."""
    found: list[tuple[float, float, float]] = []
    while start < stop:
        offset, end = _offset_s(zone, start), min(stop, start + DAY_S)
        if _offset_s(zone, end) != offset:
            low, end = start, float(np.ceil(end))
            while end - low > TRANSITION_S:
                middle = float(np.floor((low + end) / 2))
                low, end = (middle, end) if _offset_s(zone, middle) == offset else (low, middle)
            end = min(end, stop)
        found.append((start, end, offset))
        start = end
    return found


@dataclass(frozen=True)
class LocalCycle:
    """A day's or week's course by a local clock.

    Args:
        timezone: whose clock.
        cycle: the rate over a cycle that begins on Monday at midnight.
        origin_ms: where the profile's time is zero, milliseconds since the epoch.
    """

    timezone: str
    cycle: Segments
    origin_ms: float

    def over(self, start: float, stop: float) -> Segments:
        """The rate over [start, stop), in seconds since the profile began."""
        epoch = self.origin_ms / 1_000
        parts = []
        for low, high, offset in _stretches(self.timezone, epoch + start, epoch + stop):
            ahead = epoch - MONDAY_S + offset
            parts.append(self.cycle.tiled(low - epoch + ahead, high - epoch + ahead).moved(-ahead))
        whole = joined(parts)
        edges = np.maximum.accumulate(whole.edges.clip(start, stop))
        edges[0], edges[-1] = start, stop
        return Segments(edges, whole.left, whole.right)


@dataclass(frozen=True)
class LocalTimetable:
    """Rates that hold from firing to firing of cron expressions.

    Args:
        timetable: the entries and whose clock.
        origin_ms: where the profile's time is zero, milliseconds since the epoch.

    Raises:
        InputError: no entry ever fires.
    """

    timetable: Timetable
    origin_ms: float
    memo: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def over(self, start: float, stop: float) -> Segments:
        """The rate over [start, stop), in seconds since the profile began."""
        epoch = self.origin_ms / 1_000
        first, last = self._day(epoch + start) - 1, self._day(epoch + stop) + 1
        days = [self._firings(day) for day in range(first, last + 1)]
        at = np.concatenate([moments for moments, _ in days]) - epoch
        rates = np.concatenate([rates for _, rates in days])
        inside = (at > start) & (at < stop)
        before = rates[at <= start]
        held = float(before[-1]) if len(before) else self._before(first - 1)
        values = np.append(held, rates[inside])
        return Segments(np.concatenate([[start], at[inside], [stop]]), values, values)

    def _day(self, second: float) -> int:
        return int((second + _offset_s(self.timetable.timezone, second)) // DAY_S)

    def _before(self, day: int) -> float:
        """The rate at the end of a day, in days since the epoch."""
        for earlier in range(day, day - LOOK_BACK_DAYS, -1):
            _, rates = self._firings(earlier)
            if len(rates):
                return float(rates[-1])
        crons = ", ".join(repr(entry.cron) for entry in self.timetable.entries)
        raise InputError(f"rate_per_s.schedule: {crons} never fire; give an entry that does")

    def _firings(self, day: int) -> tuple[Floats, Floats]:
        """When entries fire on a local day, in seconds since the epoch and in order, and their rates."""
        if day not in self.memo:
            if len(self.memo) > 4 * LOOK_BACK_DAYS:
                self.memo.clear()
            self.memo[day] = self._fired(datetime.date(1970, 1, 1) + datetime.timedelta(days=day))
        return self.memo[day]

    def _fired(self, date: datetime.date) -> tuple[Floats, Floats]:
        named: dict[int, float] = {}
        for entry in self.timetable.entries:
            named.update(dict.fromkeys(_cron(entry.cron).firings(date).tolist(), entry.rate))
        minutes = sorted(named)
        zone = ZoneInfo(self.timetable.timezone)
        midnight = datetime.datetime.combine(date, datetime.time(), zone).timestamp()
        next_day = datetime.datetime.combine(date + datetime.timedelta(days=1), datetime.time(), zone).timestamp()
        moments = midnight + np.array(minutes, np.float64) * 60
        if next_day - midnight != DAY_S:
            local = [datetime.datetime.combine(date, datetime.time(m // 60, m % 60), zone) for m in minutes]
            moments = np.maximum.accumulate(np.array([moment.timestamp() for moment in local], np.float64))
        rates = np.array([named[minute] for minute in minutes])
        last = np.append(np.diff(moments) > 0, True)[: len(moments)]  # of several at one moment the last
        return moments[last], rates[last]


_cron = lru_cache(maxsize=256)(parse_cron)
