"""What a stream's rate will be, before anybody runs it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.errors import InputError
from schemas.rates import Profile
from stream_app.pace.course import Share
from stream_app.pace.segments import Floats
from stream_app.schedule import UNPACED, Rate, Schedule, begun

PARTS = 8
"""Each point is looked at in so many parts, to show how far the rate moves within it."""


@dataclass(frozen=True)
class Plan:
    """What a forecast is of.

    Args:
        name: the stream.
        rate: its rate.
        shares: the share of each shard.
        speed: seconds of the stream's clock in one second.
        count: how many records it publishes; None for ever.
        until_ms: when it ends, milliseconds since the epoch.
    """

    name: str
    rate: Rate
    shares: tuple[Share, ...]
    speed: float = 1.0
    count: int | None = None
    until_ms: float = math.inf


@dataclass(frozen=True)
class Forecast:
    """A stream's rate over a stretch of time, point by point.

    Args:
        name: the stream.
        profile: its profile in short.
        random: whether arrivals are random; then these are those of its seed, else their expected number.
        edges_ms: where points begin and the last ends, milliseconds since the epoch, shape (n + 1,).
        per_s: records a second, shape (n,).
        low: the lowest rate within each point, shape (n,).
        high: the highest, shape (n,).
        fractions: the share of each shard.
    """

    name: str
    profile: str
    random: bool
    edges_ms: Floats
    per_s: Floats
    low: Floats
    high: Floats
    fractions: tuple[float, ...]

    @property
    def records(self) -> float:
        """How many records there are in all."""
        return float((self.per_s * np.diff(self.edges_ms)).sum() / 1_000)

    @property
    def point_s(self) -> float:
        """How long a point is, in seconds."""
        return float(self.edges_ms[1] - self.edges_ms[0]) / 1_000

    def to_json(self) -> dict[str, Any]:
        """For programs: times in milliseconds since the epoch, rates in records a second."""
        return {
            "stream": self.name,
            "profile": self.profile,
            "random": self.random,
            "records": round(self.records, 3),
            "mean_per_s": round(float(self.per_s.mean()), 6),
            "peak_per_s": round(float(self.high.max()), 6),
            "point_s": self.point_s,
            "at_ms": self.edges_ms[:-1].tolist(),
            "per_s": self.per_s.round(6).tolist(),
            "shards": [
                {"shard": shard, "share": fraction, "per_s": (self.per_s * fraction).round(6).tolist()}
                for shard, fraction in enumerate(self.fractions)
            ],
        }


def forecast(plan: Plan, from_ms: float, to_ms: float, points: int) -> Forecast:
    """Work out a stream's rate, from its beginning on.

    Args:
        plan: the stream.
        from_ms: when it begins, milliseconds since the epoch.
        to_ms: up to when.
        points: how many points.

    Raises:
        InputError: a stream without a pace, or a stretch that ends before it begins.
    """
    if plan.rate == UNPACED:
        raise InputError("rate_per_s=max: goes as fast as the broker takes it, so there is no rate to draw")
    if not to_ms > from_ms:
        raise InputError("to: must be after from")
    schedules = [begun(plan.rate, share, from_ms, plan.speed) for share in plan.shares]
    busiest = schedules[int(np.argmax([share.fraction for share in plan.shares]))]
    edges = np.linspace(from_ms, to_ms, points * PARTS + 1)
    moments = np.minimum(edges, plan.until_ms)
    random = isinstance(plan.rate, Profile) and plan.rate.random
    total = _drawn(schedules, moments) if random else _expected(plan.rate, busiest, moments)
    total = total if plan.count is None else np.minimum(total, plan.count)
    parts = (np.diff(total) / np.diff(edges) * 1_000).reshape(points, PARTS)  # (points, parts)
    return Forecast(
        plan.name,
        plan.rate.text if isinstance(plan.rate, Profile) else f"{plan.rate:g}",
        random,
        edges[::PARTS],
        parts.mean(axis=1),
        parts.min(axis=1),
        parts.max(axis=1),
        tuple(share.fraction for share in plan.shares),
    )


def _expected(rate: Rate, schedule: Schedule, moments_ms: Floats) -> Floats:
    """Records of the whole stream expected by moments, shape (n,)."""
    times = schedule.latest.times
    if times is not None:
        return times.expected(moments_ms)
    total: Floats = (moments_ms - moments_ms[0]) / 1_000 * rate
    return total


def _drawn(schedules: list[Schedule], moments_ms: Floats) -> Floats:
    """Records of the whole stream that are due by moments, shape (n,)."""
    total = np.zeros(len(moments_ms))
    for schedule in schedules:
        bound = 0
        for i, moment in enumerate(moments_ms.tolist()):
            due = schedule.due_until(moment, bound)
            bound = bound if due is None else due
            total[i] += bound
    return total
