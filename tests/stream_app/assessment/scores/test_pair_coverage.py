"""Combinations, by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.scores.pair_coverage import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_a_combination_that_is_gone_is_not_covered() -> None:
    x, y = ["a", "a", "b", "b"] * 100, ["p", "q", "p", "q"] * 100
    z = ["p", "q", "p", "p"] * 100
    real, other = (
        pa.table({"x": pa.array(x).dictionary_encode(), "y": pa.array(each).dictionary_encode()}) for each in (y, z)
    )
    tables = tables_of(real, other)
    assert SCORE.of(tables, tables.synthetic)["x", "y"].value == pytest.approx(0.75)
