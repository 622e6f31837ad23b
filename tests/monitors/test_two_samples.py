"""How far two windows lie apart: monitors.two_samples, by hand and by how often its bounds hold."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from monitors.pane import Pane, PaneLayout
from monitors.two_samples import Change, Gap, Subject, TwoSamples, subjects
from schemas.table import Column, Kind, TableSchema
from tests.monitors.scene import SCHEMA, Drift, layout, pane, pane_with, profile

MISS = 0.01
CELLS = layout()


def gap(column: str, change: Change, one: Pane, other: Pane) -> Gap:
    found = TwoSamples(one, other, MISS).gap(Subject(column, change))
    assert found is not None
    return found


def test_what_can_be_compared_of_each_kind_of_column() -> None:
    found = {(s.column, s.change.value) for s in subjects(CELLS)}
    ordered, named = ("weight", "pieces", "sent"), ("size", "fragile")
    assert found == {
        *((name, "nulls") for name in SCHEMA.names),
        *((name, change) for name in ordered for change in ("distribution", "correlation")),
        *((name, change) for name in named for change in ("shares", "unseen")),
    }


def test_of_timestamps_only_whether_they_are_there_is_compared() -> None:
    timed = TableSchema("t", (Column("sent", Kind.TIMESTAMP), SCHEMA["weight"]))
    known = profile()
    assert [s.change for s in subjects(PaneLayout(timed, known)) if s.column == "sent"] == [Change.NULLS]
    assert Change.CORRELATION not in {s.change for s in subjects(PaneLayout(timed, known))}


def test_sizes_are_those_worked_out_by_hand() -> None:
    one = pane_with(CELLS, "size", {"S": 30, "M": 40, "unseen": 10, "null": 20})
    other = pane_with(CELLS, "size", {"S": 50, "M": 50})
    shares = gap("size", Change.SHARES, one, other)
    lifted = (sqrt(3 / 8 * 5 / 8 / 80 + 0.25 / 100) + sqrt(0.25 / 80 + 0.25 / 100) + sqrt(1 / 8 * 7 / 8 / 80)) / 2
    assert shares.size == pytest.approx(0.125 - lifted)
    assert shares.size - shares.low == pytest.approx(sqrt(log(2 / MISS) * (1 / 80 + 1 / 100) / 2))
    assert gap("size", Change.UNSEEN, one, other).size == pytest.approx(0.125)
    assert gap("size", Change.UNSEEN, other, one).size == 0
    assert gap("size", Change.NULLS, one, other).size == gap("size", Change.NULLS, other, one).size == 0.2
    pieces = [pane_with(CELLS, "pieces", counts) for counts in ({"1": 60, "2": 40}, {"1": 10, "2": 90})]
    order = gap("pieces", Change.DISTRIBUTION, *pieces)
    assert [order.size, order.size - order.low] == pytest.approx([0.5, order.reach])
    assert order.reach == pytest.approx(2 * sqrt(log(4 / MISS) / 200))


def test_a_correlation_counts_by_half_its_change() -> None:
    one, other = pane(CELLS, 20_000, seed=1), pane(CELLS, 20_000, seed=2)
    calm = gap("weight", Change.CORRELATION, one, other)
    assert calm.low <= calm.size < 0.01
    rows = np.arange(20_000)
    swapped = Pane(CELLS, one.counts.copy())
    moments = CELLS.rows.moments
    order = 1 + len(CELLS.rows.scored) + len(CELLS.rows.nullable)
    place = np.argwhere(np.column_stack(np.triu_indices(order))[:, 0] == 1)[1, 0]  # of weight and pieces
    swapped.counts[moments][place] += 40_000 * len(rows)
    assert gap("weight", Change.CORRELATION, swapped, other).low > 0.1


def test_an_empty_window_has_nothing_to_compare() -> None:
    empty, full = Pane.empty(CELLS), pane(CELLS, 1_000)
    for subject in subjects(CELLS):
        assert TwoSamples(empty, full, MISS).gap(subject) is None
        assert TwoSamples(full, empty, MISS).gap(subject) is None


def test_bounds_lie_above_the_truth_no_more_often_than_promised() -> None:
    windows = 150
    above = dict.fromkeys(subjects(CELLS), 0)
    for seed in range(windows):
        samples = TwoSamples(pane(CELLS, 300, seed=2 * seed), pane(CELLS, 900, seed=2 * seed + 1), 0.05)
        for subject in above:
            found = samples.gap(subject)
            above[subject] += found is not None and found.low > 0
    assert max(above.values()) <= 0.05 * windows + 3 * sqrt(0.05 * windows)


def test_what_is_surely_there_is_shown() -> None:
    calm = pane(CELLS, 5_000, seed=1)
    for drift, column, change, least in (
        (Drift(shift=0.5), "weight", Change.DISTRIBUTION, 0.1),
        (Drift(nulls=0.3), "weight", Change.NULLS, 0.15),
        (Drift(swapped=0.2), "size", Change.SHARES, 0.1),
        (Drift(new_size="XXL"), "size", Change.UNSEEN, 0.03),
    ):
        assert gap(column, change, pane(CELLS, 5_000, drift, seed=2), calm).low > least
