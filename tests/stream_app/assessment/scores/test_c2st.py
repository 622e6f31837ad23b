"""A classifier that tells rows apart."""

from __future__ import annotations

import pytest

from stream_app.assessment.scores.c2st import SCORE
from tests.stream_app.assessment.planted import people, shuffled, tables_of

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra `assess`")


def test_rows_of_one_law_are_not_told_apart_and_loose_columns_are() -> None:
    real, other = people(1_000, 1), people(1_000, 2)
    tables = tables_of(real, other, shuffled(other, *other.column_names))
    (found,) = SCORE.measure(tables)
    assert abs(found.of.value - 0.5) < 0.06
    assert found.holdout is not None
    assert found.holdout.low > 0.6


def test_a_few_rows_teach_nothing() -> None:
    table = people(10, 1)
    assert SCORE.measure(tables_of(table, table)) == []
