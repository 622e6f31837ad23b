"""Rank correlations, against their truth."""

from __future__ import annotations

from math import asin, pi

import pyarrow as pa
import pytest

from stream_app.assessment.scores.correlation import SCORE
from tests.stream_app.assessment.planted import rng_of, tables_of


def test_it_is_one_less_the_difference_and_a_constant_goes_with_nothing() -> None:
    rng = rng_of(1)
    one, noise = rng.normal(size=(2, 20_000))
    real = pa.table({"x": pa.array(one), "y": pa.array(0.5 * one + 0.75**0.5 * noise)})
    other = pa.table({"x": pa.array(one), "y": pa.array(noise)})
    tables = tables_of(real, other)
    found = SCORE.of(tables, tables.synthetic)
    truth = 1 - 6 / pi * asin(0.25)
    assert found["x", "y"].low < truth < found["x", "y"].high
    assert found["x", "y"].value == pytest.approx(truth, abs=0.02)
    still = tables_of(real, pa.table({"x": pa.array([0.5] * 20_000), "y": pa.array(noise)}))
    assert SCORE.of(still, still.synthetic)["x", "y"].value == pytest.approx(truth, abs=0.02)
