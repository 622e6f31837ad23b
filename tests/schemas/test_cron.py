"""Cron expressions: the minutes they name, and what is refused."""

from __future__ import annotations

import datetime

import pytest

from schemas.cron import parse_cron
from schemas.errors import InputError

MONDAY = datetime.date(2026, 1, 5)


def hours(text: str, day: datetime.date) -> list[str]:
    return [f"{minute // 60:02d}:{minute % 60:02d}" for minute in parse_cron(text).firings(day).tolist()]


@pytest.mark.parametrize(
    ("text", "day", "fires"),
    [
        ("0 9 * * 1-5", MONDAY, ["09:00"]),
        ("0 9 * * 1-5", MONDAY + datetime.timedelta(days=5), []),
        ("*/30 8-9 * * *", MONDAY, ["08:00", "08:30", "09:00", "09:30"]),
        ("5/20 0 * * *", MONDAY, ["00:05", "00:25", "00:45"]),
        ("0 0,12 5 jan *", MONDAY, ["00:00", "12:00"]),
        ("0 0 1 * mon", MONDAY, ["00:00"]),  # both limited: either will do
        ("0 0 1 * mon", datetime.date(2026, 1, 1), ["00:00"]),
        ("0 0 1 * mon", datetime.date(2026, 1, 2), []),
        ("0 0 */2 * mon", datetime.date(2026, 1, 12), []),  # a star limits nothing: both are wanted
        ("0 0 * * 7", datetime.date(2026, 1, 4), ["00:00"]),
        ("0 0 * * sun", datetime.date(2026, 1, 4), ["00:00"]),
        ("0 0 29 2 *", datetime.date(2028, 2, 29), ["00:00"]),
    ],
)
def test_when_an_expression_fires(text: str, day: datetime.date, fires: list[str]) -> None:
    assert hours(text, day) == fires


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 9 * *", "expected five fields"),
        ("60 * * * *", "minute '60': expected values from 0 to 59"),
        ("0 17-9 * * *", "hour '17-9': expected values from 0 to 23, in order"),
        ("0 0 0 * *", "day of month '0'"),
        ("0 0 * foo *", "month 'foo'"),
        ("*/0 * * * *", "minute '\\*/0'"),
        ("a,b * * * !", "minute 'a'"),
        ("0 0 31 feb,apr *", "never fires"),
        ("0 0 30 2 *", "never fires"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_cron(text)
