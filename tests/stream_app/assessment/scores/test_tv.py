"""Total variation of categories, by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.scores.tv import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_it_is_the_share_of_rows_that_would_have_to_change() -> None:
    real = pa.table({"x": pa.array(["a"] * 50 + ["b"] * 30 + ["c"] * 20).dictionary_encode()})
    other = pa.table({"x": pa.array(["a"] * 30 + ["b"] * 30 + ["d"] * 40).dictionary_encode()})
    tables = tables_of(real, other)
    assert SCORE.of(tables, tables.synthetic)[("x",)].value == pytest.approx(0.6)
    assert SCORE.of(tables, tables.real)[("x",)].value == 1.0
