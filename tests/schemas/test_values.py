"""Columns as rules look at them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.values import as_bound, as_values, codes_of, decoded, doubles_of, filled, mask_of, places_in, plain, spread

WORDS = pa.array(["a", "b", None, "a"]).dictionary_encode()


def test_answers_for_distinct_values_reach_the_rows() -> None:
    assert plain(WORDS).to_pylist() == ["a", "b"]
    assert spread(WORDS, np.array([True, False])).tolist() == [True, False, False, True]
    assert spread(WORDS[1:], np.array([True, True])).tolist() == [True, False, True]
    assert spread(pa.array([1, None]), np.array([True, True])).tolist() == [True, False]
    assert decoded(WORDS).to_pylist() == ["a", "b", None, "a"]


def test_places_among_known_values() -> None:
    assert places_in(WORDS, pa.array(["z", "a"])).tolist() == [1, -1, -1, 1]
    assert places_in(pa.array([3, None, 4]), pa.array([4])).tolist() == [-1, -1, 0]


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (pa.array([1, None]), [1.0, np.nan]),
        (pa.array([True, None]), [1.0, np.nan]),
        (pa.array([date(1970, 1, 3), None]), [2.0, np.nan]),
        (pa.array([datetime(1970, 1, 1, 0, 0, 2), None], pa.timestamp("ms")), [2.0, np.nan]),
    ],
)
def test_doubles(array: Any, wanted: list[float]) -> None:
    numbers, present = doubles_of(array)
    np.testing.assert_array_equal(numbers, wanted)
    assert present.tolist() == [True, False]


def test_rows_that_agree_have_one_number() -> None:
    codes, present = codes_of([pa.array([1, 2, 1, 1, None]), WORDS.take(pa.array([0, 0, 0, 1, 0]))])
    assert codes[0] == codes[2]
    assert len(set(codes[:4].tolist())) == 3
    assert present.tolist() == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (1.5, pa.int64(), 1.5),
        (3, pa.float64(), 3.0),
        ("2020-01-02", pa.date32(), date(2020, 1, 2)),
        (date(2020, 1, 2), pa.date32(), date(2020, 1, 2)),
        (date(2020, 1, 2), pa.timestamp("ms"), datetime(2020, 1, 2)),
        ("2020-01-02T03:00", pa.timestamp("us", "UTC"), datetime(2020, 1, 2, 3, tzinfo=UTC)),
        ("2020-01-02T03:00+01:00", pa.timestamp("us"), datetime(2020, 1, 2, 2)),
        ("a", pa.dictionary(pa.int32(), pa.string()), "a"),
        (True, pa.bool_(), True),
    ],
)
def test_bounds(value: Any, kind: pa.DataType, wanted: Any) -> None:
    assert as_bound(value, kind).as_py() == wanted


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", pa.int64()),
        (1, pa.string()),
        (True, pa.int64()),
        (1, pa.bool_()),
        ("soon", pa.date32()),
        (3, pa.date32()),
        (10**30, pa.int64()),
    ],
)
def test_values_of_another_kind_are_refused(value: Any, kind: pa.DataType) -> None:
    with pytest.raises(InputError, match="can not be compared"):
        as_bound(value, kind)
    with pytest.raises(InputError, match="not all can be"):
        as_values([value], kind)


def test_members() -> None:
    assert as_values([1, 2], pa.int64()).to_pylist() == [1, 2]
    with pytest.raises(InputError, match="not all can be"):
        as_values([1.5], pa.int64())


def test_nulls_become_what_is_asked() -> None:
    assert mask_of(pa.array([True, None])).tolist() == [True, False]
    assert filled(pa.array([1, None]), 9).tolist() == [1, 9]
