"""Products and sums in a fixed order: compiled, they are numpy's but for rounding, and the same every time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.discrete.products import LANES, ROWS, dot, padded, times

pytestmark = pytest.mark.kernel


@numba.njit
def product(x: Any, by: Any, out: Any) -> None:
    """`times`, as compiled code has it."""
    times(x, by, out)


@numba.njit
def sum_of_products(x: Any, y: Any) -> Any:
    """`dot`, as compiled code has it."""
    return dot(x, y)


def normal(seed: int, *shape: int) -> npt.NDArray[np.float32]:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape).astype(np.float32)


@given(st.integers(1, 5), st.integers(1, 70), st.integers(1, 4), st.integers(0, 99))
def test_a_product_is_numpys(tall: int, depth: int, wide: int, seed: int) -> None:
    x, by = normal(seed, ROWS * tall, depth), normal(seed + 1, depth, LANES * wide)
    out, again = np.full((ROWS * tall, LANES * wide), np.nan, np.float32), np.zeros((ROWS * tall, LANES * wide), "f4")
    product(x, by, out)
    product(x.copy(), by.copy(), again)
    np.testing.assert_allclose(out, x.astype(np.float64) @ by.astype(np.float64), atol=1e-4)
    np.testing.assert_array_equal(out, again)


@given(st.integers(0, 100), st.integers(0, 99))
def test_a_sum_of_products_is_numpys(n: int, seed: int) -> None:
    x, y = normal(seed, n), normal(seed + 1, n)
    assert sum_of_products(x, y) == pytest.approx(float(x.astype(np.float64) @ y.astype(np.float64)), abs=1e-4)
    assert dot(x, y) == pytest.approx(float(sum_of_products(x, y)), abs=1e-4)


def test_sums_are_exact_where_numbers_are() -> None:
    ones = np.ones(67, np.float32)
    assert sum_of_products(np.arange(67, dtype=np.float32), ones) == 2_211
    out = np.zeros((ROWS, LANES), np.float32)
    product(np.full((ROWS, 3), 2, np.float32), np.full((3, LANES), 5, np.float32), out)
    assert (out == 30).all()


def test_columns_are_filled_up_to_whole_tiles() -> None:
    assert [padded(n) for n in (0, 1, LANES, LANES + 1)] == [0, LANES, LANES, 2 * LANES]
