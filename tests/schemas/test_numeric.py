from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from schemas.numeric import as_numbers, scale_of
from schemas.table import Column, Kind


@pytest.mark.parametrize(
    ("column", "array", "values", "present"),
    [
        (Column("i", Kind.INTEGER), pa.array([], pa.int64()), [], []),
        (Column("i", Kind.INTEGER, nullable=True), pa.array([None, 4]), [0, 4], [False, True]),
        (Column("i", Kind.INTEGER), pa.array([7], pa.int8()), [7], [True]),
        (Column("x", Kind.NUMBER), pa.array([float("nan"), -0.5]), [0, -0.5], [False, True]),
        (Column("x", Kind.NUMBER), pa.array([float("inf")]), [float("inf")], [True]),
        (Column("d", Kind.DATE), pa.array([date(1970, 1, 3)]), [2], [True]),
        (Column("t", Kind.TIMESTAMP, time_unit="ms"), pa.array([5_000], pa.timestamp("us")), [5], [True]),
        (Column("t", Kind.TIMESTAMP), pa.array([1, None, 3], pa.timestamp("us")).slice(1), [0, 3], [False, True]),
    ],
)
def test_columns_read_as_doubles(column: Column, array: pa.Array, values: list[float], present: list[bool]) -> None:  # type: ignore[type-arg]
    for form in (array, pa.chunked_array([array])):
        found, there = as_numbers(column, form)
        assert found.dtype == np.float64
        assert (found.tolist(), there.tolist()) == (values, present)


def test_the_scale_is_that_of_the_last_digit() -> None:
    assert scale_of(Column("x", Kind.NUMBER, decimals=3)) == 1_000
    assert scale_of(Column("x", Kind.NUMBER)) == 0
    assert scale_of(Column("t", Kind.TIMESTAMP)) == 1
