"""Profiles by the clock on the wall: weights reached, weeks begun, hours lost and doubled."""

from __future__ import annotations

import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.pace.wall_clock import DAY_S, HOUR_S, smooth
from tests.stream_app.pace.profiles import HOURS
from tests.stream_app.pace.test_signals import made, rates


def at(text: str, zone: str = "UTC") -> float:
    """Seconds since the epoch of a local time."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@given(weights=st.lists(st.floats(0, 1e3), min_size=2, max_size=30).filter(lambda w: sum(w) > 1))
def test_a_smooth_cycle_reaches_its_weights_and_never_overshoots(weights: list[float]) -> None:
    cycle = smooth(weights, 1.0, 8, 1.0)
    scale = cycle.left[4] / weights[0] if weights[0] > 1 else None
    assert cycle.masses.sum() == pytest.approx(len(weights))
    assert (cycle.left >= 0).all()
    assert cycle.right.tolist() == np.roll(cycle.left, -1).tolist()
    if scale is not None:
        assert cycle.left[4::8] == pytest.approx(np.array(weights) * scale, abs=1e-6)
        middles = np.append(cycle.left[4::8], cycle.left[4])
        for (low, high), piece in zip(pairwise(middles), np.roll(cycle.left, -4).reshape(-1, 8), strict=True):
            assert (piece >= min(low, high) - 1e-9).all()
            assert (piece <= max(low, high) + 1e-9).all()


def test_a_days_course_follows_the_local_clock() -> None:
    day = {"diurnal": {"rate": 24.0, "hours": [1.0] * 9 + [15.0] + [1.0] * 14, "timezone": "Asia/Kolkata"}}
    noon, night = at("2026-03-01T09:30", "Asia/Kolkata"), at("2026-03-01T03:30", "Asia/Kolkata")
    high, low = rates(day, noon, night, origin_ms=0)
    assert high == pytest.approx(15 * low)
    whole = made(day, 0).over(noon, noon + DAY_S)
    assert whole.masses.sum() == pytest.approx(24 * DAY_S)


def test_a_weeks_course_begins_on_monday() -> None:
    week = {"weekly": {"days": [1, 1, 1, 1, 1, 1, 8], "timezone": "America/New_York"}}
    noons = [at(f"2026-01-{day:02d}T12:00", "America/New_York") for day in range(5, 12)]  # Monday to Sunday
    found = rates(week, *noons, origin_ms=0)
    assert found[6] == pytest.approx(8 * found[0])
    assert found[:6] == pytest.approx([found[0]] * 6)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_of_daylight_saving_loses_an_hour_or_has_it_twice(day: str, hours: int) -> None:
    zone = "Europe/Berlin"
    form = {"diurnal": {"rate": 1, "hours": HOURS, "timezone": zone}}
    start = at(f"{day}T00:00", zone)
    end = at((datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat() + "T00:00", zone)
    assert end - start == hours * HOUR_S
    segments = made(form, start * 1_000).over(0, end - start)
    for hour in (1, 4, 12, 23):
        local = rates(form, at(f"{day}T{hour:02d}:30", zone) - start, origin_ms=start * 1_000)
        assert local == pytest.approx(rates(form, at(f"2026-06-01T{hour:02d}:30", zone), origin_ms=0))
    lost = smooth(HOURS, HOUR_S, 12, 1).cut(2 * HOUR_S, 3 * HOUR_S).masses.sum()
    assert segments.masses.sum() == pytest.approx(DAY_S + (hours - 24) * lost, rel=1e-9)


def test_the_entry_that_fired_last_holds() -> None:
    office = {
        "schedule": {
            "entries": [
                {"cron": "0 9 * * 1-5", "rate": 100},
                {"cron": "0 17 * * *", "rate": 10},
                {"cron": "0 17 * * 5", "rate": 1},
            ],
            "timezone": "Europe/Berlin",
        }
    }
    told = {
        "2026-01-05T08:59": 10.0,
        "2026-01-05T09:00": 100.0,
        "2026-01-05T17:00": 10.0,
        "2026-01-09T16:59": 100.0,
        "2026-01-09T17:00": 1.0,  # two at once: the later in the list
        "2026-01-10T12:00": 1.0,
        "2026-01-10T17:00": 10.0,
    }
    assert rates(office, *(at(t, "Europe/Berlin") for t in told), origin_ms=0) == list(told.values())


def test_an_entry_that_fires_once_a_year_holds_all_the_year() -> None:
    yearly = {"schedule": [{"cron": "0 0 29 2 *", "rate": 7}]}
    assert rates(yearly, at("2031-11-11T00:00"), at("2026-02-28T00:00"), origin_ms=0) == [7, 7]


def test_an_hour_that_is_not_there_fires_when_it_would_have_been() -> None:
    early = {
        "schedule": {
            "entries": [{"cron": "30 2 * * *", "rate": 5}, {"cron": "0 12 * * *", "rate": 1}],
            "timezone": "Europe/Berlin",
        }
    }
    gap = at("2026-03-29T01:00")  # 2:00 local becomes 3:00; 2:30 would have been half an hour later
    assert rates(early, gap - 1, gap + 29 * 60, gap + 30 * 60, origin_ms=0) == [1, 1, 5]
    twice = at("2026-10-25T00:30")  # 2:30 local, for the first of two times
    assert rates(early, twice - 1, twice, twice + HOUR_S, origin_ms=0) == [1, 5, 5]
