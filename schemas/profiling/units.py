"""What numbers are measured in, as far as columns' names say."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.recognition import plain_name
from schemas.table import Column, Kind

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "ms": ("ms", "millis", "milliseconds", "msec"),
    "s": ("s", "sec", "secs", "seconds", "second"),
    "min": ("min", "mins", "minutes"),
    "h": ("h", "hr", "hrs", "hours"),
    "days": ("days",),
    "months": ("months",),
    "years": ("years", "age"),
    "%": ("pct", "percent", "percentage"),
    "share": ("share", "ratio", "fraction", "probability", "prob"),
    "USD": ("usd", "dollars"),
    "EUR": ("eur", "euros"),
    "GBP": ("gbp", "pounds"),
    "CZK": ("czk",),
    "cents": ("cents",),
    "km": ("km", "kilometers", "kilometres"),
    "m": ("meters", "metres"),
    "cm": ("cm",),
    "mm": ("mm",),
    "miles": ("miles", "mi"),
    "ft": ("ft", "feet"),
    "kg": ("kg",),
    "g": ("grams",),
    "lb": ("lb", "lbs"),
    "°C": ("celsius", "degc"),
    "°F": ("fahrenheit", "degf"),
    "m/s": ("mps",),
    "km/h": ("kmh", "kph"),
    "mph": ("mph",),
    "kW": ("kw",),
    "kWh": ("kwh",),
    "V": ("volt", "volts"),
    "bytes": ("bytes",),
    "MB": ("mb",),
    "degrees": ("lat", "latitude", "lon", "lng", "longitude"),
    "count": ("count", "qty", "quantity"),
}
"""Units, each with the words that name it at the end of a column's name."""

ALONE = frozenset({"s", "h", "min", "m", "g", "mi", "mb"})
"""Words that name a unit only behind another word."""

UNIT_OF: Mapping[str, str] = {word: unit for unit, words in SUFFIXES.items() for word in words}


def unit_of(column: Column) -> str | None:
    """The unit that a column of numbers is in; None where its name does not say.

    >>> unit_of(Column("delayMinutes", Kind.INTEGER)), unit_of(Column("price_eur", Kind.NUMBER))
    ('min', 'EUR')
    >>> unit_of(Column("min", Kind.INTEGER)), unit_of(Column("name", Kind.TEXT))
    (None, None)
    """
    if column.kind not in (Kind.INTEGER, Kind.NUMBER):
        return None
    *before, last = plain_name(column.name).split("_")
    return None if last in ALONE and not before else UNIT_OF.get(last)
