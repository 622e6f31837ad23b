"""The kernels that place records in panes, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitors import pane_kernels as kernels
from monitors.delays import DELAY_EDGES_S, FIRST_BY_EXPONENT

pytestmark = pytest.mark.kernel


def test_delays_find_the_cell_that_a_search_finds(run: Callable[[Any], Any]) -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    near = [np.nextafter(DELAY_EDGES_S, way) for way in (-np.inf, np.inf)]
    delays = np.concatenate([DELAY_EDGES_S, *near, [-1.0, 1e9, np.inf], 10 ** rng.uniform(-6, 7, 500)])
    codes = np.empty(len(delays), np.int32)
    run(kernels.code_delays)(delays, DELAY_EDGES_S, FIRST_BY_EXPONENT, codes)
    assert codes.tolist() == np.maximum(np.searchsorted(DELAY_EDGES_S, delays, side="right") - 1, 0).tolist()


def test_bounds_are_the_least_and_the_greatest(run: Callable[[Any], Any]) -> None:
    assert run(kernels.bounds_of)(np.array([3, -5, 9, 0])) == (-5, 9)


@pytest.mark.parametrize("one_slot", [True, False])
def test_spans_are_noted_by_slot_and_partition(run: Callable[[Any], Any], one_slot: bool) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    n = 200
    slots, parts = rng.integers(0, 1 if one_slot else 3, n), rng.integers(0, 4, n).astype(np.int32)
    offsets, times = rng.integers(0, 1_000, n), rng.integers(-50, 50, n)
    spans = np.zeros((3, 5, 4), np.int64)
    run(kernels.note_spans)(slots[:0] if one_slot else slots, parts, offsets, times, spans)
    for slot in range(3):
        for part in range(5):
            here = (slots == slot) & (parts == part)
            seen = [here.sum(), offsets[here].min(), offsets[here].max(), times[here].max()] if here.any() else [0] * 4
            assert spans[slot, part].tolist() == seen
