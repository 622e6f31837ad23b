from __future__ import annotations

from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors import pane as panes
from monitors.arrivals import Arrived
from monitors.delays import delay_codes
from monitors.pane import MAX_EXAMPLES, Deltas, Pane, PaneLayout
from monitors.pane_parts import Span
from schemas.errors import InputError
from schemas.rules import Range
from tests.monitors import scene

LAYOUT = scene.layout()


def test_counts_are_those_of_each_columns_cells() -> None:
    rows = scene.batch(np.random.default_rng(0), 1_000)
    pane = scene.pane_of(LAYOUT, rows)
    assert pane.records == 1_000
    for column in scene.SCHEMA:
        cells = pane.column(column.name)
        assert cells.sum() == 1_000
        assert cells[LAYOUT.bins[column.name].null] == rows.column(column.name).null_count
    flags = dict(zip(LAYOUT.bins["fragile"].labels, pane.column("fragile").tolist(), strict=True))
    assert flags["true"] == rows.column("fragile").to_pylist().count(True)


def test_pairs_and_moments_are_those_of_the_rows() -> None:
    rows = scene.batch(np.random.default_rng(0), 1_000)
    pane = scene.pane_of(LAYOUT, rows)
    fragile = dict(zip(LAYOUT.bins["fragile"].labels, pane.pair(("size", "fragile")).sum(0).tolist(), strict=True))
    assert fragile["true"] == rows.column("fragile").to_pylist().count(True)
    assert pane.moments.columns == ("weight", "pieces", "sent")
    assert pane.moments.gram[0, 0] == 1_000
    assert pane.moments.gram[0, -1] == 1_000 - rows.column("weight").null_count


