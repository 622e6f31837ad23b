"""The kernels that follow records as they come, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitors import arrival_kernels as kernels

pytestmark = pytest.mark.kernel

Shown = tuple[int, int, int]


def by_hand(sequences: list[int]) -> list[Shown]:
    """What each record of one shard shows, by sets."""
    came: set[int] = set()
    found = []
    for sequence in sequences:
        known = [0, 0, 0]
        if came and sequence > max(came):
            known[kernels.MISSING] = sequence - max(came) - 1
        elif sequence in came:
            known[kernels.REPEATED] = 1
        elif came and sequence > min(came):
            known[kernels.FILLED] = 1
        if not came or sequence >= sequences[0]:
            came.add(sequence)
        found.append((known[0], known[1], known[2]))
    return found


def followed(run: Callable[[Any], Any], sequences: list[int], room: int = 64) -> list[Shown]:
    n = len(sequences)
    states, gaps, shown = np.array([[0, 0, 0, -1]]), np.zeros((1, room, 2), np.int64), np.zeros((n, 3), np.int64)
    given = (np.zeros(n, np.int32), np.zeros(n, np.int64), np.array(sequences, np.int64))
    run(kernels.follow_sequences)(*given, states, gaps, shown)
    return [(a, b, c) for a, b, c in shown.tolist()]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 30), max_size=40))
@example([0, 1, 2, 2, 4, 3, 3, 9, 7, 6, 8, 5])
@example([5, 3, 9, 4, 7])
def test_sequences_show_what_sets_say(run: Callable[[Any], Any], sequences: list[int]) -> None:
    assert followed(run, sequences) == by_hand(sequences)


def test_of_gaps_that_do_not_fit_the_oldest_is_forgotten(run: Callable[[Any], Any]) -> None:
    shown = followed(run, [0, 2, 4, 6, 5, 1, 3], room=2)
    assert shown[:5] == [(0, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0), (0, 1, 0)]
    assert shown[5:] == [(0, 0, 1), (0, 1, 0)]
    assert followed(run, [0, 2, 9, 5], room=2)[-1] == (0, 1, 0)


def test_an_epoch_begins_anew_and_one_that_is_over_shows_nothing(run: Callable[[Any], Any]) -> None:
    epochs, sequences = np.array([0, 1, 1, 0, -1, 1]), np.array([7, 3, 5, 7, 5, 5])
    shown = np.zeros((6, 3), np.int64)
    states, gaps = np.array([[0, 0, 0, -1]]), np.zeros((1, 8, 2), np.int64)
    run(kernels.follow_sequences)(np.zeros(6, np.int32), epochs, sequences, states, gaps, shown)
    assert shown.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_offsets_below_the_last_one_read_are_not_fresh(run: Callable[[Any], Any]) -> None:
    following, fresh = np.array([kernels.NEVER, 5]), np.empty(6, np.bool_)
    run(kernels.follow_offsets)(np.array([0, 1, 1, 0, 0, 1], np.int32), np.array([2, 4, 5, 3, 3, 9]), following, fresh)
    assert fresh.tolist() == [True, False, True, True, False, True]
    assert following.tolist() == [4, 10]


def test_lateness_is_taken_from_the_newest_of_the_partition(run: Callable[[Any], Any]) -> None:
    newest, late = np.array([kernels.NEVER, 50]), np.zeros(5, np.int64)
    counted = np.array([True, True, False, True, True])
    times = np.array([10, 20, 900, 7, 60])
    run(kernels.follow_times)(np.array([0, 1, 0, 0, 1], np.int32), times, counted, newest, late)
    assert (late.tolist(), newest.tolist()) == ([0, 30, 0, 3, 0], [10, 60])
