"""A delta is the same after a journey, adds up, and counts once."""

from __future__ import annotations

import numpy as np
import pytest

from monitors.arrivals import Arrived
from monitors.delta import Delta, Ledger, Range, fingerprint
from monitors.pane import Deltas, Pane, PaneLayout
from monitors.samples import Sampler
from schemas.errors import InputError
from tests.monitors.scene import SCHEMA, batch, layout, profile

LAYOUT = layout()


def counted(rows: int, start: int = 0, partition: int = 0, seed: int = 0) -> Delta:
    """Some records of one partition, of three slots."""
    times = np.linspace(0, 2_999, rows).astype(np.int64)
    offsets = np.arange(start, start + rows)
    partitions = np.full(rows, partition, np.int32)
    drawn = batch(np.random.default_rng(seed), rows)
    arrived = Arrived(np.zeros(rows, np.int64), np.ones(rows, np.bool_), np.zeros((rows, 3), np.int64), offsets + 9)
    panes = Deltas(LAYOUT).count(drawn, times, partitions, offsets, 5_000.0, arrived)
    return Delta({partition: Range(start, start + rows)}, panes, 5_000.0, {"foreign": 2})


def _notes(pane: Pane) -> tuple[object, ...]:
    return pane.spans, pane.numbers, pane.examples


def same(one: Delta, other: Delta) -> bool:
    """Whether two deltas are equal in everything."""
    about = [(d.ranges, d.read_ms, d.tallies, list(d.panes)) for d in (one, other)]
    pairs = [(one.panes[slot], other.panes[slot]) for slot in one.panes]
    return about[0] == about[1] and all(np.array_equal(a.counts, b.counts) and _notes(a) == _notes(b) for a, b in pairs)


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_a_delta_is_the_same_after_a_journey(rows: int) -> None:
    delta = counted(rows)
    data = delta.to_bytes(LAYOUT)
    read = Delta.from_bytes(data, LAYOUT)
    assert same(delta, read)
    for pane in read.panes.values():
        pane.add(pane)  # its counts are its own to change
    assert len(data) < 8 * LAYOUT.size * max(1, len(delta.panes))


def test_samples_travel_and_are_joined() -> None:
    drawn = Deltas(LAYOUT, sampler=Sampler(LAYOUT.bins))
    rows, times = batch(np.random.default_rng(4), 3_000), np.zeros(3_000, np.int64)
    partitions, offsets = np.zeros(3_000, np.int32), np.arange(3_000)
    whole = drawn.count(rows, times, partitions, offsets, 5_000.0)[0].sample
    sent = Delta()
    for part in (slice(0, 900), slice(900, 3_000)):
        taken = rows.slice(part.start, part.stop - part.start)
        counted = drawn.count(taken, times[part], partitions[part], offsets[part], 5_000.0)
        sent.add(Delta.from_bytes(Delta({}, counted).to_bytes(LAYOUT), LAYOUT))
    joined = sent.panes[0].sample
    assert whole is not None
    assert joined is not None
    np.testing.assert_array_equal(joined.keys, whole.keys)
    np.testing.assert_array_equal(joined.codes, whole.codes)


def test_deltas_add_up_to_what_is_counted_at_once() -> None:
    parts = [counted(300, 0, seed=1), counted(200, 300, seed=2), counted(100, 0, partition=3, seed=3)]
    whole = Delta()
    for part in parts:
        whole.add(part)
    assert whole.ranges == {0: Range(0, 500), 3: Range(0, 100)}
    assert whole.tallies == {"foreign": 6}
    for slot, pane in whole.panes.items():
        assert np.array_equal(pane.counts, sum(part.panes[slot].counts for part in parts))
        assert pane.spans[0].last == max(part.panes[slot].spans[0].last for part in parts[:2])
    assert parts[0].ranges == {0: Range(0, 300)}


def test_what_is_no_delta_of_this_stream_is_refused() -> None:
    data = counted(10).to_bytes(LAYOUT)
    with pytest.raises(InputError, match="is no delta"):
        Delta.from_bytes(b"hello", LAYOUT)
    with pytest.raises(InputError, match="is no delta"):
        Delta.from_bytes(data[:-400], LAYOUT)
    other = PaneLayout(SCHEMA, profile())
    assert fingerprint(other) != fingerprint(LAYOUT) == fingerprint(layout())
    with pytest.raises(InputError, match="counted under another artifact or other rules"):
        Delta.from_bytes(data, other)


def test_a_range_counts_once_and_only_where_the_last_one_ended() -> None:
    ledger = Ledger()
    assert ledger.takes({0: Range(5, 10), 1: Range(0, 3)})
    assert ledger.takes({0: Range(10, 12)})
    assert not ledger.takes({0: Range(5, 10), 1: Range(0, 3)})
    assert not ledger.takes({0: Range(10, 12)})
    assert (ledger.repeated, ledger.lost) == (10, 0)
    assert ledger.takes({1: Range(7, 9)})
    assert (ledger.lost, ledger.gaps, ledger.ends) == (4, 1, {0: 12, 1: 9})


def test_a_range_that_overlaps_is_an_error() -> None:
    ledger = Ledger()
    ledger.takes({0: Range(0, 10)})
    with pytest.raises(InputError, match="partition 0 from 8, counted to 10"):
        ledger.takes({0: Range(8, 12)})
    with pytest.raises(InputError, match="partition 0 from 0, counted to 10"):
        ledger.takes({0: Range(0, 10), 1: Range(0, 5)})
    assert ledger.ends == {0: 10}
