"""The kernels that find and count cells, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas import cell_kernels as kernels

pytestmark = pytest.mark.kernel

NO_BITS = np.zeros(0, np.uint8)
ALL_IN_ONE = np.zeros(0, np.int64)
ANY = st.floats(allow_nan=True, allow_infinity=True)


def coded(
    run: Callable[[Any], Any], values: npt.NDArray[Any], edges: npt.NDArray[np.float64], present: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int32]:
    with np.errstate(all="ignore"):
        reach = edges[-1] - edges[0]
        scale = 64 / reach if 0 < reach < np.inf and np.isfinite(64 / reach) else 0.0
        first = np.empty(65, np.int64)
        run(kernels.lay_grid)(edges, edges[0], scale, first)
        codes = np.empty(len(values), np.int32)
        run(kernels.code_numbers)(values, present, edges, (edges[0], scale, first), 99, codes)
    return codes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20, unique=True), st.lists(ANY))
@example([1e308, -1e308], [0.0, np.inf, -np.inf, np.nan])
@example([5e-324, 0.0], [5e-324, -5e-324, 1.0])
@example([0.1 + k * 1e-9 for k in range(9)] + [1e9], [0.1, 0.1 + 4e-9, 1e9, 1e10, -1.0])
def test_numbers_find_the_cell_that_a_search_finds(
    run: Callable[[Any], Any], edges: list[float], values: list[float]
) -> None:
    rising, tried = np.sort(edges), np.array([*values, *edges], np.float64)
    searched = np.where(np.isnan(tried), 99, np.searchsorted(rising, tried, side="right"))
    assert coded(run, tried, rising, NO_BITS).tolist() == searched.tolist()


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.float64])
def test_nulls_have_their_own_cell_whatever_stands_under_them(run: Callable[[Any], Any], kind: type) -> None:
    present = np.array([1, 0, 1], np.uint8)
    assert coded(run, np.array([0, 7, 9], kind), np.array([1.0, 8.0]), present).tolist() == [0, 99, 2]


def test_entries_are_looked_up_and_nulls_are_not(run: Callable[[Any], Any]) -> None:
    codes = np.empty(3, np.int32)
    cells = np.array([5, 3], np.int32)
    run(kernels.code_entries)(np.array([1, 77, 0]), np.array([1, 0, 1], np.uint8), cells, 9, codes)
    assert codes.tolist() == [3, 9, 5]
    run(kernels.code_entries)(np.array([1, 1, 0], np.int8), NO_BITS, cells, 9, codes)
    assert codes.tolist() == [3, 3, 5]


def test_cells_are_counted_by_slot(run: Callable[[Any], Any]) -> None:
    codes = np.array([[0, 1, 1], [2, 2, 0]], np.int32)
    starts = np.array([1, 3])
    counts = np.zeros((2, 6), np.int64)
    run(kernels.tally)(codes, np.array([0, 1, 1]), starts, counts)
    assert counts.tolist() == [[0, 1, 0, 0, 0, 1], [0, 0, 2, 1, 0, 1]]
    run(kernels.tally)(codes, ALL_IN_ONE, starts, counts)
    assert counts.tolist() == [[0, 2, 2, 1, 0, 3], [0, 0, 2, 1, 0, 1]]


def test_pairs_are_counted_by_slot(run: Callable[[Any], Any]) -> None:
    coarse = np.array([[0, 1, 1], [2, 2, 0]], np.uint8)
    pairs = np.array([[0, 1, 3, 1]])
    counts = np.zeros((2, 7), np.int64)
    run(kernels.tally_pairs)(coarse, np.array([0, 1, 1]), pairs, counts)
    assert counts.tolist() == [[0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0, 1]]
    run(kernels.tally_pairs)(coarse, ALL_IN_ONE, pairs, counts)
    assert counts[0].tolist() == [0, 0, 0, 2, 1, 0, 1]


def test_scores_and_coarse_cells_are_looked_up(run: Callable[[Any], Any]) -> None:
    codes = np.array([2, 0, 1], np.int32)
    values, coarse = np.empty(3), np.empty(3, np.uint8)
    run(kernels.spread_scores)(codes, np.array([-1.0, 0.0, 4.0]), values)
    run(kernels.coarsen)(codes, np.array([0, 0, 1], np.uint8), coarse)
    assert (values.tolist(), coarse.tolist()) == ([4.0, -1.0, 0.0], [1, 0, 0])
