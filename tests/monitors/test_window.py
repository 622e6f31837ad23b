from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors import window as sliding
from monitors.arrivals import Arrivals
from monitors.pane import Deltas, Pane, PaneLayout
from monitors.pane_parts import Span
from monitors.window import MAX_OPEN_PANES, Window, Windows
from schemas.errors import InputError
from schemas.profile import Profile, profile_table
from schemas.table import Column, Kind, TableSchema
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


def test_windows_begin_anew_with_a_pane_that_says_so_longer_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding, "LADDER_S", (2,))
    finished: list[int] = []

    def anew(one: Pane) -> bool:
        finished.append(one.records)
        return one.records == 1_000

    windows = Windows(LAYOUT, 1, 3, 0, longer_s=[20], finished=anew)
    for slot, records in enumerate([1, 10, 100, 1_000, 10_000, 2]):
        windows.add(slot, pane(records, slot))
    seen = [(w.name, w.start_s, w.end_s, w.pane.records) for w in windows.flush()]
    assert finished == [1, 10, 100, 1_000, 10_000, 2]
    short = [one[1:] for one in seen if one[0] == "3s"]
    assert short == [(0, 1, 1), (0, 2, 11), (0, 3, 111), (3, 4, 1_000), (3, 5, 11_000), (3, 6, 11_002)]
    assert [one[1:] for one in seen if one[0] == "20s"] == [(0, 2, 11), (3, 4, 1_000), (3, 6, 11_002)]


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


def times(windows: list[Window]) -> list[tuple[str, float, float]]:
    return [(w.name, w.start_s, w.end_s) for w in windows]


def test_longer_windows_slide_by_longer_panes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding, "LADDER_S", (2, 10))
    windows = Windows(LAYOUT, 1, 3, 0, longer_s=[20, 5])
    for slot in range(7, 40):
        windows.add(slot, pane(1, slot))
    seen = list(windows.flush())
    assert [w.end_s for w in seen if w.asked_s == 3] == list(range(8, 41))
    assert times([w for w in seen if w.asked_s == 5])[-1] == ("5s", 35, 40)
    longest = [w for w in seen if w.asked_s == 20]
    assert times(longest)[:2] == [("20s", 7, 8), ("20s", 7, 10)]
    assert times(longest)[-1] == ("20s", 20, 40)
    assert [w.pane.records for w in longest] == [w.length_s for w in longest]
    assert [w.newest_s for w in longest][:3] == [1, 2, 2]


def test_in_a_long_silence_longer_windows_run_dry_and_start_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding, "LADDER_S", (2,))
    windows = Windows(LAYOUT, 1, 2, 0, idle_s=3, longer_s=[20])
    windows.add(0, pane(4, 0))
    assert list(windows.closed(0.0)) == []
    dry = [w for w in windows.closed(60.0) if w.asked_s == 20]
    assert [w.pane.records for w in dry] == [4] * 10 + [0] * 3
    windows.add(1_000, pane(6, 1_000))
    assert [(w.start_s, w.pane.records) for w in windows.flush() if w.asked_s == 20][-1] == (1_000, 6)


@pytest.mark.parametrize("seed", range(4))
def test_every_window_is_recounted_from_its_records_bit_for_bit(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records come out of order and some too late, in batches, and some batches are read twice."""
    monkeypatch.setattr(sliding, "LADDER_S", (4, 20))
    rng = np.random.default_rng(seed)
    n, allowed_s = 6_000, 3
    rows, part = scene.batch(rng, n), rng.integers(0, 2, n).astype(np.int32)
    due = np.sort(rng.integers(0, 300_000, n)) - rng.integers(0, 5_000, n) * (rng.random(n) < 0.2)
    offsets = np.arange(n)
    deltas, arrivals = Deltas(LAYOUT), Arrivals()
    windows = Windows(LAYOUT, 1, 3, allowed_s, longer_s=[40, 200, 7])
    windows.expect([0, 1], 0.0)
    taken = np.zeros(n, bool)
    seen: list[Window] = []
    for start in range(0, n, 100):
        for batch in (slice(start, start + 100), slice(max(start - 50, 0), start + 100))[: 1 + (start % 300 == 0)]:
            at = np.flatnonzero(arrivals.fresh(part[batch], offsets[batch])) + batch.start
            panes = deltas.count(rows.take(at), due[at], part[at], offsets[at], 400_000.0)
            for slot, pane in panes.items():
                late = windows.late_records
                windows.add(slot, pane)
                taken[at[due[at] // 1_000 == slot]] = windows.late_records == late
        seen += windows.closed(0.0)
    seen += windows.flush()
    assert 0 < windows.late_records == n - taken.sum() < n / 10
    assert {w.asked_s for w in seen} == {3, 40, 200, 7}
    for one in seen:
        inside = np.flatnonzero(taken & (due >= 1_000 * one.start_s) & (due < 1_000 * one.end_s))
        again = Pane.empty(LAYOUT)
        for pane in deltas.count(rows.take(inside), due[inside], part[inside], offsets[inside], 400_000.0).values():
            again.add(pane)
        np.testing.assert_array_equal(one.pane.counts, again.counts)
        assert one.pane.spans == again.spans


def test_a_day_of_two_hundred_columns_stays_small() -> None:
    first = Column("n0", Kind.NUMBER, nullable=True)
    table = pa.table({"n0": pa.array([*range(300), None], pa.float64())})
    (known,) = profile_table(table, TableSchema("one", (first,)))
    names = [f"n{k}" for k in range(200)]
    schema = TableSchema("wide", tuple(replace(first, name=name) for name in names))
    profile = Profile(301, tuple(replace(known, name=name) for name in names))
    layout = PaneLayout(schema, profile, pairs=list(combinations(names, 2))[:30])
    one = Pane.empty(layout)
    one.counts[:] = 7
    windows = Windows(layout, 120, 1_200, 120, longer_s=[3_600, 86_400])
    tracemalloc.start()
    try:
        newest: dict[str, Window] = {}
        for slot in range(86_400 // 120):
            one.spans[0] = Span(slot, slot, slot * 120_000)
            windows.add(slot, one)
            newest |= {w.name: w for w in windows.closed(0.0)}
        newest |= {w.name: w for w in windows.flush()}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {name: w.pane.counts[-1] for name, w in newest.items()} == {"1200s": 70, "3600s": 210, "86400s": 5_040}
    assert peak < 200e6


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"window_s": 2.5}, "window_s=2.5: must be a whole number of panes"),
        ({"window_s": 0.0}, "window_s=0"),
        ({"allowed_lateness_s": -1.0}, "allowed_lateness_s=-1.0"),
        ({"idle_s": 0.0}, "idle_s=0.0"),
        ({"pane_s": 0.0}, "pane_s=0.0"),
        ({"longer_s": [60.5]}, "window_s=60.5: must be a whole number of panes of 1 s"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Windows(LAYOUT, **given)
