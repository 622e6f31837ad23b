from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.arrivals import Arrivals, Arrived, Lineages, nothing_known


def parts(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(numbers, np.int32)


def test_what_was_read_before_is_not_fresh_wherever_the_reader_was_moved() -> None:
    arrivals = Arrivals()
    assert arrivals.fresh(parts(0, 3), np.array([5, 5])).all()
    assert arrivals.fresh(parts(3, 0, 0), np.array([5, 5, 6])).tolist() == [False, False, True]
    arrivals.begin_anew()
    assert arrivals.fresh(parts(3, 0), np.array([0, 0])).all()


def test_sequences_are_followed_across_calls_and_shards() -> None:
    arrivals = Arrivals()
    arrivals.shown(parts(0, 1), Lineages(np.zeros(2, np.int64), np.array([4, 4])))
    lineages = Lineages(np.array([0, 0, -1]), np.array([7, 4, 9]))
    followed, shown = arrivals.shown(parts(0, 1, 1), lineages)
    assert followed.tolist() == [True, True, False]
    assert shown.tolist() == [[2, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_nothing_is_shown_where_nothing_is_known() -> None:
    arrivals = Arrivals()
    for lineages in (nothing_known(2), Lineages(np.zeros(2, np.int64), np.arange(2)).of(np.zeros(2, np.bool_))):
        followed, shown = arrivals.shown(parts(0, 0), lineages)
        assert not followed.any()
        assert not shown.any()


def test_lateness_goes_on_across_calls() -> None:
    arrivals, both = Arrivals(), np.ones(2, np.bool_)
    assert arrivals.lateness(parts(0, 2), np.array([100, 100]), both).tolist() == [0, 0]
    assert arrivals.lateness(parts(0, 2), np.array([60, 130]), both).tolist() == [40, 0]


def test_some_of_the_records() -> None:
    arrived = Arrived(
        np.array([1, 2, 3]), np.array([True, False, True]), np.arange(9).reshape(3, 3), np.array([5, -1, 7])
    )
    some = arrived.take(np.array([2, 0]))
    assert some.late_ms.tolist() == [3, 1]
    assert some.followed.all()
    assert some.numbers.tolist() == [7, 5]
    assert some.shown.tolist() == [[6, 7, 8], [0, 1, 2]]


def shown_of(arrivals: Arrivals, sequences: list[int]) -> list[list[int]]:
    """What records of one shard show, one after the other."""
    numbers = np.array(sequences)
    lineages = Lineages(np.zeros(len(numbers), np.int64), numbers)
    shown: list[list[int]] = arrivals.shown(np.full(len(numbers), 2, np.int32), lineages)[1].tolist()
    return shown


@given(st.permutations(range(24)), st.integers(0, 24), st.sets(st.integers(0, 23)))
def test_what_is_noted_is_all_that_another_reader_needs(order: list[int], cut: int, gone: set[int]) -> None:
    come = [number for number in [*order, *order[:5]] if number not in gone]
    whole, first, other = Arrivals(), Arrivals(), Arrivals()
    shown_of(first, come[:cut])
    other.learn(2, first.noted(2, 3_500))
    assert shown_of(other, come[cut:]) == shown_of(whole, come)[cut:]
    first.lateness(parts(2), np.array([500]), np.ones(1, np.bool_))
    other.learn(2, first.noted(2, 3_500))
    assert other.lateness(parts(2), np.array([480]), np.ones(1, np.bool_)).tolist() == [20]


def test_where_there_is_no_room_the_newest_gaps_are_noted() -> None:
    first, other = Arrivals(), Arrivals()
    shown_of(first, list(range(0, 2_000, 2)))
    note = first.noted(2, 400)
    assert 300 < len(note) <= 400
    other.learn(2, note)
    assert shown_of(other, [1_997, 1, 1_998, 2_001]) == [[0, 1, 0], [0, 0, 1], [0, 0, 1], [2, 0, 0]]


@pytest.mark.parametrize("note", ["", "grün", "2 0 0 0 0", "1 0 0 0", "1 0 0 5 0 1", "1 " * 3_000, f"1 {2**70} 0 0 0"])
def test_what_is_no_note_says_nothing(note: str) -> None:
    arrivals = Arrivals()
    arrivals.learn(2, note)
    assert arrivals.noted(2, 3_500) in ("", Arrivals().noted(2, 3_500))
    assert shown_of(arrivals, [7, 9]) == [[0, 0, 0], [1, 0, 0]]
