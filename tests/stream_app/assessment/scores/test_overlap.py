"""Overlap of histograms."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from stream_app.assessment.scores.overlap import SCORE
from tests.stream_app.assessment.planted import rng_of, tables_of


def test_a_heap_that_is_spread_out_is_seen() -> None:
    rng = rng_of(1)
    heaped = np.where(rng.random(4_000) < 0.4, 40, rng.integers(0, 81, 4_000))
    spread = np.where(rng.random(4_000) < 0.4, rng.integers(36, 45, 4_000), rng.integers(0, 81, 4_000))
    tables = tables_of(pa.table({"x": pa.array(heaped)}), pa.table({"x": pa.array(spread)}))
    found = SCORE.of(tables, tables.synthetic)[("x",)]
    assert found.value == pytest.approx(0.65, abs=0.05)
    assert found.high < 0.75
