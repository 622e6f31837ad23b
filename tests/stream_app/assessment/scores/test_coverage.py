"""What still comes, by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.scores.coverage import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_a_value_that_is_gone_is_not_covered_and_rare_ones_are_passed_over() -> None:
    real = pa.table({"x": pa.array(["a"] * 600 + ["b"] * 396 + ["c"] * 4).dictionary_encode()})
    other = pa.table({"x": pa.array(["a"] * 1_000).dictionary_encode()})
    tables = tables_of(real, other)
    found = SCORE.of(tables, tables.synthetic)[("x",)]
    assert (found.value, found.high) == pytest.approx((600 / 996, 600 / 996))
