"""Exact copies, by hand."""

from __future__ import annotations

import pyarrow as pa

from stream_app.assessment.limits import Limits
from stream_app.assessment.scores.copies import SCORE
from tests.stream_app.assessment.planted import people, put, tables_of


def test_copies_are_counted_whatever_their_order_and_keys() -> None:
    real, other, holdout = (people(1_000, seed) for seed in (1, 2, 3))
    mixed = pa.concat_tables([real.slice(0, 100), other.slice(100)]).unify_dictionaries().combine_chunks()
    (found,) = SCORE.measure(tables_of(real, mixed, holdout))
    assert found.facts["copies"] in range(100, 105)


def test_without_a_holdout_real_rows_that_come_twice_are_the_bar() -> None:
    table = pa.table({"x": pa.array([1, 2, 3, 4, 4] * 1 + list(range(5, 100)))})
    (found,) = SCORE.measure(tables_of(table, table))
    assert found.holdout is not None
    assert (found.of.value, found.holdout.value) == (1.0, 0.02)


def test_a_holdout_that_is_the_real_table_makes_no_copy_honest() -> None:
    real = people(500, 1)
    (found,) = SCORE.measure(tables_of(real, real, real))
    assert found.of.value == 1.0
    assert found.holdout is not None
    assert SCORE.bar(Limits(), found.holdout) < 0.05


def test_a_missing_value_equals_a_missing_value_and_nothing_else() -> None:
    real = people(300, 1)
    empty = put(real, "pay", pa.array([None] * 300, pa.float64()))
    zero = put(real, "pay", pa.array([0.0] * 300))
    copies = SCORE.measure(tables_of(real, empty))[0].facts["copies"]
    assert 0 <= copies - real["pay"].null_count < 5  # others may be equal to one of them but for their pay
    assert SCORE.measure(tables_of(real, zero))[0].facts["copies"] == 0
