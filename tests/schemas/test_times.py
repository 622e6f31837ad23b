"""Dates and timestamps in text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import (
    CLOCKS,
    DATES,
    ZONES,
    almost_format,
    format_times,
    guess_format,
    has_clock,
    has_zone,
    parse_times,
)

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2067, 12, 31))
FORMATS = [
    *DATES,
    *(f"%Y-%m-%d{gap}{clock}{zone}" for gap in "T " for clock in CLOCKS for zone in ZONES),
    *(f"{date} {CLOCKS[0]}" for date in DATES),
]


def micros(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1)).total_seconds()) * 1_000_000 + moment.microsecond


@given(st.lists(MOMENTS, min_size=1), st.sampled_from(FORMATS))
def test_reading_what_was_written_and_writing_it_again_changes_nothing(moments: list[datetime], form: str) -> None:
    texts = format_times(np.array([micros(m) for m in moments]), form, "us")
    read = parse_times(pa.array(texts), form)
    assert read.null_count == 0
    assert format_times(np.asarray(read.cast(pa.int64())), form, "us") == texts


@given(MOMENTS)
def test_python_agrees(moment: datetime) -> None:
    for form in ("%Y-%m-%d %H:%M:%S.%f", "%d/%b/%y %I:%M %p"):
        (text,) = format_times(np.array([micros(moment)]), form, "us")
        assert text == moment.strftime(form)
        assert parse_times(pa.array([text]), form)[0].as_py() == datetime.strptime(text, form)


def test_moments_before_1970() -> None:
    early = parse_times(pa.array(["1583-10-15T23:59:59.5"]), "%Y-%m-%dT%H:%M:%S.%f")
    assert early[0].as_py() == datetime(1583, 10, 15, 23, 59, 59, 500_000)
    assert format_times(np.asarray(early.cast(pa.int64())), "%Y-%m-%d %H:%M:%S.%f", "ms") == ["1583-10-15 23:59:59.500"]


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2013-01-01T10:00:00Z"], "%Y-%m-%dT%H:%M:%SZ"),
        (["2013-01-01 10:00"], "%Y-%m-%d %H:%M"),
        (["2020-02-29"], "%Y-%m-%d"),
        (["01/02/2020", "03/04/2020"], "%m/%d/%Y"),  # both orders fit: the month comes first
        (["01/02/2020", "13/04/2020"], "%d/%m/%Y"),
        (["1/2/2020", "12/31/2020"], "%-m/%-d/%Y"),
        (["31.12.2020"], "%d.%m.%Y"),
        (["05-Jan-2021"], "%d-%b-%Y"),
        (["1/2/2020 3:04:05 PM"], "%-m/%-d/%Y %-I:%M:%S %p"),
        (["2020-01-01 00:00:00.123"], "%Y-%m-%d %H:%M:%S.%f"),
        (["2020-01-01T00:00:00+02:00", "2020-01-01T00:00:00-01:30"], "%Y-%m-%dT%H:%M:%S%z"),
        (["2020-01-01 00:00:00", "2020-01-01 00:00:00.5"], "%Y-%m-%d %H:%M:%S.%f"),
    ],
)
def test_formats_are_found(texts: list[str], form: str) -> None:
    assert guess_format(pa.array(texts)) == form


@pytest.mark.parametrize(
    "texts", [["2021-02-29"], ["2020-13-01"], ["2020-01-01", "01/01/2020"], ["soon"], [""], ["20200101"]]
)
def test_what_is_no_time_has_no_format(texts: list[str]) -> None:
    assert guess_format(pa.array(texts)) is None


@pytest.mark.parametrize(
    "text", ["2021-02-29", "2020-00-01", "2020-01-32", "0000-01-01", "2020-1-1", " 2020-01-01", "2020-01-01 ", "x"]
)
def test_dates_that_are_none_are_null(text: str) -> None:
    assert parse_times(pa.array([text, "2020-01-01", None]), "%Y-%m-%d").is_valid().to_pylist() == [False, True, False]


@pytest.mark.parametrize("clock", ["24:00:00", "00:60:00", "00:00:60"])
def test_clocks_that_are_none_are_null(clock: str) -> None:
    assert parse_times(pa.array([f"2020-01-01 {clock}"]), "%Y-%m-%d %H:%M:%S").null_count == 1


def test_offsets_are_taken_off() -> None:
    read = parse_times(pa.array(["2020-01-01T00:00:00+02:30", "2020-01-01T00:00:00-0100"]), "%Y-%m-%dT%H:%M:%S%z")
    assert read.to_pylist() == [datetime(2019, 12, 31, 21, 30), datetime(2020, 1, 1, 1)]


def test_two_digit_years_as_posix_has_them() -> None:
    read: Any = parse_times(pa.array(["01/01/68", "01/01/69"]), "%m/%d/%y")
    assert pc.year(read).to_pylist() == [2068, 1969]


def test_zones_and_clocks() -> None:
    assert not has_clock("%Y-%m-%d")
    assert not has_zone("%Y-%m-%d")
    assert has_zone("%Y-%m-%d %H:%M UTC")
    assert not has_zone("%Y-%m-%d %H:%M")


def test_a_format_that_almost_all_have() -> None:
    values = pa.array(["soon", *(f"2020-01-{day:02d}" for day in range(1, 20))])
    assert almost_format(values, 0.9) == "%Y-%m-%d"
    assert almost_format(values, 0.99) is None
    assert almost_format(pa.array([], pa.string()), 0.9) is None
