"""What a stream's records are keyed by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from schemas.errors import InputError
from schemas.faults import FORM, WORD, fault_line
from schemas.parts import one_line

MOST_ENTITIES = 1_000_000
"""A stream's surrogate keys, when they come again, are at most so many."""


class KeyForm(BaseModel):
    """Keys that come again: a column's values, or a fixed number of surrogate keys.

    Args:
        column: the key is the value of that column.
        entities: how many surrogate keys there are.
        skew: the exponent of Zipf's law, by which the key of rank r is r^-skew times as popular as the first; 0 makes
            all alike. None leaves a column's values as popular as they are, and entities alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    column: Annotated[str, Field(min_length=1)] | None = None
    entities: Annotated[int, Field(strict=True, ge=1, le=MOST_ENTITIES)] | None = None
    skew: Annotated[float, Field(strict=True, ge=0, le=10)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> KeyForm:
        if (self.column is None) == (self.entities is None):
            raise ValueError("expected either column or entities, and skew if you like")
        return self


def _word(value: Any) -> Any:
    if value not in ("surrogate", "none"):
        raise ValueError("must be surrogate, none, or as in {column: NAME} or {entities: 10000, skew: 1.1}")
    return value


def _kind(value: Any) -> str:
    return FORM if isinstance(value, Mapping | KeyForm) else WORD


Keying = Annotated[
    Annotated[Literal["surrogate", "none"], BeforeValidator(_word), Tag(WORD)] | Annotated[KeyForm, Tag(FORM)],
    Discriminator(_kind),
]
"""What records are keyed by: "surrogate", "none", or keys that come again."""


class _Keyed(BaseModel):
    key: Keying


def keying_of(text: str) -> Keying:
    """Read what a flag says, written as in a stream's file.

    Raises:
        InputError: it makes no sense.

    >>> keying_of("{column: carrier}")
    KeyForm(column='carrier', entities=None, skew=None)
    """
    try:
        found: Keying = _Keyed.model_validate({"key": yaml.safe_load(text)}).key
        return found
    except yaml.YAMLError as error:
        raise InputError(f"key={text}: is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise InputError(*dict.fromkeys(fault_line(fault, _Keyed) for fault in error.errors())) from None


def spelled(key: Keying) -> str:
    """A word or one line of YAML, which `keying_of` reads back.

    >>> spelled(KeyForm(column="carrier", skew=1.5))
    '{column: carrier, skew: 1.5}'
    """
    if isinstance(key, str):
        return key
    return one_line(key.model_dump(exclude_none=True))
