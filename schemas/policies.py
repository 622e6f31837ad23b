"""What the user wants done with columns of text, and what it makes of a table's columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.cells import NULL_TOKENS, Cells
from schemas.errors import InputError
from schemas.recognition import LOOKED_AT, Texts, is_card, locales_of, recognised
from schemas.semantics import PLACES, SEMANTICS
from schemas.table import Column, Kind, Policy, Role

TEXTUAL = (Kind.TEXT, Kind.CATEGORY)

NOTHING = "none"
"""What a user says of a column that is not what it was taken for."""


@dataclass(frozen=True)
class Wishes:
    """What a user says about columns of text.

    Args:
        policies: what becomes of a column's values, by column; `public` is among `Choices.public` instead.
        meanings: what columns mean, by column: a name of `SEMANTICS`, or "none".
        locales: the languages and countries of faked people and places; recognised when empty.
    """

    policies: Mapping[str, Policy] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    locales: tuple[str, ...] = ()

    @property
    def dropped(self) -> tuple[str, ...]:
        """The columns to leave out."""
        return tuple(name for name, policy in self.policies.items() if policy is Policy.DROP)


def read_wishes(
    policies: Iterable[str], meanings: Iterable[str], locales: Iterable[str], public: Iterable[str]
) -> tuple[Wishes, frozenset[str]]:
    """Read what a user wrote.

    Args:
        policies: COLUMN=POLICY each.
        meanings: COLUMN=MEANING each.
        locales: as in de_DE each, or several with commas between.
        public: columns declared public otherwise.

    Returns:
        The wishes, and all columns that are public.

    Raises:
        InputError: what can not be read, is unknown or contradicts itself; all at once.

    >>> read_wishes(["note=drop", "plate=public"], [], [], [])[1]
    frozenset({'plate'})
    """
    faults: list[str] = []
    wanted = _pairs("policy", policies, [policy.value for policy in Policy], faults)
    for name in public:
        if name in wanted and wanted[name] != Policy.PUBLIC:
            faults += [f"policy {name}={wanted[name]}: the column is declared public too; choose one of the two"]
    meant = _pairs("semantic", meanings, [*SEMANTICS, NOTHING], faults)
    spoken = tuple(dict.fromkeys(each.strip() for text in locales for each in text.split(",")))
    if spoken:
        from schemas import fakers  # noqa: PLC0415  # takes a while

        faults += fakers.locale_faults(spoken)
    if faults:
        raise InputError(*faults)
    kept = {name: Policy(policy) for name, policy in wanted.items() if policy != Policy.PUBLIC}
    return Wishes(kept, meant, spoken), frozenset(public) | (wanted.keys() - kept.keys())


def _pairs(option: str, texts: Iterable[str], known: list[str], faults: list[str]) -> dict[str, str]:
    """COLUMN=WORD pairs by column; what is wrong with them goes to the faults."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, word = text.rpartition("=")
        if not equals or not name:
            faults.append(f"{option} {text}: expected COLUMN={option.upper()}, as in {option} note={known[0]}")
        elif word not in known:
            near = get_close_matches(word, known, 1)
            hint = f"did you mean {near[0]}? it is one of " if near else "expected one of "
            faults.append(f"{option} {text}: {word!r} is unknown; {hint}{', '.join(known)}")
        elif found.setdefault(name, word) != word:
            faults.append(f"{option} {name}={found[name]} and {text}: contradict each other; choose one")
    return found


def wish_faults(wishes: Wishes, columns: Mapping[str, Column], roles: Mapping[str, str]) -> list[str]:
    """What can not be done with a table's columns.

    Args:
        wishes: what the user says.
        columns: the columns by name; those left out are not among them.
        roles: columns that the user gave a role, and its name.
    """
    faults = []
    for name, policy in wishes.policies.items():
        if name in roles:
            faults.append(f"policy {name}={policy}: the column is the {roles[name]}; leave out one of the two")
        elif name in columns and columns[name].kind not in TEXTUAL:
            faults.append(
                f"policy {name}={policy}: holds {columns[name].kind.value}; all but drop and public are for "
                f"text, so leave it out, or declare the column text (--text {name})"
            )
    for name, meaning in wishes.meanings.items():
        if name in roles:
            faults.append(f"semantic {name}={meaning}: the column is the {roles[name]}; leave out one of the two")
        elif name in columns and meaning != NOTHING and columns[name].kind not in TEXTUAL:
            faults.append(
                f"semantic {name}={meaning}: holds {columns[name].kind.value}; declare it text (--text {name})"
            )
    return faults


def with_meanings(
    table: pa.Table, columns: tuple[Column, ...], wishes: Wishes
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Name what columns mean, and settle what becomes of their values.

    Personal values are never learned. Other ones are, as categories, where enough rows share them, unless they say
    where something is and another such column is faked: places agree within a row.

    Args:
        table: the table as it was read.
        columns: its columns, with their roles.
        wishes: what the user says.

    Returns:
        The columns, and the locales that faked people and places are of; none where no column is faked from them.
    """
    texts = {column.name: _texts(table.column(column.name)) for column in columns if _open(column)}
    settled = [_meant(column, texts.get(column.name), wishes) for column in columns]
    if any(c.semantic in PLACES and c.is_surrogate and not c.mask for c in settled):
        settled = [
            replace(c, kind=Kind.TEXT) if c.semantic in PLACES and c.kind is Kind.CATEGORY and not c.public else c
            for c in settled
        ]
    if not any(c.is_surrogate and c.semantic is not None and SEMANTICS[c.semantic].made is not None for c in settled):
        return tuple(settled), ()
    known = {c.name: (c.semantic, texts[c.name]) for c in settled if c.semantic is not None and c.name in texts}
    return tuple(settled), wishes.locales or locales_of(known)


def _open(column: Column) -> bool:
    """Whether a column's meaning is asked for."""
    if column.public or column.role in (Role.KEY, Role.TARGET, Role.EVENT_TIME):
        return False
    return column.kind in TEXTUAL or column.kind is Kind.INTEGER


def _texts(values: pa.ChunkedArray[Any]) -> Texts:
    cells = Cells.of(values.cast(pa.string()))
    step = -(-len(cells.values) // LOOKED_AT) if len(cells.values) else 1
    stripped = [str(text).strip() for text in cells.values[::step].to_pylist()]
    kept = [i for i, text in enumerate(stripped) if text not in NULL_TOKENS]
    return Texts([stripped[i] for i in kept], cells.counts[::step][np.array(kept, np.int64)])


def _meant(column: Column, texts: Texts | None, wishes: Wishes) -> Column:
    if texts is None:
        return column
    said = wishes.meanings.get(column.name)
    if column.kind is Kind.INTEGER:
        if said is None and is_card(texts):
            return replace(column, role=Role.IDENTIFIER, semantic="card_number")
        return column
    meaning = said if said is not None else recognised(column.name, texts)
    policy = wishes.policies.get(column.name)
    faked = policy is not None or (said is not None and said != NOTHING)
    if meaning is not None and meaning != NOTHING:
        faked = faked or SEMANTICS[meaning].personal
        column = replace(
            column, semantic=meaning if faked or column.kind is Kind.TEXT or meaning != "free_text" else None
        )
    return replace(column, kind=Kind.TEXT if faked else column.kind, mask=policy is Policy.MASK)
