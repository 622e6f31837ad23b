from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.pane import Pane, Span
from monitors.window import MAX_OPEN_PANES, Window, Windows
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()


def pane(records: int, slot: int, partition: int = 0) -> Pane:
    """A pane of one second that holds nothing but a number of records."""
    made = Pane.empty(LAYOUT)
    made.counts[0] = records
    made.spans[partition] = Span(slot, slot + 1, slot * 1_000 + 999)
    return made


def spans(windows: list[Window]) -> list[tuple[float, float, int]]:
    return [(w.start_s, w.end_s, w.pane.records) for w in windows]


def test_a_window_comes_out_each_time_a_pane_closes() -> None:
    windows = Windows(LAYOUT, 1, 3, 0)
    for slot, records in enumerate([1, 10, 100, 1_000, 10_000]):
        windows.add(slot, pane(records, slot))
    assert spans(list(windows.closed(0.0))) == [(0, 1, 1), (0, 2, 11), (0, 3, 111), (1, 4, 1_110)]
    assert spans(list(windows.closed(0.0))) == []
    assert spans(list(windows.flush())) == [(2, 5, 11_100)]


def test_a_window_knows_its_newest_pane_and_examples_of_the_panes_in_it() -> None:
    windows = Windows(LAYOUT, 1, 2, 0)
    for slot in range(4):
        one = pane(5, slot)
        one.examples["range:weight"] = ((0, slot),)
        windows.add(slot, one)
    last = list(windows.flush())[-1]
    assert last.tip().pane.records == 5
    assert (last.tip().start_s, last.tip().end_s, last.length_s) == (3, 4, 2)
    assert last.pane.examples == {"range:weight": ((0, 2), (0, 3))}
    assert last.pane.spans == {0: Span(2, 4, 3_999)}


def test_panes_wait_for_allowed_lateness_and_what_comes_later_is_counted() -> None:
    windows = Windows(LAYOUT, 1, 10, 2)
    windows.add(0, pane(7, 0))
    windows.add(2, pane(1, 2))
    assert spans(list(windows.closed(0.0))) == []
    windows.add(0, pane(2, 0))
    windows.add(3, pane(1, 3))
    assert spans(list(windows.closed(0.0))) == [(0, 1, 9)]
    windows.add(0, pane(5, 0))
    assert windows.late_records == 5
    assert windows.watermark_s == pytest.approx(1.999)
    assert spans(list(windows.flush()))[-1] == (0, 4, 11)


def test_a_partition_read_after_the_others_is_not_late() -> None:
    windows = Windows(LAYOUT, 1, 10, 0)
    windows.expect([0, 1], 0.0)
    for slot in range(20):
        windows.add(slot, pane(1, slot, 0))
    assert list(windows.closed(0.0)) == []
    for slot in range(20):
        windows.add(slot, pane(1, slot, 1))
    assert [w.newest.records for w in windows.closed(0.0)] == [2] * 19
    assert windows.late_records == 0


def test_a_short_gap_is_windows_without_records_and_a_long_one_is_leapt_over() -> None:
    windows = Windows(LAYOUT, 1, 2, 0)
    windows.add(0, pane(4, 0))
    windows.add(1_000, pane(6, 1_000))
    assert spans(list(windows.flush())) == [(0, 1, 4), (0, 2, 4), (1, 3, 0), (1_000, 1_001, 6)]


def test_silence_becomes_windows_without_records() -> None:
    windows = Windows(LAYOUT, 1, 2, 0, idle_s=3)
    windows.add(0, pane(4, 0))
    assert list(windows.closed(100.0)) == []
    assert spans(list(windows.closed(104.0))) == [(0, 1, 4), (0, 2, 4), (1, 3, 0)]
    assert spans(list(windows.closed(105.5)))[-1] == (4, 6, 0)


def test_memory_is_bounded_when_event_times_are_scattered() -> None:
    windows = Windows(LAYOUT, 1, 2, 1e9)
    for slot in range(MAX_OPEN_PANES + 50):
        windows.add(slot * 3, pane(1, slot * 3))
        closed = list(windows.closed(0.0))
        assert len(windows._open) <= MAX_OPEN_PANES
    assert closed
    assert windows.late_records == 0


def test_adding_leaves_the_pane_as_it_is() -> None:
    windows, one = Windows(LAYOUT, 1, 2, 0), pane(4, 0)
    windows.add(0, one)
    windows.add(0, one)
    assert one.records == 4
    assert next(windows.flush()).pane.records == 8


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 25), st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=60),
    st.integers(1, 6),
)
def test_windows_are_sums_of_the_records_that_were_not_late(arrivals: list[tuple[int, int, int]], length: int) -> None:
    windows = Windows(LAYOUT, 1, length, 3)
    taken = np.zeros(40, np.int64)
    seen: list[Window] = []
    for slot, partition, records in arrivals:
        before = windows.late_records
        windows.add(slot, pane(records, slot, partition))
        taken[slot] += records - (windows.late_records - before)
        seen += windows.closed(0.0)
    seen += windows.flush()
    assert [w.end_s for w in seen] == sorted({w.end_s for w in seen})
    assert sum(w.newest.records for w in seen) == taken.sum()
    for window in seen:
        assert window.pane.records == taken[int(window.start_s) : int(window.end_s)].sum()
        assert window.length_s <= length


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"window_s": 2.5}, "window_s=2.5: must be a whole number of panes"),
        ({"window_s": 0.0}, "window_s=0.0"),
        ({"allowed_lateness_s": -1.0}, "allowed_lateness_s=-1.0"),
        ({"idle_s": 0.0}, "idle_s=0.0"),
        ({"pane_s": 0.0}, "pane_s=0.0"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(given: dict[str, float], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Windows(LAYOUT, **given)
