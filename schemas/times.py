"""Dates and timestamps in text: which strftime format a column has, reading it and writing it.

Known are %Y %y %m %-m %b %d %-d %H %-H %I %-I %p %M %S %f %z; %-d and its like have no leading zero, %f has as
many digits as the unit of the column (3 or 6), and %z is read with any offset and written as +00:00.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ISO_DATE = "%Y-%m-%d"
"""The format of a date whose spelling names none."""

ISO_TIMESTAMP = "%Y-%m-%dT%H:%M:%S.%f"
"""The format of a timestamp whose spelling names none; instants end in Z."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%Y.%m.%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%-m/%-d/%Y",
    "%-d/%-m/%Y",
    "%-d.%-m.%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%-d %b %Y",
    "%b %d, %Y",
    "%m/%d/%y",
    "%-m/%-d/%y",
)
"""Date formats in order of preference: where a column fits two, the month is taken to come first."""

CLOCKS = (
    *("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%-H:%M:%S", "%-H:%M"),
    *("%I:%M:%S %p", "%-I:%M:%S %p", "%I:%M %p", "%-I:%M %p"),
)
ZONES = ("", "Z", "+00:00", "+0000", " UTC", "%z")
LOOKED_AT = 50
"""How many values a format is looked for in, before it is tried on all."""

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Token:
    """A directive of strftime: how it reads, how it prints, and what it stands for."""

    pattern: str
    printed: str
    part: str


TOKENS = {
    "%Y": Token("[0-9]{4}", "%04d", "year"),
    "%y": Token("[0-9]{2}", "%02d", "year2"),
    "%m": Token("[0-9]{2}", "%02d", "month"),
    "%-m": Token("1[0-2]|[1-9]", "%d", "month"),
    "%b": Token("|".join(MONTHS), "%s", "month_name"),
    "%d": Token("[0-9]{2}", "%02d", "day"),
    "%-d": Token("[12][0-9]|3[01]|[1-9]", "%d", "day"),
    "%H": Token("[0-9]{2}", "%02d", "hour"),
    "%-H": Token("1[0-9]|2[0-3]|[0-9]", "%d", "hour"),
    "%I": Token("[0-9]{2}", "%02d", "hour12"),
    "%-I": Token("1[0-2]|[1-9]", "%d", "hour12"),
    "%p": Token("AM|PM", "%s", "half"),
    "%M": Token("[0-9]{2}", "%02d", "minute"),
    "%S": Token("[0-9]{2}", "%02d", "second"),
    "%f": Token("[0-9]{1,9}", "%06d", "fraction"),
    "%z": Token("[+-][0-9]{2}:?[0-9]{2}", "%s", "zone"),
}
DIRECTIVE = re.compile("%-?[A-Za-z]")


def has_clock(time_format: str) -> bool:
    """Whether a format tells the time of day, not the date alone."""
    return "%M" in time_format


def has_zone(time_format: str) -> bool:
    """Whether a format tells instants, not wall-clock times.

    >>> has_zone("%Y-%m-%dT%H:%M:%SZ"), has_zone("%Y-%m-%d %H:%M")
    (True, False)
    """
    return has_clock(time_format) and time_format.endswith(ZONES[1:])


def guess_format(values: pa.Array[Any]) -> str | None:
    """The format that every value has.

    Args:
        values: distinct texts without nulls or blanks around them, at least one.

    >>> guess_format(pa.array(["31/01/2020 9:30", "01/02/2020 10:00"]))
    '%d/%m/%Y %-H:%M'
    """
    for time_format in _candidates(values[:LOOKED_AT]):
        if parse_times(values, time_format).null_count == 0:
            return time_format
    return None


def almost_format(values: pa.Array[Any], share: float) -> str | None:
    """A format that most values have, if there is one among those of the first three.

    Args:
        values: distinct texts without nulls or blanks around them.
        share: the part of the values that must have it.
    """
    formats = dict.fromkeys(found for i in range(min(3, len(values))) for found in _candidates(values[i : i + 1]))
    for time_format in formats:
        if parse_times(values, time_format).null_count <= (1 - share) * len(values):
            return time_format
    return None


def _candidates(sample: pa.Array[Any]) -> Iterator[str]:
    for date in DATES:
        found = pc.extract_regex(sample, f"^{_pattern(date)}(?P<rest>.*)$")
        if found.null_count:
            continue
        rest = pc.struct_field(found, "rest")
        clocks = (f"{gap}{clock}{zone}" for gap in "T " for clock in CLOCKS for zone in ZONES)
        for clock in chain([""], clocks):
            if pc.all(pc.match_substring_regex(rest, f"^{_pattern(clock)}$")).as_py():
                yield date + clock


def _pattern(time_format: str) -> str:
    """The regular expression of a format, a named group for each directive."""
    out, end = "", 0
    for match in DIRECTIVE.finditer(time_format):
        literal, token = re.escape(time_format[end : match.start()]), TOKENS[match[0]]
        group = f"(?P<{token.part}>{token.pattern})"
        # Python leaves the fraction out of a whole second.
        out += f"(?:{literal}{group})?" if token.part == "fraction" else literal + group
        end = match.end()
    return out + re.escape(time_format[end:])


