"""Laws of every profile: what is due when, whatever the form, the shards and the order of asking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.rates import Profile, profile_of
from stream_app.pace import course
from stream_app.schedule import Change, Schedule
from tests.stream_app.pace.profiles import EVERY, PROFILES, START_MS, courses, due_by, forms, times_of

each = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


def expected(profile: Profile, seconds: Any) -> np.ndarray[Any, Any]:
    """Records expected up to moments."""
    return times_of(courses(profile)[0]).expected(START_MS + np.asarray(seconds, np.float64) * 1_000)


@given(
    form=forms,
    poisson=st.booleans(),
    shards=st.integers(1, 3),
    at_s=st.floats(0, 90),
    speed=st.sampled_from([1.0, 24.0, 0.3]),
)
@settings(max_examples=30, deadline=None)
@example(
    form={"steps": [{"rate": 0, "for_s": 5}, {"rate": 10, "for_s": 1}]}, poisson=False, shards=3, at_s=5.0, speed=1.0
)
def test_a_record_is_due_by_a_moment_exactly_when_its_time_has_come(
    form: Any, poisson: bool, shards: int, at_s: float, speed: float
) -> None:
    profile = profile_of({"poisson": form} if poisson else form)
    for schedule in courses(profile, shards, speed):
        bound = schedule.due_until(START_MS + at_s * 1_000, 0)
        assert bound is not None
        due = schedule.due_ms(np.arange(bound + 3))
        assert (np.diff(due) >= 0).all()
        assert (due[:bound] <= START_MS + at_s * 1_000).all()
        assert (due[bound:] > START_MS + at_s * 1_000).all()
        assert schedule.due_until(START_MS + at_s * 1_000, bound + 9_000) == bound + 9_000


@given(form=forms, moments=st.lists(st.floats(-10, 500), min_size=2, max_size=30))
@settings(max_examples=30, deadline=None)
def test_what_is_expected_never_falls(form: Any, moments: list[float]) -> None:
    masses = expected(profile_of(form), sorted(moments))
    assert (np.diff(masses) >= 0).all()
    assert (masses >= 0).all()
    assert (masses[np.sort(moments) <= 0] == 0).all()


@given(form=forms, shards=st.integers(1, 4), length=st.sampled_from([10.0, 0.1]))
@settings(max_examples=25, deadline=None)
def test_every_stretch_has_as_many_records_as_expected_but_for_one_a_shard(
    form: Any, shards: int, length: float
) -> None:
    profile = profile_of(form)
    edges = np.arange(0, 60 + length / 2, length)
    came = np.diff(np.searchsorted(due_by(courses(profile, shards), 60), edges * 1_000))
    wanted = np.diff(expected(profile, edges))
    slack = 1 + 0.001 * np.diff(expected(profile, [0, 60]))  # a time is a whole millisecond: slots end amid one
    assert (np.abs(came - wanted) <= shards + slack * (length == 0.1) + 1e-6).all()


@each
@pytest.mark.parametrize("shards", [2, 3, 8])
def test_shards_together_are_the_stream(profile: Profile, shards: int) -> None:
    alone, together = due_by(courses(profile), 40), due_by(courses(profile, shards), 40)
    assert len(alone) == len(together) > 500
    assert np.abs(alone - together).max() <= 1  # a millisecond, where rounding falls the other way


@each
@pytest.mark.parametrize("poisson", [False, True])
def test_asked_in_any_order_the_times_are_the_same(profile: Profile, poisson: bool) -> None:
    profile = profile_of({"poisson": profile.to_json()}) if poisson else profile
    forwards = courses(profile)[0].due_ms(np.arange(30_000))
    schedule = courses(profile, start_ms=START_MS)[0]
    again = Schedule((Change.from_json(schedule.latest.to_json()),))
    picked = np.array([29_999, 4_095, 0, 4_096, 12_345])
    assert again.due_ms(picked).tolist() == forwards[picked].tolist()
    assert times_of(again)._page(3).tolist() == forwards[3 * 4_096 : 4 * 4_096].tolist()


@each
def test_a_change_survives_json(profile: Profile) -> None:
    change = courses(profile, 3, speed=2.0)[1].latest
    assert Change.from_json(change.to_json()) == change


@pytest.mark.parametrize("name", ["constant", "ramp", "steps", "schedule", "diurnal", "weekly", "sine", "bursts"])
def test_a_year_later_records_are_found_from_scratch(name: str) -> None:
    profile = profile_of({name: EVERY[name]})
    schedule = courses(profile)[0]
    year_ms = START_MS + 365 * 86_400_000.0
    bound = schedule.due_until(year_ms, 0)
    assert bound is not None
    assert abs(bound - float(expected(profile, [365 * 86_400.0])[0])) <= 2
    due = schedule.due_ms(np.arange(bound - 2_000, bound + 2_000))
    assert due[1_999] <= year_ms < due[2_000]


@each
def test_a_change_that_was_stored_goes_on_without_what_was_before(profile: Profile) -> None:
    schedule = courses(profile)[0]
    wanted = schedule.due_ms(np.arange(2_000_000, 2_000_100))
    stored = schedule.latest.to_json()
    course._curve.cache_clear()
    again = Change.from_json(stored)
    assert again.due_ms(np.arange(2_000_000, 2_000_100)).tolist() == wanted.tolist()
    asked = times_of(Schedule((again,)))._curve
    assert len(asked._numbers) <= 4
    assert again.due_ms(np.arange(100)).tolist() == schedule.due_ms(np.arange(100)).tolist()


def test_within_a_stream_that_runs_faster_a_profile_does_too() -> None:
    ramp = profile_of({"ramp": {"from": 0, "to": 100, "over_s": 240}})
    slow, fast = courses(ramp)[0], courses(ramp, speed=24)[0]
    at = np.array([0.0, 5_000, 10_000, 20_000]) + START_MS
    assert times_of(fast).expected(at).tolist() == pytest.approx([0, 125, 500, 1_500])
    assert times_of(slow).expected(START_MS + (at - START_MS) * 24).tolist() == pytest.approx(
        [0, 3_000, 12_000, 36_000]
    )
    assert fast.latest.clock.event(at.astype(np.int64)).tolist() == (START_MS + (at - START_MS) * 24).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_random_arrivals_are_as_scattered_as_poissons(seed: int) -> None:
    profile = profile_of({"poisson": {"sine": {"mean": 400, "amplitude": 300, "period_s": 30}}})
    schedules = courses(profile, 4, start_ms=START_MS + seed * 86_400_000)
    start_ms = START_MS + seed * 86_400_000
    came = np.diff(np.searchsorted(due_by(schedules, 600, start_ms), np.arange(0, 600_001, 100)))
    wanted = np.diff(times_of(schedules[0]).expected(start_ms + np.arange(0, 600_001, 100.0)))
    dispersion = float(((came - wanted) ** 2 / wanted).sum() / len(came))  # 1, give or take sqrt(2 / n)
    assert abs(dispersion - 1) < 4 * np.sqrt(2 / len(came)) + 0.01
    assert abs(came.sum() - wanted.sum()) < 4 * np.sqrt(wanted.sum())


def test_shards_draw_their_own_arrivals_and_share_random_states() -> None:
    states = profile_of({"mmpp": [{"rate": 10, "dwell_s": 5}, {"rate": 500, "dwell_s": 5}]})
    edges = np.arange(0, 200_001, 1_000)
    by_shard = [np.diff(np.searchsorted(due_by([shard], 200), edges)) for shard in courses(states, 3)]
    assert all(np.abs(counts - by_shard[0]).max() <= 1 for counts in by_shard)
    poisson = profile_of({"poisson": 300})
    first, second = (np.diff(np.searchsorted(due_by([shard], 200), edges)) for shard in courses(poisson, 2))
    assert abs(float(np.corrcoef(first, second)[0, 1])) < 4 / np.sqrt(len(first))
