"""Informational correlation, by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pyarrow as pa
import pytest

from stream_app.assessment.scores.association import SCORE
from tests.stream_app.assessment.planted import rng_of, tables_of


def test_two_columns_that_are_the_same_and_then_are_not() -> None:
    rng = rng_of(1)
    values = rng.choice(["a", "b"], 4_000)
    real = pa.table({"x": pa.array(values).dictionary_encode(), "y": pa.array(values).dictionary_encode()})
    mixed = pa.table(
        {"x": pa.array(values).dictionary_encode(), "y": pa.array(rng.permutation(values)).dictionary_encode()}
    )
    tables = tables_of(real, mixed)
    assert SCORE.of(tables, tables.synthetic)["x", "y"].value == pytest.approx(1 - sqrt(0.75), abs=0.04)


def test_where_values_are_missing_counts() -> None:
    x = np.array(["a", "b"] * 1_000)
    tied = pa.table({"x": pa.array(x).dictionary_encode(), "y": pa.array(np.ones(2_000), mask=x == "a")})
    loose = pa.table(
        {"x": pa.array(x).dictionary_encode(), "y": pa.array(np.ones(2_000), mask=rng_of(1).random(2_000) < 0.5)}
    )
    tables = tables_of(tied, loose)
    assert SCORE.of(tables, tables.synthetic)["y", "x"].value < 0.3