def test_panes_know_the_first_and_last_sequence_of_every_partition() -> None:
    rows, parts = scene.batch(np.random.default_rng(0), 6), np.array([0, 0, 2, 2, 0, 1], np.int32)
    times, numbers = np.array([0, 1_500, 0, 10, 20, 1_600]), np.array([7, 8, 3, 5, -1, -1])
    arrived = Arrived(np.zeros(6, np.int64), numbers >= 0, np.zeros((6, 3), np.int64), numbers)
    deltas = Deltas(LAYOUT)
    panes = deltas.count(rows, times, parts, np.arange(6), 0.0, arrived)
    assert {slot: pane.numbers for slot, pane in panes.items()} == {0: {0: (7, 7), 2: (3, 5)}, 1: {0: (8, 8)}}
    panes[0].gather(panes[1])
    assert panes[0].numbers == {0: (7, 8), 2: (3, 5)}
    once = deltas.count(rows, np.zeros(6, np.int64), parts, np.arange(6), 0.0, arrived)
    assert once[0].numbers == panes[0].numbers


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9_999), max_size=60), st.integers(0, 60))
def test_panes_do_not_depend_on_order_nor_on_how_records_are_cut_into_batches(times: list[int], cut: int) -> None:
    n = len(times)
    rows = scene.batch(np.random.default_rng(3), n)
    event_ms, offsets, parts = np.array(times, np.int64), np.arange(n), np.arange(n, dtype=np.int32) % 3
    deltas = Deltas(LAYOUT, 1.0)
    whole = deltas.count(rows, event_ms, parts, offsets, 12_000.0)
    order = np.random.default_rng(n).permutation(n)
    pieces = [
        deltas.count(rows.take(i), event_ms[i], parts[i], offsets[i], 12_000.0) for i in (order[:cut], order[cut:])
    ]
    summed: dict[int, Pane] = {}
    for piece in pieces:
        for slot, pane in piece.items():
            summed.setdefault(slot, Pane.empty(LAYOUT)).add(pane)
    assert summed.keys() == whole.keys() == {t // 1_000 for t in times}
    for slot, pane in whole.items():
        np.testing.assert_array_equal(pane.counts, summed[slot].counts)
        assert pane.spans == summed[slot].spans


def test_a_sliced_batch_counts_its_own_rows() -> None:
    rows = scene.batch(np.random.default_rng(4), 500)
    halves = [scene.pane_of(LAYOUT, part) for part in (rows.slice(0, 123), rows.slice(123))]
    halves[0].add(halves[1])
    np.testing.assert_array_equal(halves[0].counts, scene.pane_of(LAYOUT, rows).counts)


def test_subtracting_undoes_adding_exactly() -> None:
    one, two = (scene.pane_of(LAYOUT, scene.batch(np.random.default_rng(i), 300)) for i in (1, 2))
    before = one.counts.copy()
    one.add(two)
    one.subtract(two)
    np.testing.assert_array_equal(one.counts, before)


def test_spans_are_first_last_and_latest_by_partition() -> None:
    rows = scene.batch(np.random.default_rng(0), 4)
    panes = Deltas(LAYOUT, 1.0).count(
        rows,
        np.array([100, 900, 300, 1_500]),
        np.array([2, 2, 0, 2], np.int32),
        np.array([7, 5, 1, 9]),
        2_000.0,
    )
    assert panes[0].spans == {0: Span(1, 1, 300), 2: Span(5, 7, 900)}
    assert panes[1].spans == {2: Span(9, 9, 1_500)}


def test_records_before_1970_have_a_slot_too() -> None:
    one = scene.batch(np.random.default_rng(0), 1)
    assert set(Deltas(LAYOUT).count(one, np.array([-1]), np.zeros(1, np.int32), np.zeros(1, np.int64), 0.0)) == {-1}


def test_broken_rules_are_counted_and_some_remembered() -> None:
    rows = scene.batch(np.random.default_rng(0), 100, scene.Drift(shift=1_000.0, nulls=0.0))
    pane = scene.pane_of(LAYOUT, rows)
    assert pane.violations("range:weight") == 100
    assert pane.violations("range:pieces") == 0
    assert pane.examples == {"range:weight": tuple((0, i) for i in range(MAX_EXAMPLES))}
    pane.add(pane)
    assert len(pane.examples["range:weight"]) == MAX_EXAMPLES


def test_ages_are_read_time_less_event_time() -> None:
    rows = scene.batch(np.random.default_rng(0), 2)
    event_ms = np.array([0, 900])
    panes = Deltas(LAYOUT).count(rows, event_ms, np.zeros(2, np.int32), np.arange(2), 2_000.0)
    assert np.flatnonzero(panes[0].record_ages).tolist() == sorted(delay_codes(np.array([2.0, 1.1])).tolist())


def test_delays_make_panes_without_records() -> None:
    panes = Deltas(LAYOUT).delays(np.array([10, 20, 1_010]), np.array([0.0, 3.0, 0.5]))
    assert {slot: int(pane.publish_delays.sum()) for slot, pane in panes.items()} == {0: 2, 1: 1}
    assert all(pane.records == 0 and not pane.spans for pane in panes.values())


def test_rows_of_many_slots_are_counted_in_parts_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    times = np.array([5_500, 100, 3_200, 5_900, 2_000, -1])
    assert [part.tolist() for part in Deltas(LAYOUT).parts(times)] == [[0, 1, 2, 3, 4, 5]]
    monkeypatch.setattr(panes, "AT_ONCE_BYTES", 2 * 8 * LAYOUT.size)
    assert [part.tolist() for part in Deltas(LAYOUT).parts(times)] == [[1, 5], [2, 4], [0, 3]]
    monkeypatch.setattr(panes, "AT_ONCE_BYTES", 0)
    assert len(list(Deltas(LAYOUT).parts(times))) == 5
    assert list(Deltas(LAYOUT).parts(times[:0])) == []


def test_no_record_no_pane() -> None:
    none = np.zeros(0, np.int64)
    assert Deltas(LAYOUT).count(scene.batch(np.random.default_rng(0), 0), none, none.astype(np.int32), none, 0.0) == {}


def test_the_column_the_clock_fills_is_not_watched() -> None:
    layout = PaneLayout(scene.SCHEMA, scene.profile(), event_time="sent")
    assert "sent" not in layout.bins
    assert scene.pane_of(layout, scene.batch(np.random.default_rng(0), 10)).records == 10


def test_rules_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="range:weight: is given twice"):
        PaneLayout(scene.SCHEMA, scene.profile(), (Range("weight", 0, 1), Range("weight", 0, 2)))


def test_panes_pickle() -> None:
    pane = scene.pane_of(LAYOUT, scene.batch(np.random.default_rng(0), 50))
    back = ForkingPickler.loads(ForkingPickler.dumps(pane))
    np.testing.assert_array_equal(back.counts, pane.counts)
    assert back.spans == pane.spans
