"""The plain forms of a rate profile: ramps, steps, cycles, bursts, recordings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.cron import parse_cron
from schemas.errors import InputError


class Form(BaseModel):
    """What all forms have in common: they do not change, and take no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError("is no timezone; expected a name as in Europe/Berlin, or UTC") from None
    return name


def _cron(text: str) -> str:
    try:
        parse_cron(text)
    except InputError as error:
        raise ValueError(str(error).partition(": ")[2]) from None
    return text


def of_length(least: int, most: float = math.inf) -> AfterValidator:
    """A list of so many values."""

    def checked(values: Any) -> Any:
        if not least <= len(values) <= most:
            raise ValueError(f"expected {least} values" if most == least else f"expected at least {least}")
        return values

    return AfterValidator(checked)


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


Rate = Annotated[float, Field(ge=0), BeforeValidator(_number)]
Seconds = Annotated[float, Field(ge=0.001, le=1e9)]
"""A length of time: a year-long profile of milliseconds is nobody's wish."""
Weight = Annotated[float, Field(ge=0)]
Timezone = Annotated[str, AfterValidator(_zone)]


class Ramp(Form):
    """From one rate to another in a straight line, and on at the second.

    Args:
        start: the rate it begins with (`from`).
        to: the rate it ends with.
        over_s: how long it takes.
    """

    start: Rate = Field(alias="from")
    to: Rate
    over_s: Seconds


class Step(Form):
    """A rate that holds for a while."""

    rate: Rate
    for_s: Seconds


class Steps(Form):
    """One rate after the other; the last holds on, or all begin again.

    Args:
        plan: the rates.
        repeat: whether they begin again.
    """

    plan: Annotated[tuple[Step, ...], of_length(1)]
    repeat: bool = False


class Entry(Form):
    """A rate that holds from the moments a cron expression names."""

    cron: Annotated[str, AfterValidator(_cron)]
    rate: Rate


class Timetable(Form):
    """Rates by the clock: the entry that fired last holds; of several at one minute, the last of the list.

    Args:
        entries: the rates and when each begins.
        timezone: whose clock.
    """

    entries: Annotated[tuple[Entry, ...], of_length(1)]
    timezone: Timezone = "UTC"


class Diurnal(Form):
    """A day's course: hourly weights, joined smoothly, around a mean.

    Args:
        rate: the mean over a day; 1 to multiply another profile.
        hours: a weight for each hour of the day, reached in its middle.
        timezone: whose clock.
    """

    rate: Rate = 1.0
    hours: Annotated[tuple[Weight, ...], of_length(24, 24)]
    timezone: Timezone = "UTC"


class Weekly(Form):
    """A week's course: daily weights from Monday on, joined smoothly, around a mean.

    Args:
        rate: the mean over a week; 1 to multiply another profile.
        days: a weight for each day, reached at noon.
        timezone: whose clock.
    """

    rate: Rate = 1.0
    days: Annotated[tuple[Weight, ...], of_length(7, 7)]
    timezone: Timezone = "UTC"


class Sine(Form):
    """A wave around a mean.

    Args:
        mean: its mean rate.
        amplitude: how far it goes from it, at most the mean.
        period_s: length of a wave.
        phase: where in a wave it begins, in waves.
    """

    mean: Rate
    amplitude: Rate
    period_s: Seconds
    phase: float = 0.0

    @model_validator(mode="after")
    def _never_negative(self) -> Sine:
        if self.amplitude > self.mean:
            raise ValueError(f"amplitude={self.amplitude:g}: must be at most the mean, {self.mean:g}")
        return self


class Bursts(Form):
    """A low rate with regular bursts.

    Args:
        base: the rate between bursts.
        peak: the rate in a burst.
        every_s: from one burst's beginning to the next.
        for_s: how long a burst lasts.
    """

    base: Rate
    peak: Rate
    every_s: Seconds
    for_s: Seconds

    @model_validator(mode="after")
    def _fits(self) -> Bursts:
        if self.for_s >= self.every_s:
            raise ValueError(f"for_s={self.for_s:g}: must be less than every_s, {self.every_s:g}")
        return self


class Regime(Form):
    """A state of a Markov chain: its rate, and how long it lasts on average."""

    rate: Rate
    dwell_s: Seconds


class Mmpp(Form):
    """A rate that jumps between states at random: Markov modulation; the same for all shards.

    Args:
        states: the states; each lasts an exponentially distributed time, then any other follows.
    """

    states: Annotated[tuple[Regime, ...], of_length(2)]


class Trace(Form):
    """The rate of recorded arrivals.

    Args:
        file: a table with a column of times (ISO 8601, or seconds), one a row, or of seconds and counts.
        scale: records published for each recorded.
        repeat: whether it begins again at its end; otherwise nothing follows.
        slot_s: arrivals are counted in slots of so many seconds.
        digest: what the file holds, filled in when it is first read; another content is refused from then on.
    """

    file: Path
    scale: Annotated[float, Field(gt=0)] = 1.0
    repeat: bool = False
    slot_s: Seconds = 1.0
    digest: str | None = None
