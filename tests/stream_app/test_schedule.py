"""When records are due: facts of the schedule, and laws that hold for every change log."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.rates import Profile, profile_of
from stream_app.change_log import CHANGES_KEPT
from stream_app.pace.course import Share
from stream_app.schedule import (
    UNPACED,
    Behind,
    Change,
    Rate,
    Schedule,
    begun,
    equal_share,
    pace_of,
    share,
    starting,
)


def due(schedule: Schedule, *sequences: int) -> list[int]:
    return [int(t) for t in schedule.due_ms(np.array(sequences))]


def test_shards_take_turns_at_the_streams_rate() -> None:
    times = sorted(t for shard in range(4) for t in due(starting(1_000, shard, 4, 0.0), *range(5)))
    assert times == list(range(20))


def test_a_change_of_rate_holds_from_its_record_on() -> None:
    schedule = starting(10, 0, 1, 0.0).with_rate(5, 500.0, 100)
    assert due(schedule, 0, 4, 5, 6) == [0, 400, 500, 510]


def test_a_pause_shifts_what_comes_after_it() -> None:
    paused = starting(10, 0, 1, 0.0).with_rate(5, 500.0, 0)
    assert paused.due_until(10_000.0, position=5) == 5
    resumed = paused.with_rate(5, 9_000.0, 10)
    assert resumed.changes[-1] == Change(5, 9_000.0, 10)
    assert due(resumed, 4, 5, 6) == [400, 9_000, 9_100]


@given(
    rate=st.floats(0.01, 1e5),
    shards=st.integers(1, 8),
    heard_s=st.lists(st.floats(0, 0.5), min_size=8, max_size=8),
    after_s=st.floats(0, 1e6),
)
def test_after_a_pause_and_another_rate_shards_still_take_turns(
    rate: float, shards: int, heard_s: list[float], after_s: float
) -> None:
    now_ms = 1_767_272_400_000.0 + after_s * 1_000
    gap_ms = 1_000 * shards / rate
    first_ms = []
    for shard in range(shards):
        schedule = starting(50, shard, shards, 1_767_272_400_000.0).with_rate(7, now_ms, 0)
        resumed = schedule.with_rate(7, now_ms + heard_s[shard] * 1_000, rate / shards).latest
        assert -1e-3 <= resumed.at_ms - (now_ms + heard_s[shard] * 1_000) <= gap_ms + 1e-3
        first_ms.append(resumed.at_ms)
    turns = (np.array(first_ms) - first_ms[0]) / gap_ms - np.arange(shards) / shards
    assert np.abs(turns - turns.round()).max() < 0.001 + 0.002 / gap_ms


def test_unpaced_has_no_bound() -> None:
    schedule = starting(UNPACED, 0, 1, 100.0)
    assert schedule.due_until(0.0, 0) is None
    assert due(schedule, 0, 1_000_000) == [100, 100]


@given(
    rate=st.floats(0.01, 1e6),
    start=st.floats(0, 2e12),
    after=st.floats(0, 1e7),
    position=st.integers(0, 1000),
)
def test_due_until_and_due_ms_agree(rate: float, start: float, after: float, position: int) -> None:
    schedule = Schedule((Change(0, start, rate),))
    now = start + after
    bound = schedule.due_until(now, position)
    assert bound is not None
    assert bound >= position
    if bound > position:
        assert due(schedule, bound - 1)[0] <= now
    assert due(schedule, bound)[0] > now


@given(count=st.integers(0, 10**6), shards=st.integers(1, 64))
def test_shares_add_up_and_differ_by_one_at_most(count: int, shards: int) -> None:
    shares = [share(count, shard, [1 / shards] * shards) for shard in range(shards)]
    assert sum(shares) == count
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@pytest.mark.parametrize("change", [Change(3, 1.5, 2.0), Change(0, 0.0, UNPACED), Change(1, 2.0, 0.0)])
def test_a_change_survives_json(change: Change) -> None:
    assert Change.from_json(change.to_json()) == change


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Change(-1, 0.0, 1.0), "sequence=-1: must be >= 0"),
        (lambda: Change(0, 0.0, -1.0), "rate_per_s=-1.0: must be >= 0"),
        (lambda: Change(0, 0.0, float("nan")), "rate_per_s=nan"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]


RAMP = profile_of({"ramp": {"from": 0, "to": 100, "over_s": 100}})
BURSTS = profile_of({"bursts": {"base": 10, "peak": 50, "every_s": 60, "for_s": 10}})


@pytest.mark.parametrize("profile", [RAMP, BURSTS])
def test_a_profile_goes_on_at_the_clocks_place_after_a_pause(profile: Profile) -> None:
    undisturbed = [starting(profile, shard, 3, 0.0) for shard in range(3)]
    position = [schedule.due_until(30_000.0, 0) or 0 for schedule in undisturbed]
    resumed = [
        schedule.with_rate(n, 30_000.0, 0).with_rate(n, 75_000.0, schedule.latest.rate_per_s)
        for schedule, n in zip(undisturbed, position, strict=True)
    ]
    assert [schedule.due_until(74_999.0, n) for schedule, n in zip(resumed, position, strict=True)] == position
    for before, after, n in zip(undisturbed, resumed, position, strict=True):
        missed = (before.due_until(74_999.999, 0) or 0) - n
        assert after.due_ms(np.arange(n, n + 500)).tolist() == before.due_ms(np.arange(n, n + 500) + missed).tolist()


def test_random_arrivals_go_on_without_a_memory_after_a_pause() -> None:
    poisson = profile_of({"poisson": 50})
    gaps = []
    for seed in range(60):
        schedule = begun(poisson, Share(shard_key=(seed, 1)), 0.0)
        resumed = schedule.with_rate(40, 9_000.0, 0).with_rate(40, 60_000.0, schedule.latest.rate_per_s)
        gaps.append(due(resumed, 40)[0] - 60_000)
    assert min(gaps) >= 0
    assert abs(np.mean(gaps) - 20) < 4 * 20 / np.sqrt(60)


def test_another_rate_of_a_stream_begins_where_it_is_told_to() -> None:
    pace = pace_of(RAMP, equal_share(0, 2), 40_000.0)
    schedule = starting(100, 0, 2, 0.0).with_rate(2_000, 50_000.0, pace)
    assert schedule.latest.keeps(pace)
    assert not schedule.latest.keeps(pace_of(RAMP, equal_share(0, 2), 41_000.0))
    assert not schedule.latest.keeps(50.0)
    in_a_second = [b for b in (schedule.due_until(t, 2_000) for t in (60_000.0, 61_000.0)) if b is not None]
    assert in_a_second[1] - in_a_second[0] in (10, 11)  # half of 20.5 records: the ramp is 20 s old


@pytest.mark.parametrize("rate", [20.0, RAMP, BURSTS])
def test_who_falls_behind_may_catch_up_skip_or_shift(rate: Rate) -> None:
    schedule = starting(rate, 0, 2, 0.0)
    position = schedule.due_until(20_000.0, 0) or 0
    lag_ms = 70_000.0 - due(schedule, position)[0]
    assert Behind("catch_up", 1).applied(schedule, position, 70_000.0, lag_ms) is None
    assert Behind("skip", 60).applied(schedule, position, 70_000.0, lag_ms) is None
    skipped = Behind("skip", 1).applied(schedule, position, 70_000.0, lag_ms)
    shifted = Behind("shift", 1).applied(schedule, position, 70_000.0, lag_ms)
    assert skipped is not None
    assert shifted is not None
    numbers = np.arange(position, position + 300)
    missed = (schedule.due_until(69_999.0, 0) or 0) - position
    assert skipped.due_ms(numbers).tolist() == schedule.due_ms(numbers + missed).tolist()
    moved = schedule.due_ms(numbers) + lag_ms
    assert np.abs(shifted.due_ms(numbers) - moved).max() <= 1
    assert [Schedule((Change.from_json(s.latest.to_json()),)) for s in (skipped, shifted)] == [
        Schedule((s.latest,)) for s in (skipped, shifted)
    ]
    event = shifted.latest.clock.event(shifted.due_ms(numbers))
    assert np.abs(event - schedule.due_ms(numbers)).max() <= 1  # its own clock waited
    assert skipped.latest.clock == schedule.latest.clock


def test_a_shard_without_a_pace_is_never_behind() -> None:
    assert Behind("skip", 1).applied(starting(UNPACED, 0, 1, 0.0), 0, 1e9, 1e9) is None


def test_unequal_shares_get_their_parts() -> None:
    shares = [Share(0.5, 0.0), Share(0.3, 0.5), Share(0.2, 0.8)]
    counts = [begun(BURSTS, share, 0.0).due_until(60_000.0, 0) for share in shares]
    assert counts == pytest.approx([500, 300, 200], abs=1)
    constant = [begun(100, share, 0.0).due_until(10_000.0, 0) for share in shares]
    assert constant == pytest.approx([500, 300, 200], abs=1)


def test_of_a_log_that_keeps_changing_the_newest_changes_are_kept() -> None:
    whole = [Change(0, 0.0, 10.0)]
    log = Schedule((whole[0],))
    for number in range(1, CHANGES_KEPT + 50):
        moved = Behind("skip", 1.0).applied(log, 10 * number, 1e5 * number, 2_000.0)
        assert moved is not None
        whole.append(moved.latest)
        log = moved
    assert len(log.changes) == CHANGES_KEPT
    everything = Schedule(tuple(whole))
    numbers = np.arange(log.oldest, log.latest.sequence + 50)
    assert log.oldest == 10 * 50
    assert log.due_ms(numbers).tolist() == everything.due_ms(numbers).tolist()
    assert [log.at(n) for n in numbers.tolist()] == [everything.at(n) for n in numbers.tolist()]
    assert [log.holds_until(n) for n in numbers.tolist()] == [everything.holds_until(n) for n in numbers.tolist()]
    assert log.at(0) == log.at(log.oldest)
    assert log.holds_until(0) == log.oldest
    assert log.due_ms(np.array([log.oldest - 1]))[0] == log.changes[0].due_ms(np.array([log.oldest - 1]))[0]
