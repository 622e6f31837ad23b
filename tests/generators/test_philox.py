"""Uniforms by address are numpy's Philox, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.philox import addressed
from generators.randomness import uniforms

pytestmark = pytest.mark.kernel

WORD = st.integers(0, 2**64 - 1)
ADDRESS = st.integers(0, 2**63 - 1)


@settings(max_examples=50, deadline=None)
@given(st.tuples(WORD, WORD), st.lists(st.tuples(ADDRESS, ADDRESS), max_size=5), st.integers(0, 9))
def test_every_row_is_what_numpy_draws_at_its_counter(
    key: tuple[int, int], rows: list[tuple[int, int]], width: int
) -> None:
    entities, numbers = np.array(rows, np.int64).reshape(-1, 2).T
    found = addressed(key, (entities, numbers), width)
    assert found.shape == (len(rows), width)
    for row, (entity, number) in zip(found, rows, strict=True):
        bits = np.random.Philox(key=np.array(key, np.uint64), counter=np.array([0, number, entity, 0], np.uint64))
        words = [int(bits.random_raw()) for _ in range(width)]
        assert row.tolist() == [(word >> 11) * 2.0**-53 for word in words]


def test_rows_come_in_any_order_and_share_nothing() -> None:
    entities, numbers = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
    whole = addressed((3, 4), (entities, numbers), 6)
    order = np.argsort(uniforms((5, 6), 0, 400, 1)[:, 0])
    assert (addressed((3, 4), (entities[order], numbers[order]), 6) == whole[order]).all()
    assert len(np.unique(whole)) == whole.size
    assert ((whole >= 0) & (whole < 1)).all()
