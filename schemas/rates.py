"""Rate profiles as a stream's file has them: how many records a second, as a function of time.

Rates are records a second; everything else that is counted in seconds is on the stream's clock, which
`time_compression` makes run faster. Clock times (`diurnal`, `weekly`, `schedule`) are local to a timezone, all else
counts from the profile's beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Discriminator, Tag, ValidationError, model_validator

from schemas.errors import InputError
from schemas.faults import FORM, NUMBER, fault_line
from schemas.rate_forms import (
    Bursts,
    Diurnal,
    Form,
    Mmpp,
    Ramp,
    Rate,
    Sine,
    Steps,
    Timetable,
    Trace,
    Weekly,
    of_length,
)


def _in_list(key: str) -> BeforeValidator:
    """Take a bare list for a form whose other keys have defaults."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, list | tuple) else value)


class Intensity(Form):
    """A rate as a function of time: exactly one of its forms."""

    constant: Rate | None = None
    ramp: Ramp | None = None
    steps: Annotated[Steps | None, _in_list("plan")] = None
    schedule: Annotated[Timetable | None, _in_list("entries")] = None
    diurnal: Diurnal | None = None
    weekly: Weekly | None = None
    sine: Sine | None = None
    bursts: Bursts | None = None
    mmpp: Annotated[Mmpp | None, _in_list("states")] = None
    trace: Trace | None = None
    sum: Annotated[tuple[Factor, ...], of_length(1)] | None = None
    product: Annotated[tuple[Factor, ...], of_length(1)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Intensity:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"{' and '.join(given) or 'nothing'}: expected exactly one of {known}")
        return self

    @property
    def name(self) -> str:
        """What its form is called."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def form(self) -> Any:
        """The one form it has."""
        return getattr(self, self.name)

    @property
    def parts(self) -> tuple[float | Intensity, ...]:
        """What a sum or a product is made of; nothing for the other forms."""
        return self.sum or self.product or ()


def _kind(value: Any) -> str:
    return FORM if isinstance(value, dict | BaseModel) else NUMBER


Factor = Annotated[Annotated[Rate, Tag(NUMBER)] | Annotated[Intensity, Tag(FORM)], Discriminator(_kind)]
"""A part of a sum or of a product: a number, or a form again."""


class Profile(Intensity):
    """A stream's rate as a function of time.

    Args:
        poisson: random arrivals of that intensity; without it records are spread evenly.

    Raises:
        ValueError: not exactly one form, or one that publishes nothing from some moment on for ever.

    >>> profile_of({"sum": [100, {"bursts": {"base": 0, "peak": 900, "every_s": 60, "for_s": 5}}]}).sum[0]
    100.0
    """

    poisson: Factor | None = None

    @model_validator(mode="after")
    def _goes_on(self) -> Profile:
        if not _flows(self):
            raise ValueError("is zero from some time on for ever; end a stream with count or until")
        return self

    @property
    def random(self) -> bool:
        """Whether arrivals are random."""
        return self.poisson is not None

    @property
    def intensity(self) -> float | Intensity:
        """Their expected number a second."""
        return self if self.poisson is None else self.poisson

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `profile_of` reads back: what was given, and no defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @property
    def text(self) -> str:
        """Its forms in short, for people, as in poisson(sine)."""
        return _named(self)


class _Rated(Form):
    rate_per_s: Profile


def profile_of(form: Any) -> Profile:
    """Check a profile's form.

    Args:
        form: keys and values as YAML or JSON has them.

    Raises:
        InputError: every fault there is, each with its key.
    """
    try:
        return _Rated.model_validate({"rate_per_s": form}).rate_per_s
    except ValidationError as error:
        raise InputError(*dict.fromkeys(fault_line(fault, _Rated) for fault in error.errors())) from None


def with_traces(rate: Any, change: Callable[[Trace], Trace]) -> Any:
    """The same rate with every recording in it changed; what is no profile stays as it is."""
    if not isinstance(rate, Intensity):
        return rate
    if rate.trace is not None:
        return rate.model_copy(update={"trace": change(rate.trace)})
    changed = {}
    for name in ("sum", "product", "poisson"):
        inner = getattr(rate, name, None)
        if inner is not None:
            parts = tuple(with_traces(part, change) for part in (inner if isinstance(inner, tuple) else (inner,)))
            changed[name] = parts if isinstance(inner, tuple) else parts[0]
    return rate.model_copy(update=changed)


def beside(rate: Any, folder: Path) -> Any:
    """The same rate, its recordings' files relative to a folder."""
    return with_traces(rate, lambda trace: trace.model_copy(update={"file": folder / trace.file}))


def _flows(rate: float | Intensity) -> bool:
    return FLOWS[rate.name](rate.form) if isinstance(rate, Intensity) else rate > 0


FLOWS: Mapping[str, Callable[[Any], bool]] = {
    "constant": lambda rate: rate > 0,
    "ramp": lambda ramp: ramp.to > 0,
    "steps": lambda steps: any(step.rate for step in (steps.plan if steps.repeat else steps.plan[-1:])),
    "schedule": lambda timetable: any(entry.rate for entry in timetable.entries),
    "diurnal": lambda day: day.rate > 0 and any(day.hours),
    "weekly": lambda week: week.rate > 0 and any(week.days),
    "sine": lambda sine: sine.mean > 0,
    "bursts": lambda bursts: bursts.base > 0 or bursts.peak > 0,
    "mmpp": lambda chain: any(state.rate for state in chain.states),
    "trace": lambda trace: True,
    "sum": lambda parts: any(map(_flows, parts)),
    "product": lambda parts: all(map(_flows, parts)),
    "poisson": _flows,
}
"""Whether a form has records coming again and again, however much time has passed; a recording may end."""


def _named(rate: float | Intensity) -> str:
    if not isinstance(rate, Intensity):
        return f"{rate:g}"
    inner = rate.parts
    if isinstance(rate, Profile) and rate.poisson is not None:
        inner = (rate.poisson,)
    return f"{rate.name}({', '.join(map(_named, inner))})" if inner else rate.name
