"""What training makes of each column, why, and how to have it otherwise; and which columns are delicate."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.inference import named_like_a_key
from schemas.recognition import plain_name
from schemas.semantics import PLACES, SEMANTICS
from schemas.table import MAX_CATEGORIES, Column, Kind, Role, TableSchema


class Fate(StrEnum):
    """What becomes of a column."""

    MODELLED = "modelled"
    """Its values are learned: those that five rows share, or quantile knots."""
    FAKED = "faked"
    """Values of its meaning are made up."""
    INVENTED = "invented"
    """Values of its format are made up."""
    MASKED = "masked"
    COPIED = "copied"
    DROPPED = "dropped"


class Delicate(StrEnum):
    """Why a column should be looked at by a person."""

    PERSON = "says who somebody is"
    PLACE = "says where somebody is"
    IDENTIFIER = "identifies rows, or what they refer to"
    TEXT = "free text may say anything"
    ATTRIBUTE = "says what the law protects"
    TRAIT = "narrows down who somebody is"


_PROTECTED = (
    "race ethnicity ethnic religion belief politics party union sexuality orientation diagnosis disease illness health "
    "disability medication hiv pregnancy pregnant genetic biometric conviction criminal offence"
)
_NARROWING = (
    "age birth birthday birthdate dob gender sex nationality citizenship marital income salary wage ssn passport "
    "licence license latitude longitude lat lon lng zip postcode"
)
ATTRIBUTES: Mapping[Delicate, frozenset[str]] = {
    Delicate.ATTRIBUTE: frozenset(_PROTECTED.split()),
    Delicate.TRAIT: frozenset(_NARROWING.split()),
}
"""Words in columns' names that make them delicate, whatever their values look like."""


@dataclass(frozen=True)
class Treated:
    """What training makes of a column.

    Args:
        column: its name.
        fate: what becomes of it.
        why: in words.
        change: how to have it otherwise, as flags of `synthstream train`; "" where it can not be.
        delicate: why a person should look at it; None for most columns.
    """

    column: str
    fate: Fate
    why: str
    change: str
    delicate: Delicate | None = None


def fates_of(schema: TableSchema) -> tuple[Treated, ...]:
    """What training makes of each column of a table, those that were left out among them."""
    dropped = [Treated(name, Fate.DROPPED, "left out on request", "") for name in schema.dropped]
    return (*(_fate(column) for column in schema), *dropped)


def _fate(column: Column) -> Treated:
    fate, why = _what(column)
    return Treated(column.name, fate, why, _change(column, fate), delicate_of(column))


def _what(column: Column) -> tuple[Fate, str]:
    if column.mask:
        return Fate.MASKED, "every letter and digit becomes a star, on request"
    if column.is_surrogate:
        return _made_up(column)
    if column.public:
        return Fate.COPIED, "declared public: its values are kept as they are"
    return Fate.MODELLED, _learned(column)


def _made_up(column: Column) -> tuple[Fate, str]:
    if column.role is Role.KEY:
        return Fate.INVENTED, "the table's key: fresh ones, above every real one"
    if column.semantic is not None and SEMANTICS[column.semantic].made is not None:
        return Fate.FAKED, f"recognised as {column.semantic}: faked, in agreement with the row's other parts"
    if column.role is Role.IDENTIFIER:
        return Fate.INVENTED, "identifies rows: fresh ones in the same format"
    return Fate.INVENTED, f"text of many values (over {MAX_CATEGORIES:,}, or few shared): made up in its format"


def _learned(column: Column) -> str:
    if column.kind in (Kind.CATEGORY, Kind.BOOLEAN):
        return "values that five rows share, with their shares"
    return "at most 1,000 quantile knots, none of them a value of fewer than five rows"


def _change(column: Column, fate: Fate) -> str:
    name = column.name
    if column.role in (Role.KEY, Role.TARGET, Role.EVENT_TIME):
        return ""
    if fate is Fate.MODELLED:
        if column.kind is Kind.INTEGER and named_like_a_key(name):
            return f"--text {shlex.quote(name)}"
        how = "fake" if column.kind is Kind.CATEGORY else "drop"
        return f"--policy {shlex.quote(f'{name}={how}')}"
    if fate in (Fate.FAKED, Fate.INVENTED) and column.kind is Kind.TEXT:
        masked = shlex.quote(f"{name}=mask")
        return f"--policy {masked}, --policy {shlex.quote(f'{name}=drop')} or --public {shlex.quote(name)}"
    if fate is Fate.INVENTED:
        return f"--public {shlex.quote(name)}"
    return f"leave out the flag of {name}"


def delicate_of(column: Column) -> Delicate | None:
    """Why a person should look at a column, by what it was recognised as, its role, or words in its name.

    >>> delicate_of(Column("dateOfBirth", Kind.DATE)), delicate_of(Column("price", Kind.NUMBER))
    (<Delicate.TRAIT: 'narrows down who somebody is'>, None)
    """
    if column.semantic == "free_text":
        return Delicate.TEXT
    if column.semantic in PLACES:
        return Delicate.PLACE
    if column.semantic is not None and SEMANTICS[column.semantic].personal:
        return Delicate.PERSON
    words = set(plain_name(column.name).split("_"))
    named = next((why for why, known in ATTRIBUTES.items() if words & known), None)
    if named is None and (column.role in (Role.KEY, Role.IDENTIFIER) or named_like_a_key(column.name)):
        return Delicate.IDENTIFIER
    return named
