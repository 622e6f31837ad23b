"""Columns that are arithmetic over others: products, quotients, and sums with simple factors, found in some rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schemas.joint_rules import Formula
from schemas.profiling.study import Floats, Mask, Study
from schemas.table import Column

KEPT = 0.99
"""The part of the rows a formula has to hold in, and of those that do not hold the column's most frequent value."""

FEWEST_ROWS = 30
"""So many rows have to say something: all parts present, and not the column's most frequent value."""

FEWEST_VALUES = 5
"""Columns of fewer values agree with arithmetic by chance."""

MOST_COLUMNS = 40
GLANCE = 256
"""So many rows rule out nearly all products."""

MOST_TERMS = 6
FIT_ROWS = 2_000
NEAREST, REFITS = 0.95, 3
"""A sum is fitted again, so often, to the part of the rows that it comes nearest to: what breaks it has no say."""

DIGITS = 4
"""Factors have at most so many decimals."""


@dataclass(frozen=True)
class _Term:
    """A formula, and where it holds.

    Args:
        columns: what it reads.
        text: the formula.
        wanted: what it says, shape (rows,).
        plainness: the smaller, the better of two formulas over the same columns.
    """

    columns: tuple[str, ...]
    text: str
    wanted: Floats
    plainness: float


def formulas_of(study: Study) -> list[Formula]:
    """Formulas that nearly all rows keep; of those over the same columns the plainest, of two the later column's.

    A table has its totals behind what they are made of.
    """
    names = [n for n in study.numbers if study.profile[n].distinct >= FEWEST_VALUES and "`" not in n][:MOST_COLUMNS]
    names = _without_copies(study, names)
    found: dict[frozenset[str], tuple[float, Formula]] = {}
    for name in names:
        others = [each for each in names if each != name]
        for term in (*_sums(study, name, others), *_products(study, name, others)):
            rule = _kept(study, name, term)
            key = frozenset((name, *term.columns))
            if rule is not None and (key not in found or term.plainness <= found[key][0]):
                found[key] = (term.plainness, rule)
    smallest = [key for key in found if not any(other < key for other in found)]
    return [found[key][1] for key in smallest]


def _without_copies(study: Study, names: Sequence[str]) -> list[str]:
    """The columns, of those that agree in nearly all rows that tell something only the first."""
    kept: list[str] = []
    for name in names:
        if not any(_agree(study.numbers[name], study.numbers[other]) for other in kept):
            kept.append(name)
    return kept


def _agree(values: Floats, others: Floats) -> bool:
    """Whether two columns hold the same, also where they do not hold their most frequent values."""
    known = ~np.isnan(values) & ~np.isnan(others)
    telling = known & ((values != _mode(values)) | (others != _mode(others)))
    return bool(telling.any() and np.mean(values[telling] == others[telling]) >= KEPT)


def _kept(study: Study, name: str, term: _Term) -> Formula | None:
    """The rule, with as little tolerance as it needs, if rows keep it."""
    column, values = study.schema[name], study.numbers[name]
    known = ~np.isnan(values) & ~np.isnan(term.wanted)
    telling = known & (values != _mode(values))
    if telling.sum() < FEWEST_ROWS:
        return None
    for tolerance in (0.0, half_unit(column)):
        near = _near(values, term.wanted, tolerance)
        if near[known].mean() >= KEPT and near[telling].mean() >= KEPT:
            return Formula(name, term.text, tolerance)
    return None


def _near(values: Floats, wanted: Floats, tolerance: float) -> Mask:
    with np.errstate(invalid="ignore"):
        lost = 1e-9 * np.maximum(np.abs(values), np.abs(wanted))
        near: Mask = np.abs(values - wanted) <= tolerance + lost
    return near


def half_unit(column: Column) -> float:
    """Half of the last digit that a column keeps: what rounding loses; 0 where every digit counts."""
    return 0.0 if not column.decimals else 0.5 * 10.0**-column.decimals


def _mode(values: Floats) -> float:
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(found[np.argmax(counts)]) if len(found) else 0.0


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else f"`{name}`"


def _products(study: Study, name: str, others: Sequence[str]) -> Iterator[_Term]:
    if len(others) < 2:
        return
    numbers, column = study.numbers, study.schema[name]
    glance = slice(0, GLANCE)
    stacked = np.stack([numbers[other][glance] for other in others], axis=1)  # (rows, others)
    values, allowed = numbers[name][glance], half_unit(column)
    with np.errstate(all="ignore"):
        whole = stacked[:, :, None] * stacked[:, None, :]  # (rows, others, others)
        part = stacked[:, :, None] / stacked[:, None, :]
        fits = [_glance(values, each, allowed) for each in (whole, part)]
        for i, j in combinations(range(len(others)), 2):
            a, b = others[i], others[j]
            if fits[0][i, j]:
                yield _Term((a, b), f"{_quoted(a)} * {_quoted(b)}", numbers[a] * numbers[b], 1.0)
            for over, under in ((i, j), (j, i)):
                if fits[1][over, under]:
                    a, b = others[over], others[under]
                    yield _Term((a, b), f"{_quoted(a)} / {_quoted(b)}", numbers[a] / numbers[b], 2.0)


