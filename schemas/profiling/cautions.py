"""What is wrong with a table, or will disappoint whoever trains on it, each with what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from schemas.joint_rules import Compare
from schemas.profiling.candidates import Candidate
from schemas.profiling.fates import Delicate, Fate, Treated
from schemas.profiling.study import Study
from schemas.profiling.target import Target
from schemas.table import MIN_SHARED_ROWS, Column, Kind, Role

NEARLY = 0.99
"""A column with one value in so many rows says next to nothing."""

MOSTLY_MISSING = 0.5
FEW_ROWS = 500
POOLED = 0.05
"""Categories that fewer than five rows share are pooled; more than this part of the rows is worth telling."""

REPEATED = 0.01
STAND_INS = frozenset({-1, -9, -99, -999, -9999, 99, 999, 9999, 99999, 999999})
"""Numbers that people write where they have none."""


class Matter(StrEnum):
    """What can be wrong."""

    EMPTY = "empty"
    CONSTANT = "constant"
    NEARLY_CONSTANT = "nearly constant"
    MISSING = "mostly missing"
    MANY_VALUES = "many values"
    RARE_VALUES = "rare values"
    STAND_IN = "stand-in"
    IDENTIFIER = "identifier"
    COPY = "copy"
    ROWS = "few rows"
    REPEATED = "repeated rows"
    LEAK = "leak"
    IMBALANCE = "imbalance"


@dataclass(frozen=True)
class Caution:
    """One thing to know before training.

    Args:
        matter: what it is.
        columns: of which columns; none for the table.
        text: in words, with figures.
        action: what to do.
    """

    matter: Matter
    columns: tuple[str, ...]
    text: str
    action: str


def cautions_of(
    study: Study,
    fates: Sequence[Treated],
    candidates: Sequence[Candidate],
    target: Target | None,
    empty: Sequence[str] = (),
    most_values: int = 128,
) -> tuple[Caution, ...]:
    """What to know before training.

    Args:
        study: the table.
        fates: what training makes of its columns.
        candidates: the rules its rows keep.
        target: what is known of the target, if there is one.
        empty: columns without any value, which were left out.
        most_values: a category of more values shares its cells in models that cut columns into cells.
    """
    found = [Caution(Matter.EMPTY, (name,), "no row has a value; training refuses it", _drop(name)) for name in empty]
    found += [] if target is None else list(_of_target(target))
    if study.rows.count < FEW_ROWS:
        told = f"{study.rows.count:,} rows tell little: ties are weak evidence, and few values are shared by five rows"
        found.append(Caution(Matter.ROWS, (), told, "get more rows, or expect marginals more than ties"))
    found += _repeated(study)
    by_name = {each.column: each for each in fates}
    for column in study.schema:
        found += _of_column(study, column, by_name[column.name], most_values)
    for each in candidates:
        if isinstance(each.rule, Compare):
            told = f"{each.rule.left} and {each.rule.right} hold the same in {each.kept:.2%} of the rows"
            found.append(Caution(Matter.COPY, each.rule.columns, told, f"drop one: {_drop(each.rule.right)}"))
    return tuple(found)


def _drop(name: str) -> str:
    return f"--policy {shlex.quote(f'{name}=drop')}"


def _of_target(target: Target) -> Iterator[Caution]:
    for name, told in target.leaks:
        words = f"tells {told:.0%} of what there is to know of {target.column}: probably known only afterwards"
        yield Caution(Matter.LEAK, (name,), words, f"leave it out where a learner is to be honest: {_drop(name)}")
    if target.rarest is not None:
        words = f"its rarest class is {target.rarest:.2%} of the rows"
        action = "ask for more of it when publishing or sampling: --shares, or steer.boost of a stream's file"
        yield Caution(Matter.IMBALANCE, (target.column,), words, action)


def _of_column(study: Study, column: Column, treated: Treated, most_values: int) -> Iterator[Caution]:
    known, name = study.profile[column.name], (column.name,)
    present = known.rows - known.nulls
    share = _largest(study, column)
    if known.distinct == 1 and not known.nulls:
        yield Caution(Matter.CONSTANT, name, "one value in every row: it says nothing", _drop(column.name))
    elif known.distinct == 1:
        told = "one value in every row that has any: only its gaps say something"
        yield Caution(Matter.CONSTANT, name, told, f"unless they do: {_drop(column.name)}")
    elif share >= NEARLY and present >= MIN_SHARED_ROWS:
        told = f"one value in {share:.2%} of the rows"
        yield Caution(Matter.NEARLY_CONSTANT, name, told, f"keep it only if the others matter: {_drop(column.name)}")
    if known.null_share > MOSTLY_MISSING:
        told = f"{known.null_share:.1%} of its values are missing"
        yield Caution(Matter.MISSING, name, told, f"ask where they went, or {_drop(column.name)}")
    plain = column.kind is Kind.TEXT and column.role is Role.ATTRIBUTE and column.semantic is None
    if plain and treated.fate is Fate.INVENTED and known.distinct > 1:
        told = f"{known.distinct:,} distinct values: nothing of what they say of the other columns is learned"
        action = f"group them into fewer values, or keep them with --public {shlex.quote(column.name)}"
        yield Caution(Matter.MANY_VALUES, name, told, action)
    elif column.kind is Kind.CATEGORY and known.distinct > most_values:
        told = f"{known.distinct:,} distinct values: rare ones share cells, so what sets them apart is blurred"
        yield Caution(Matter.MANY_VALUES, name, told, "group rare values before training")
    if column.kind is Kind.CATEGORY and known.rest > POOLED:
        told = f"{known.rest:.1%} of its values are shared by fewer than five rows, and are never drawn"
        yield Caution(Matter.RARE_VALUES, name, told, "group rare values before training")
    if treated.fate is Fate.MODELLED and treated.delicate is Delicate.IDENTIFIER and known.distinct > most_values:
        told = "is called like an identifier, yet learned as a number: real ones may be drawn, with rows they never had"
        yield Caution(Matter.IDENTIFIER, name, told, f"have it invented: {treated.change}")
    yield from _stand_ins(study, column)


def _largest(study: Study, column: Column) -> float:
    """The share of rows that hold the most frequent value; a gap is none."""
    codes = study.codes[column.name]
    known = codes[codes >= 0]
    return float(np.bincount(known).max() / len(codes)) if len(known) else 0.0


def _stand_ins(study: Study, column: Column) -> Iterator[Caution]:
    """Numbers such as -1 or 999 that many rows hold, apart from all others."""
    known = study.profile[column.name]
    if column.is_surrogate or column.kind not in (Kind.INTEGER, Kind.NUMBER) or len(known.knots) < 10:
        return
    for end, other in ((0, 1), (-1, -2)):
        gap = abs(known.knots[end] - known.knots[other])
        reach = abs(known.knots[-2] - known.knots[1])
        if known.knots[end] in STAND_INS and known.atoms[end] >= 0.002 and gap > max(0.5 * reach, 2 * known.step):
            told = f"{known.knots[end]:g} in {known.atoms[end]:.1%} of the rows, far from all others"
            yield Caution(
                Matter.STAND_IN, (column.name,), told, "if it means that a value is missing, leave such cells empty"
            )


def _repeated(study: Study) -> Iterator[Caution]:
    """Rows that are there more than once; only tables with a column that could tell them apart are looked at."""
    codes, told = np.zeros(study.count, np.int64), 1.0
    for column in study.schema:
        own = study.codes[column.name]
        told *= len(np.unique(own))
        codes = np.unique(codes * (int(own.max(initial=0)) + 2) + own + 1, return_inverse=True)[1]
    share = 1 - len(np.unique(codes)) / max(study.count, 1)
    if share > REPEATED and told > study.count:
        words = f"{share:.1%} of the rows that were looked at are there before"
        yield Caution(Matter.REPEATED, (), words, "drop repeats if they are mistakes: they count as evidence")
