"""Rates between knots: cut, tiled, added and multiplied without losing a record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.pace.segments import Segments, added, joined, multiplied


def at_random(seed: int, knots: int) -> Segments:
    rng = np.random.Generator(np.random.PCG64(seed))
    edges = np.concatenate([[0.0], np.sort(rng.uniform(0, 10, knots)), [10.0]])
    return Segments(edges, rng.uniform(0, 9, knots + 1), rng.uniform(0, 9, knots + 1))


@given(seed=st.integers(0, 10**6), knots=st.integers(0, 6), at=st.floats(0.01, 9.99))
def test_cutting_and_joining_loses_nothing(seed: int, knots: int, at: float) -> None:
    whole = at_random(seed, knots)
    again = joined([whole.cut(0, at), whole.cut(at, 10)])
    assert again.masses.sum() == pytest.approx(whole.masses.sum())
    assert (np.diff(again.edges) >= 0).all()


@given(seed=st.integers(0, 10**6), knots=st.integers(0, 6), turns=st.integers(-3, 3), length=st.integers(1, 4))
def test_a_tiled_stretch_repeats(seed: int, knots: int, turns: int, length: int) -> None:
    once = at_random(seed, knots)
    tiled = once.tiled(10.0 * turns, 10.0 * (turns + length))
    assert (tiled.edges[0], tiled.edges[-1]) == (10.0 * turns, 10.0 * (turns + length))
    assert tiled.masses.sum() == pytest.approx(length * once.masses.sum())
    later = once.tiled(3.0, 23.0).moved(-3.0)
    assert later.masses.sum() == pytest.approx(2 * once.masses.sum())


@given(seed=st.integers(0, 10**6), knots=st.integers(0, 6))
def test_sums_are_exact_and_products_nearly(seed: int, knots: int) -> None:
    a, b = at_random(seed, knots), at_random(seed + 1, knots)
    assert added([a, b, a]).masses.sum() == pytest.approx(2 * a.masses.sum() + b.masses.sum())
    edges = np.unique(np.concatenate([a.edges, b.edges]))
    p, q = a.refined(edges), b.refined(edges)
    simpson = np.diff(edges) * (
        p.left * q.left + p.right * q.right + (p.left + p.right) * (q.left + q.right)
    )  # a product of lines is a parabola, for which Simpson's rule is exact
    assert multiplied(a, b).masses.sum() == pytest.approx(simpson.sum() / 6, rel=2e-4)
