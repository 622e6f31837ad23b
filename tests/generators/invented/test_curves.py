"""Ranks by popularity are numpy's interpolation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.invented.curves import STRETCHES, Curve
from generators.invented.pools import popularity
from generators.randomness import uniforms

pytestmark = pytest.mark.kernel

UNIFORMS = np.concatenate([np.arange(STRETCHES) / STRETCHES, uniforms((1, 2), 0, 2_000, 1)[:, 0], [1 - 2.0**-53]])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 10**6), max_size=400), st.integers(1, 500))
def test_ranks_are_those_of_numpy(counts: list[int], size: int) -> None:
    ranks, reached = popularity(np.sort(np.array(counts, np.int64))[::-1], size if counts else 1)
    curve = Curve(ranks, reached)
    wanted = np.interp(UNIFORMS, reached, ranks).astype(np.int64).clip(max=curve.size - 1)
    assert (curve.at(UNIFORMS) == wanted).all()


def test_values_that_no_row_holds_are_never_met() -> None:
    curve = Curve(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.5, 0.5, 1.0]))
    assert np.unique(curve.at(UNIFORMS)).tolist() == [0, 2]
    assert Curve(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0])).at(UNIFORMS[:-1]).tolist() == [0] * (
        len(UNIFORMS) - 1
    )
    assert curve.at(np.empty(0)).tolist() == []
