"""Steering as a stream's file has it: columns held, values in other shares, a rare value published more often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from schemas.errors import InputError
from schemas.faults import fault_line
from schemas.keying import KeyForm, Keying
from schemas.parts import Part, Positive, one_line


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError("must be a number, true, false, null or text")


def _word(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


Plain = Annotated[Any, BeforeValidator(_plain)]
"""A value as JSON has it; dates and times in ISO 8601."""

Word = Annotated[str, BeforeValidator(_word)]
"""The same as text: digits, true, false, and null for a missing value."""

Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Inner = Annotated[float, Field(strict=True, gt=0, lt=1)]


class Boost(Part):
    """A value that is published more often than it is, every record weighted so that statistics stay true.

    Args:
        column: whose value.
        value: the value.
        factor: so many times as often.
        share: or, in its place, the share of records that have it.
    """

    column: Name
    value: Word
    factor: Annotated[Positive, Field(strict=True)] | None = None
    share: Inner | None = None

    @model_validator(mode="after")
    def _fits(self) -> Boost:
        if (self.factor is None) == (self.share is None):
            raise ValueError("expected either factor or share")
        return self


class Steering(Part):
    """What a stream offers other than its generator does by itself; without parts, nothing.

    Args:
        given: columns held at a value.
        shares: by column, the shares that some of its values get; the others keep their proportions.
        boost: a value that is published more often, with weights.
    """

    given: Mapping[Name, Plain] = Field(default_factory=dict)
    shares: Mapping[Name, Annotated[Mapping[Word, Share], Field(min_length=1)]] = Field(default_factory=dict)
    boost: Boost | None = None

    @model_validator(mode="after")
    def _fits(self) -> Steering:
        twice = sorted(self.given.keys() & self.shares.keys())
        if twice:
            raise ValueError(f"{twice[0]}: is both given and in shares; name it once")
        for column, shares in self.shares.items():
            total = sum(shares.values())
            if total > 1 + 1e-9:
                raise ValueError(f"shares.{column}: the shares sum to {total:g}; expected at most 1")
        if self.boost is not None and (self.given or self.shares):
            raise ValueError("boost: its weights hold where records are steered by nothing else; drop given and shares")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it settles."""
        return (*self.given, *self.shares, *(() if self.boost is None else (self.boost.column,)))

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back."""
        return self.model_dump(exclude_defaults=True)

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Steering:
        """Read what `to_json` wrote."""
        return cls.model_validate(form)

    @property
    def text(self) -> str:
        """One line of YAML that says all of it; `none` for nothing.

        >>> Steering(shares={"income": {">50K": 0.5}}).text
        "{shares: {income: {'>50K': 0.5}}}"
        """
        form = self.to_json()
        return one_line(form) if form else "none"

    def check_key(self, key: Keying) -> None:
        """Refuse to steer what records are keyed by: every shard draws its own keys first.

        Raises:
            InputError: the key's column is steered, or a boost would need its dependence on the key.
        """
        if not isinstance(key, KeyForm) or key.column is None:
            return
        if key.column in self.columns:
            raise InputError(
                f"{key.column}: records are keyed by {key.column}, so it can not be held at one value nor given other "
                "shares; name another column"
            )
        if self.boost is not None:
            raise InputError(
                f"boost.column={self.boost.column}: records are keyed by {key.column}, which shards draw first, so "
                "weights would not hold; say key: surrogate or {entities: 10000}"
            )


def steering_of(form: Mapping[str, Any]) -> Steering:
    """Read steering that was asked for by a command.

    Raises:
        InputError: every fault there is.
    """
    try:
        return Steering.model_validate(form)
    except ValidationError as error:
        raise InputError(*dict.fromkeys(fault_line(fault, Steering) for fault in error.errors())) from None


def part_of(name: str, text: str) -> Any:
    """A part of steering as a flag has it: YAML text, as in a stream's file.

    Raises:
        InputError: it is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{name}={text}: is not YAML: {' '.join(str(error).split())}") from None
