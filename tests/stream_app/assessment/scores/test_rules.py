"""Rules, by hand."""

from __future__ import annotations

import pyarrow as pa

from schemas.rules import NotNull, Range
from stream_app.assessment.scores.rules import SCORE
from tests.stream_app.assessment.planted import tables_of


def test_rules_are_counted_one_by_one_and_together() -> None:
    real = pa.table({"x": pa.array([1, 2] * 50), "y": pa.array([1, 2] * 50)})
    other = pa.table({"x": pa.array([1, 9] * 50), "y": pa.array([1, 1, None, 1] * 25)})
    tables = tables_of(real, other, rules=(Range("x", 0, 5), NotNull("y")))
    found = {each.subject: each for each in SCORE.measure(tables)}
    assert [found[key].of.value for key in (("range:x",), ("not_null:y",), ())] == [0.5, 0.75, 0.25]
    own = found[()].holdout
    assert own is not None
    assert own.value == 1.0  # of the real rows, where there is no holdout
