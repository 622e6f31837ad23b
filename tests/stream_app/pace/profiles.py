"""Profiles to try laws on: every form, by itself and composed, with parameters drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from schemas.rates import Profile, profile_of
from stream_app.pace.course import DueTimes
from stream_app.schedule import Schedule, begun, equal_share

START_MS = 1_767_272_400_000.0  # Thursday 2026-01-01 13:00:00 UTC

HOURS = [1, 1, 1, 1, 1, 2, 4, 8, 9, 9, 8, 8, 9, 8, 8, 8, 7, 6, 5, 4, 3, 2, 2, 1]
DAYS = [5, 5, 5, 5, 6, 9, 8]

EVERY: dict[str, Any] = {
    "constant": 120,
    "ramp": {"from": 0, "to": 300, "over_s": 40},
    "steps": {"plan": [{"rate": 200, "for_s": 3}, {"rate": 0, "for_s": 2.5}, {"rate": 90, "for_s": 1}], "repeat": True},
    "schedule": {
        "entries": [{"cron": "*/2 * * * *", "rate": 80}, {"cron": "1-59/2 * * * *", "rate": 200}],
        "timezone": "Europe/Berlin",
    },
    "diurnal": {"rate": 150, "hours": HOURS, "timezone": "Asia/Kolkata"},
    "weekly": {"rate": 150, "days": DAYS, "timezone": "America/New_York"},
    "sine": {"mean": 150, "amplitude": 150, "period_s": 20, "phase": 0.25},
    "bursts": {"base": 20, "peak": 900, "every_s": 15, "for_s": 2},
    "mmpp": [{"rate": 30, "dwell_s": 4}, {"rate": 400, "dwell_s": 1}, {"rate": 0, "dwell_s": 2}],
    "sum": [
        40,
        {"bursts": {"base": 0, "peak": 300, "every_s": 7, "for_s": 0.5}},
        {"sine": {"mean": 50, "amplitude": 20, "period_s": 11}},
    ],
    "product": [{"diurnal": {"rate": 150, "hours": HOURS}}, {"sine": {"mean": 1, "amplitude": 0.5, "period_s": 30}}],
}
"""Each form once, with some hundred records a second."""

PROFILES = [profile_of({name: form}) for name, form in EVERY.items()]

rates = st.floats(5, 500)
lengths = st.floats(1, 40)

plain = st.one_of(
    st.builds(lambda rate: {"constant": rate}, rates),
    st.builds(lambda a, b, s: {"ramp": {"from": a, "to": b, "over_s": s}}, st.floats(0, 500), rates, lengths),
    st.builds(
        lambda steps, last, repeat: {
            "steps": {"plan": [{"rate": r, "for_s": s} for r, s in [*steps, last]], "repeat": repeat}
        },
        st.lists(st.tuples(st.one_of(st.just(0.0), rates), lengths), max_size=4),
        st.tuples(rates, lengths),
        st.booleans(),
    ),
    st.builds(
        lambda mean, part, s, phase: {"sine": {"mean": mean, "amplitude": mean * part, "period_s": s, "phase": phase}},
        rates,
        st.floats(0, 1),
        lengths,
        st.floats(-1, 1),
    ),
    st.builds(
        lambda base, peak, s, part: {"bursts": {"base": base, "peak": peak, "every_s": s, "for_s": s * part}},
        st.floats(0, 50),
        rates,
        lengths,
        st.floats(0.05, 0.95),
    ),
    st.builds(
        lambda weights, zone: {"diurnal": {"rate": 100, "hours": weights, "timezone": zone}},
        st.lists(st.floats(0.1, 9), min_size=24, max_size=24),
        st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    ),
    st.builds(
        lambda a, b, s: {"mmpp": [{"rate": a, "dwell_s": s}, {"rate": b, "dwell_s": 3}]},
        st.floats(0, 100),
        rates,
        st.floats(0.2, 9),
    ),
)
forms = st.one_of(
    plain,
    st.builds(lambda parts: {"sum": parts}, st.lists(st.one_of(plain, rates), min_size=1, max_size=3)),
    st.builds(
        lambda a, b: {"product": [a, {"sine": {"mean": 1, "amplitude": b, "period_s": 9}}]}, plain, st.floats(0, 1)
    ),
)
"""Profiles whose records come evenly."""


def courses(profile: Profile, shards: int = 1, speed: float = 1.0, start_ms: float = START_MS) -> list[Schedule]:
    """The schedules of a stream's shards."""
    return [
        begun(profile, equal_share(shard, shards, stream_key=(7, 7), shard_key=(7, shard)), start_ms, speed)
        for shard in range(shards)
    ]


def due_by(schedules: list[Schedule], seconds: float, start_ms: float = START_MS) -> np.ndarray[Any, Any]:
    """When the records of all shards up to a moment are due, in milliseconds since the start and in order."""
    found = []
    for schedule in schedules:
        bound = schedule.due_until(start_ms + seconds * 1_000, 0)
        assert bound is not None
        found.append(schedule.due_ms(np.arange(bound)))
    return np.sort(np.concatenate(found)) - int(start_ms)


def times_of(schedule: Schedule) -> DueTimes:
    """What works the schedule's times out."""
    times = schedule.latest.times
    assert times is not None
    return times