def parse_times(values: pa.Array[Any], time_format: str) -> pa.Array[Any]:
    """Read texts of one format.

    Args:
        values: (n,) texts, nulls allowed.
        time_format: see the module.

    Returns:
        (n,) microseconds since 1970 without a zone (in UTC when the format has one); null where a text is no
        such time.

    >>> parse_times(pa.array(["2020-02-29", "2021-02-29"]), "%Y-%m-%d").to_pylist()
    [datetime.datetime(2020, 2, 29, 0, 0), None]
    """
    found = pc.extract_regex(values, f"^{_pattern(time_format)}$")
    texts = {TOKENS[d].part: pc.struct_field(found, TOKENS[d].part) for d in DIRECTIVE.findall(time_format)}
    n = len(values)

    def number(part: str, otherwise: int) -> npt.NDArray[np.int64]:
        if part not in texts:
            return np.full(n, otherwise)
        return np.asarray(pc.fill_null(pc.cast(texts[part], pa.int64()), otherwise).to_numpy(zero_copy_only=False))

    year, month, day = number("year", 2000), number("month", 1), number("day", 1)
    if "year2" in texts:  # as POSIX has it: 69 is 1969, 68 is 2068
        year = number("year2", 0)
        year = year + np.where(year < 69, 2000, 1900)
    if "month_name" in texts:
        at = pc.index_in(texts["month_name"], value_set=pa.array(MONTHS))
        month = np.asarray(pc.fill_null(at, 0).to_numpy(zero_copy_only=False)).astype(np.int64) + 1
    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    ok = np.asarray(found.is_valid().to_numpy(zero_copy_only=False)).copy()
    if "hour12" in texts:
        twelve = number("hour12", 1)
        ok &= (twelve >= 1) & (twelve <= 12)
        half = pc.fill_null(pc.equal(texts["half"], pa.scalar("PM")), False).to_numpy(zero_copy_only=False)
        hour = twelve % 12 + 12 * np.asarray(half).astype(np.int64)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    ok &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
    ok &= (hour < 24) & (minute < 60) & (second < 60)
    micros = days.astype(np.int64) * DAY_US + (hour * 3600 + minute * 60 + second) * 1_000_000
    micros += _fraction(texts) - _offset(texts)
    return pa.array(micros, pa.int64(), mask=~ok).view(pa.timestamp("us"))


def _fraction(texts: dict[str, Any]) -> npt.NDArray[np.int64] | int:
    if "fraction" not in texts:
        return 0
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(texts["fraction"], ""), 6, "0"), 0, 6)
    return np.asarray(pc.cast(padded, pa.int64()).to_numpy())


def _offset(texts: dict[str, Any]) -> npt.NDArray[np.int64] | int:
    if "zone" not in texts:
        return 0
    plain = pc.fill_null(pc.replace_substring(texts["zone"], ":", ""), "+0000")
    hours = np.asarray(pc.cast(pc.utf8_slice_codeunits(plain, 1, 3), pa.int64()).to_numpy())
    minutes = np.asarray(pc.cast(pc.utf8_slice_codeunits(plain, 3, 5), pa.int64()).to_numpy())
    sign = np.where(pc.starts_with(plain, "-").to_numpy(zero_copy_only=False), -1, 1)
    return np.asarray(sign * (hours * 60 + minutes) * 60_000_000)


def format_times(micros: npt.NDArray[np.int64], time_format: str, unit: str) -> list[str]:
    """Write times.

    Args:
        micros: (n,) microseconds since 1970.
        time_format: see the module.
        unit: "ms" or "us": whether %f has three or six digits.

    >>> format_times(np.array([0, 86_400_000_000]), "%-d %b %Y", "ms")
    ['1 Jan 1970', '2 Jan 1970']
    """
    days, rest = np.divmod(micros, DAY_US)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year, month = np.divmod(months.astype(np.int64), 12)
    seconds, fraction = np.divmod(rest, 1_000_000)
    hour = seconds // 3600
    digits = 3 if unit == "ms" else 6
    parts: dict[str, Any] = {
        "year": year + 1970,
        "year2": year % 100 + 70 - np.where(year % 100 >= 30, 100, 0),
        "month": month + 1,
        "month_name": np.array(MONTHS)[month],
        "day": (dates - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "hour": hour,
        "hour12": (hour + 11) % 12 + 1,
        "half": np.where(hour < 12, "AM", "PM"),
        "minute": seconds // 60 % 60,
        "second": seconds % 60,
        "fraction": fraction // 10 ** (6 - digits),
        "zone": np.full(len(micros), "+00:00"),
    }
    directives = DIRECTIVE.findall(time_format)
    printed = DIRECTIVE.sub(lambda match: TOKENS[match[0]].printed, time_format.replace("%f", f"%0{digits}d"))
    columns = [parts[TOKENS[directive].part].tolist() for directive in directives]
    return [printed % row for row in zip(*columns, strict=True)]
