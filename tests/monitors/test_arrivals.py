from __future__ import annotations

import numpy as np

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
