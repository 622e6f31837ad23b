from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitors.sketches import REGISTERS, Registers, distinct, estimated, note

ONE = np.zeros(0, np.int64)


def sketch(array: pa.Array[Any]) -> Registers:
    registers = np.zeros((1, REGISTERS), np.uint8)
    note(array, ONE, registers)
    return registers.reshape(-1)


@pytest.mark.parametrize("n", [1, 40, 3_000, 20_000, 300_000])
def test_the_interval_holds_the_number_95_times_in_100(n: int) -> None:
    rng = np.random.default_rng(n)
    found = [estimated(sketch(pa.array(rng.integers(-(2**62), 2**62, n))), n) for _ in range(60)]
    assert np.mean([f.low - 0.01 <= n <= f.high + 0.01 for f in found]) >= 0.9
    assert np.mean([f.value for f in found]) == pytest.approx(n, rel=0.01)


def test_values_that_come_again_count_once_as_numbers_and_as_texts() -> None:
    keys = np.arange(5_000)
    again = np.concatenate([keys, keys])
    assert distinct(sketch(pa.array(again))) == distinct(sketch(pa.array(keys)))
    texts = [f"key {k}" for k in again]
    assert distinct(sketch(pa.array(texts))) == pytest.approx(5_000, rel=0.05)
    np.testing.assert_array_equal(sketch(pa.array(texts)), sketch(pa.array(texts).dictionary_encode()))


def test_sketches_of_parts_join_to_that_of_the_whole() -> None:
    values = pa.array(np.random.default_rng(0).integers(0, 9_000, 10_000))
    parts = [sketch(values.slice(0, 3_000)), sketch(values.slice(3_000))]
    np.testing.assert_array_equal(np.maximum(*parts), sketch(values))


def test_nulls_are_no_values() -> None:
    assert distinct(sketch(pa.array([None, None], pa.int64()))) == 0
    assert isnan(estimated(None, 5).value)
    assert isnan(estimated(sketch(pa.array([1])), 0).value)
