from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from schemas.bins import Bins, bins_of
from schemas.errors import InputError
from schemas.profile import profile_table
from schemas.row_counts import COARSE_CELLS, RANKS, Moments, RowCounts, RowLayout, coarse_cells, scores
from schemas.table import Column, Kind, TableSchema
from tests.generators.tables import AWKWARD, orders, table

ONE = np.zeros(0, np.int64)


def layout_of(made: pa.Table, schema: TableSchema) -> RowLayout:
    pairs = list(combinations(schema.names, 2))[:6]
    return RowLayout(schema, profile_table(made, schema), pairs)


def counted(layout: RowLayout, *batches: pa.RecordBatch) -> npt.NDArray[np.int64]:
    counts = np.zeros((1, layout.size), np.int64)
    for batch in batches:
        layout.add(batch, ONE, counts)
    return counts.reshape(-1)


def bins(column: Column, cells: list[Any]) -> Bins:
    (known,) = profile_table(*table([(column, cells)]))
    return bins_of(column, known)


@pytest.mark.parametrize("name", AWKWARD)
def test_counts_are_those_of_rows_looked_at_one_by_one(name: str) -> None:
    made, schema = AWKWARD[name]()
    layout = layout_of(made, schema)
    batch = made.slice(0, 300).combine_chunks().to_batches()[0]
    found = layout.read(counted(layout, batch))
    codes = {n: b.codes(batch.column(n)).tolist() for n, b in layout.bins.items()}
    assert found.rows == batch.num_rows
    for column, bins in layout.bins.items():
        assert found.columns[column].tolist() == bins.counts(batch.column(column)).tolist()
    for (a, b), counts in found.pairs.items():
        groups = [coarse_cells(layout.bins[n]).tolist() for n in (a, b)]
        seen = Counter(zip((groups[0][c] for c in codes[a]), (groups[1][c] for c in codes[b]), strict=True))
        assert {(i, j): n for i, row in enumerate(counts.tolist()) for j, n in enumerate(row) if n} == dict(seen)
    weights = {n: scores(layout.bins[n]).tolist() for n in layout.scored}
    columns = [[1] * batch.num_rows, *([weights[n][c] for c in codes[n]] for n in layout.scored)]
    columns += [[int(c != layout.bins[n].null) for c in codes[n]] for n in layout.nullable]
    products = [[sum(x * y for x, y in zip(one, other, strict=True)) for other in columns] for one in columns]
    assert found.moments.gram.tolist() == products
    scored = columns[1 : 1 + len(layout.scored)]
    present = columns[1 + len(layout.scored) :]
    squares = [[sum(x * x * p for x, p in zip(one, other, strict=True)) for other in present] for one in scored]
    assert found.moments.squares.tolist() == squares


def test_counts_add_up_however_rows_are_cut_and_slotted() -> None:
    made, schema = orders(2_000)
    layout = layout_of(made, schema)
    batch = made.combine_chunks().to_batches()[0]
    whole = counted(layout, batch)
    np.testing.assert_array_equal(whole, counted(layout, batch.slice(0, 777), batch.slice(777)))
    slots = np.random.default_rng(0).integers(0, 5, 2_000)
    apart = np.zeros((6, layout.size), np.int64)
    layout.add(batch, slots, apart)
    np.testing.assert_array_equal(apart.sum(0), whole)
    for slot in range(5):
        np.testing.assert_array_equal(apart[slot], counted(layout, batch.filter(pa.array(slots == slot))))
    assert not apart[5].any()


def test_cells_that_rise_are_merged_to_equal_parts() -> None:
    found = bins(Column("x", Kind.NUMBER, nullable=True), [k / 7 for k in range(7_000)])
    groups = coarse_cells(found)
    share = np.bincount(groups, found.expected)
    assert (np.diff(groups.astype(int)) >= 0).all()
    assert groups[-1] == COARSE_CELLS - 1
    assert share[:-1] == pytest.approx(1 / (COARSE_CELLS - 1), abs=0.01)


def test_frequent_values_and_what_was_never_seen_stay_by_themselves() -> None:
    values = [f"v{k}" for k in range(40) for _ in range(5 + 10 * (k < 13))]
    found = bins(Column("c", Kind.CATEGORY, nullable=True), [*values, None])
    groups = coarse_cells(found)
    assert len(set(groups[:13].tolist())) == 13
    assert len(set(groups[13:40].tolist())) == 1
    assert found.unseen is not None
    assert groups[[found.unseen, found.null]].tolist() == [COARSE_CELLS - 2, COARSE_CELLS - 1]
    few = bins(Column("c", Kind.CATEGORY), ["a"] * 5 + ["b"] * 5)
    assert coarse_cells(few).tolist() == [0, 1, 2, 3]


def test_scores_are_middle_ranks_counted_from_the_median() -> None:
    found = bins(Column("n", Kind.INTEGER, nullable=True), [1] * 50 + [2] * 30 + [3] * 20 + [None] * 5)
    by_label = dict(zip(found.labels, scores(found).tolist(), strict=True))
    assert by_label == {"under 1": -500, "1": -250, "2": 150, "3": 400, "over 3": 500, "null": 0}
    assert RANKS == 1_000


def test_they_read_back_from_json() -> None:
    made, schema = orders(500)
    layout = layout_of(made, schema)
    counts = layout.read(counted(layout, made.combine_chunks().to_batches()[0]))
    form = json.loads(json.dumps(counts.to_json()))
    back = RowCounts.from_json(form)
    assert back.to_json() == counts.to_json()
    np.testing.assert_array_equal(back.moments.gram, counts.moments.gram)
    np.testing.assert_array_equal(back.moments.squares, counts.moments.squares)
    assert back.pairs.keys() == counts.pairs.keys()
    for old in ({**form, "format": 3}, {"price": [1, 2]}):
        with pytest.raises(InputError, match=r"reference format=[13]: expected 2; train the model again"):
            RowCounts.from_json(old)


def test_moments_of_some_columns_are_theirs() -> None:
    gram = np.arange(25).reshape(5, 5)
    moments = Moments(("a", "b", "c"), ("c",), gram + gram.T, np.array([[7], [8], [9]]))
    fewer = moments.of(["c", "a"])
    assert (fewer.columns, fewer.nullable) == (("c", "a"), ("c",))
    at = [0, 3, 1, 4]
    assert fewer.gram.tolist() == (gram + gram.T)[np.ix_(at, at)].tolist()
    assert fewer.squares.tolist() == [[9], [7]]
    assert moments.of(["a"]).squares.shape == (1, 0)
    assert moments.presence(["a", "c"]).tolist() == [0, 4]