def _glance(values: Floats, wanted: Floats, tolerance: float) -> Mask:
    """Which of many formulas nearly all of a few rows keep; a formula that is of no row is not one.

    Args:
        values: shape (rows,); wanted: shape (rows, k, k).
        tolerance: how far is still equal.
    """
    there = np.isfinite(wanted) & ~np.isnan(values)[:, None, None]
    near = _near(values[:, None, None], wanted, tolerance)
    fits: Mask = (near & there).sum(axis=0) >= np.maximum(0.95 * there.sum(axis=0), 5)
    return fits


def _sums(study: Study, name: str, others: Sequence[str]) -> Iterator[_Term]:
    """The sum of a few columns, each by a simple factor, that tells a column: by orthogonal matching pursuit.

    Pati, Rezaiifar and Krishnaprasad, Orthogonal matching pursuit, 1993.
    """
    fitted = _complete(study, name, others)
    if fitted is None:
        return
    values, usable, stacked = fitted
    scale, chosen = stacked.std(axis=0), list[int]()
    residual, allowed = values - values.mean(), max(half_unit(study.schema[name]), 1e-9 * np.abs(values).max())
    for _ in range(min(MOST_TERMS, len(usable))):
        with np.errstate(all="ignore"):
            said = np.abs((stacked - stacked.mean(axis=0)).T @ residual) / scale
        said[[*chosen, *np.flatnonzero(scale == 0).tolist()]] = -1.0
        chosen.append(int(np.argmax(said)))
        design = np.column_stack([stacked[:, chosen], np.ones(len(values))])
        weights = _fitted(design, values)
        residual = values - design @ weights
        if np.mean(np.abs(residual) <= 2 * allowed) >= KEPT:
            yield from _written(study, [usable[i] for i in chosen], weights)
            return


def _fitted(design: Floats, values: Floats) -> Floats:
    """Factors by least trimmed squares, so that a few wild rows change nothing.

    Rousseeuw and Van Driessen, Computing LTS regression for large data sets, 2006.
    """
    near = np.ones(len(values), bool)
    for _ in range(1 + REFITS):
        weights = np.asarray(np.linalg.lstsq(design[near], values[near], rcond=None)[0], np.float64)
        off = np.abs(values - design @ weights)
        near = off <= np.quantile(off, NEAREST)
    return weights


def _complete(study: Study, name: str, others: Sequence[str]) -> tuple[Floats, list[str], Floats] | None:
    """Rows that have all of the columns which are mostly there: the column's values, the others and theirs."""
    numbers = study.numbers
    usable = [other for other in others if np.isnan(numbers[other]).mean() <= np.isnan(numbers[name]).mean() + 0.5]
    if not usable:
        return None
    stacked = np.stack([numbers[other] for other in usable], axis=1)
    there = np.flatnonzero(~np.isnan(numbers[name]) & ~np.isnan(stacked).any(axis=1))[:FIT_ROWS]
    if len(there) < max(FEWEST_ROWS, 2 * len(usable)):
        return None
    return numbers[name][there], usable, stacked[there]


def _written(study: Study, names: Sequence[str], weights: Floats) -> Iterator[_Term]:
    """The sum with its factors rounded to ever more decimals; the first that rows keep is the one."""
    for digits in range(DIGITS + 1):
        rounded = np.round(weights, digits)
        used = [(name, float(w)) for name, w in zip(names, rounded[:-1].tolist(), strict=True) if w != 0]
        constant = float(rounded[-1])
        if not used:
            continue
        wanted: Floats = sum((w * study.numbers[name] for name, w in used), np.full(study.count, constant))
        plainness = digits + len(used) / 10 + sum(w < 0 for _, w in used) + (constant != 0)
        yield _Term(tuple(name for name, _ in used), _text(dict(used), constant), wanted, plainness)


def _text(factors: Mapping[str, float], constant: float) -> str:
    """A sum as people write it.

    >>> _text({"hour": 60.0, "minute": 1.0, "late": -1.0}, 0.0)
    '60 * hour + minute - late'
    """
    ranked = sorted(factors.items(), key=lambda each: each[1] < 0)
    text = ""
    for name, factor in ranked:
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += sign + (_quoted(name) if abs(factor) == 1 else f"{abs(factor):.15g} * {_quoted(name)}")
    if constant:
        text += f" {'-' if constant < 0 else '+'} {abs(constant):.15g}"
    return text
