"""Cron expressions: which minutes of a day they name.

Parsed here rather than by a library: those step from firing to firing, some ten microseconds each and with their own
ideas of daylight saving; a schedule needs all firings of a day at once, in local time.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 7, WEEKDAYS),
)
"""Every field: its name, its smallest and largest value, the names its values have."""

TERM = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")


@dataclass(frozen=True)
class Cron:
    """The minutes a cron expression names.

    Args:
        minutes: minutes of the day, in order.
        days: days of the month.
        months: months, 1 to 12.
        weekdays: days of the week, 0 for Sunday.
        either: whether a day of the month or of the week is enough, as when an expression limits both.
    """

    minutes: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def names(self, day: datetime.date) -> bool:
        """Whether it fires on a day."""
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_date or by_weekday) if self.either else (by_date and by_weekday)

    def firings(self, day: datetime.date) -> npt.NDArray[np.int64]:
        """The minutes of a day it fires at, in order, shape (n,)."""
        return np.array(self.minutes if self.names(day) else (), np.int64)


def parse_cron(text: str) -> Cron:
    """Read a cron expression: minute, hour, day of month, month, day of week.

    A field is `*`, a value, a range `a-b`, each with an optional step `/n`, or several joined by commas. Months and
    days of the week have their English names too; 0 and 7 are Sunday.

    Raises:
        InputError: not five fields, a value out of range, or a day that no month has.

    >>> parse_cron("30 9 * * mon-fri").firings(datetime.date(2026, 1, 5)).tolist()
    [570]
    """
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        raise InputError(f"cron={text!r}: expected five fields: minute hour day month weekday, as in '0 9 * * 1-5'")
    minutes, hours, days, months, weekdays = (
        _values(text, part, *field) for part, field in zip(parts, FIELDS, strict=True)
    )
    limited = [not part.startswith("*") for part in (parts[2], parts[4])]
    cron = Cron(
        tuple(hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes)),
        days,
        months,
        frozenset(weekday % 7 for weekday in weekdays),
        all(limited),
    )
    if not cron.either and min(days) > max(31 - (m in (4, 6, 9, 11)) - 2 * (m == 2) for m in months):
        raise InputError(f"cron={text!r}: never fires, no such day in these months")
    return cron


def _values(text: str, part: str, name: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for term in part.split(","):
        match = TERM.fullmatch(term)
        if match is None:
            raise InputError(f"cron={text!r}: {name} {term!r}: expected *, a value, a range a-b, with /step or without")
        first = low if match["low"] is None else _value(match["low"], low, names)
        last = first if match["low"] is not None and match["step"] is None else high
        if match["high"] is not None:
            last = _value(match["high"], low, names)
        step = 1 if match["step"] is None else int(match["step"])
        if not low <= first <= last <= high or step < 1:
            raise InputError(f"cron={text!r}: {name} {term!r}: expected values from {low} to {high}, in order")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _value(word: str, low: int, names: tuple[str, ...]) -> int:
    if word in names:
        return names.index(word) + low
    return int(word) if word.isdigit() else -1
