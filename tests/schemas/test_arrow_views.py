"""Buffers seen as numpy arrays are what Arrow says its arrays hold, wherever a slice starts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import arrow_views as views

SLICES = st.tuples(st.lists(st.booleans() | st.none(), max_size=40), st.integers(0, 40), st.integers(0, 40))


@given(SLICES)
def test_bits_and_nulls_of_slices(case: tuple[list[bool | None], int, int]) -> None:
    cells, start, length = case
    array = pa.array(cells, pa.bool_()).slice(min(start, len(cells)), length)
    expected = array.to_pylist()
    present = views.present_of(array).tolist()
    assert present == ([int(cell is not None) for cell in expected] if None in expected else [])
    bits = views.bits_of(array.buffers()[1], array)
    assert [bool(bit) for bit, cell in zip(bits, expected, strict=True) if cell is not None] == [
        cell for cell in expected if cell is not None
    ]


@given(st.lists(st.integers(-(2**31), 2**31 - 1)), st.integers(0, 9), st.integers(0, 9))
def test_values_of_slices(cells: list[int], start: int, length: int) -> None:
    array = pa.array(cells, pa.int32()).slice(min(start, len(cells)), length)
    view = views.values_of(array, np.int32)
    assert view.tolist() == array.to_pylist()
    assert not view.flags.writeable


@given(st.lists(st.text(max_size=5)), st.integers(0, 9))
def test_offsets_of_slices(cells: list[str], start: int) -> None:
    array = pa.array(cells, pa.string()).slice(min(start, len(cells)))
    offsets, data = views.offsets_of(array), views.bytes_of(array.buffers()[2]).tobytes()
    texts = [data[a:b].decode() for a, b in pairwise(offsets)]
    assert texts == array.to_pylist()


@pytest.mark.parametrize("offsets", [[0, 9, 3], [2, 1, 3], [0, -1, 3]])  # the ends are checked by Arrow itself
def test_offsets_outside_the_data_are_refused(offsets: list[int]) -> None:
    stored: Any = np.array(offsets, np.int32)
    buffers = [None, pa.py_buffer(stored), pa.py_buffer(b"abc")]
    with pytest.raises(ValueError, match="do not lie in its data"):
        views.offsets_of(pa.Array.from_buffers(pa.string(), 2, buffers))


def test_a_buffer_too_short_is_refused_and_none_is_zeros() -> None:
    with pytest.raises(ValueError, match="smaller than requested"):
        views.numbers(pa.py_buffer(b"12345678"), np.int64, 0, 2)
    assert views.numbers(None, np.int64, 5, 2).tolist() == [0, 0]


def test_starts() -> None:
    assert views.starts_of([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert views.starts_of([]).tolist() == [0]


def test_the_same_memory_is_the_same_stretch_of_it() -> None:
    array = pa.array(["a", "b", "c"])
    assert views.same_memory(array.slice(1), array.slice(1))
    assert not views.same_memory(array.slice(1), array.slice(0, 2))
    assert not views.same_memory(array, array.slice(0, 2))
    assert not views.same_memory(array, pa.array(["a", "b", "c"]))
    assert not views.same_memory(array, array.cast(pa.large_string()))
