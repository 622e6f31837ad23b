"""Rare values, by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stream_app.assessment.scores.rare import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_one_of_two_rare_values_is_left() -> None:
    words = ["a"] * 1_970 + ["b"] * 15 + ["c"] * 15
    tables = tables_of(
        pa.table({"x": pa.array(words).dictionary_encode()}),
        pa.table({"x": pa.array(["a"] * 1_985 + ["b"] * 15).dictionary_encode()}),
    )
    assert SCORE.of(tables, tables.synthetic)[("x",)].value == pytest.approx(0.5)
