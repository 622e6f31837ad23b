"""When records are due: facts of the schedule, and laws that hold for every change log."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from stream_app.incident import Incident
from stream_app.schedule import UNPACED, Change, Schedule, share, starting

STORM = Incident("storm", "delay", 30)


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


def test_an_incident_keeps_the_pace() -> None:
    schedule = starting(10, 0, 1, 0.0).with_incident(5, STORM).with_incident(8, None)
    assert due(schedule, 4, 5, 7, 8, 9) == [400, 500, 700, 800, 900]
    assert [schedule.at(s).incident for s in (4, 5, 7, 8)] == [None, STORM, STORM, None]
    assert [schedule.holds_until(s) for s in (0, 5, 8)] == [5, 8, None]


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
    if bound > 0:
        assert due(schedule, bound)[0] >= np.floor(now) - 1


@given(count=st.integers(0, 10**6), shards=st.integers(1, 64))
def test_shares_add_up_and_differ_by_one_at_most(count: int, shards: int) -> None:
    shares = [share(count, shard, shards) for shard in range(shards)]
    assert sum(shares) == count
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@pytest.mark.parametrize("change", [Change(3, 1.5, 2.0, STORM), Change(0, 0.0, UNPACED), Change(1, 2.0, 0.0)])
def test_a_change_survives_json(change: Change) -> None:
    assert Change.from_json(change.to_json()) == change


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Change(-1, 0.0, 1.0), "sequence=-1: must be >= 0"),
        (lambda: Change(0, 0.0, -1.0), "rate_per_s=-1.0: must be >= 0"),
        (lambda: Change(0, 0.0, float("nan")), "rate_per_s=nan"),
        (lambda: Schedule(()), "needs at least one change"),
        (lambda: Schedule((Change(5, 0.0, 1.0), Change(0, 0.0, 1.0))), "must be in order"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]
