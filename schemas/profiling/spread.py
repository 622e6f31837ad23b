"""How the values of a column are spread: figures, a histogram and a word on its shape, all of them safe to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from schemas.bins import said
from schemas.numeric import NUMERIC_KINDS, as_numbers
from schemas.profile import ColumnProfile
from schemas.profiling.study import Study
from schemas.table import MIN_SHARED_ROWS, Column, Kind

BINS = 32
"""Bins of a histogram; fewer where there are fewer values."""

VALUES = 50
"""So many values of a category are listed."""

TAIL, LONG = 0.01, 0.5
"""Beyond this quantile, and so much of what lies between both, a tail is cut off in pictures."""

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Which quantiles are told."""

ALIKE = 0.04
"""A shape is named where its distribution function is no farther away than this."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How values are spread.

    Args:
        quantiles: by level in percent, of columns that have an order, as text that people write.
        mean: of numbers.
        deviation: the standard deviation of numbers.
        shape: the distribution in words.
        edges: where bins begin and end, shape (bins + 1,); empty for categories.
        counts: rows in each bin, 0 where fewer than five, shape (bins,).
        values: of categories and booleans the most frequent ones with their rows, each shared by five.
        others: rows with other values.
        ends: what stands at the ends of a histogram.
    """

    quantiles: Mapping[str, str]
    mean: float | None = None
    deviation: float | None = None
    shape: str = ""
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    others: int = 0
    ends: tuple[str, str] = ("", "")


def spread_of(study: Study, column: Column) -> Spread:
    """How a column is spread; nothing is told of the values of columns that are not learned."""
    known = study.profile[column.name]
    if column.is_surrogate or known.rows == known.nulls:
        return Spread({})
    return _of_numbers(study, column, known) if column.kind in NUMERIC_KINDS else _of_values(known)


def _of_values(known: ColumnProfile) -> Spread:
    rows, kept = known.rows - known.nulls, 1.0 - known.rest
    counted = [(value, round(share * kept * rows)) for value, share in zip(known.values, known.shares, strict=True)]
    listed = [(value, count) for value, count in counted[:VALUES] if count >= MIN_SHARED_ROWS]
    others = rows - sum(count for _, count in listed)
    return Spread({}, shape=_evenness(known), values=tuple(listed), others=max(others, 0))


def _evenness(known: ColumnProfile) -> str:
    shares = np.array(known.shares)
    if known.distinct == 1:
        return "one value"
    if known.rest > 0.5:
        return "mostly rare values"
    bits = float(-(shares * np.log(np.maximum(shares, 1e-300))).sum() / np.log(max(len(shares), 2)))
    if shares[0] >= 0.9:
        return "one value in nearly all rows"
    return "even" if bits > 0.95 else "uneven" if bits < 0.6 else "somewhat uneven"


def _of_numbers(study: Study, column: Column, known: ColumnProfile) -> Spread:
    values, present = as_numbers(column, study.rows.table.column(column.name))
    values = values[present]
    quantiles = {f"{100 * level:.0f}": _told(column, _knot_at(known, level)) for level in LEVELS}
    edges = edges_of(known)
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    plain = column.kind in (Kind.INTEGER, Kind.NUMBER) and len(values) >= MIN_SHARED_ROWS
    with np.errstate(all="ignore"):
        moments = (float(values.mean()), float(values.std())) if plain else (np.inf, np.inf)
    mean, deviation = (moment if np.isfinite(moment) else None for moment in moments)
    return Spread(
        quantiles,
        mean,
        deviation,
        shape_of(known),
        tuple(edges.tolist()),
        tuple(np.where(counts >= MIN_SHARED_ROWS, counts, 0).tolist()),
        ends=_ends(column, known, edges),
    )


def _told(column: Column, value: float) -> str:
    """A number as people write it, without zeros that say nothing."""
    text = said(column, value)
    return text.rstrip("0").rstrip(".") if "." in text and column.kind is Kind.NUMBER else text


def _knot_at(known: ColumnProfile, level: float) -> float:
    """The knot nearest to a quantile: a value in between may be one row's."""
    knots = np.array(known.knots)
    return float(knots[np.argmin(np.abs(knots - quantiles_of(known, np.array([level]))[0]))])


def edges_of(known: ColumnProfile) -> Floats:
    """Bins of equal width; a bin a value where there are few. Long tails are cut off and counted in the last bin.

    Where values are multiples of a step, bins begin between two of them, so no edge is a value.

    Returns:
        Shape (bins + 1,).
    """
    low, high, step = known.knots[0], known.knots[-1], known.step
    if step > 0 and (high - low) / step < BINS:
        return np.asarray(low + step * (np.arange(round((high - low) / step) + 2) - 0.5), np.float64)
    body = quantiles_of(known, np.array([TAIL, 1 - TAIL]))
    reach = float(body[1] - body[0])
    if reach > 0:
        low, high = max(low, float(body[0]) - LONG * reach), min(high, float(body[1]) + LONG * reach)
    if high <= low:
        return np.array([low - 0.5, low + 0.5])
    cut = np.linspace(low, high, BINS + 1)
    if step > 0:
        first = known.knots[0]
        places = np.floor((cut - first) / step) + 0.5
        cut = first + step * np.unique(np.append(places[0] - 1, places))
    return np.asarray(cut, np.float64)


def _ends(column: Column, known: ColumnProfile, edges: Floats) -> tuple[str, str]:
    """What stands below the first and the last bin: knots; a cut tail says so."""
    knots = np.array(known.knots)
    inside = knots[(knots >= edges[0]) & (knots <= edges[-1])]
    if not len(inside):
        return _told(column, knots[0]), _told(column, knots[-1])
    under = "under " if inside[0] > knots[0] else ""
    over = "over " if inside[-1] < knots[-1] else ""
    return under + _told(column, float(inside[0])), over + _told(column, float(inside[-1]))


def quantiles_of(known: ColumnProfile, levels: Floats) -> Floats:
    """The safe marginal's quantiles, shape (levels,); each is a knot, or lies between two."""
    knots, atoms = np.array(known.knots), np.array(known.atoms)
    upto = np.cumsum(atoms + np.concatenate([[0.0], known.inside]))
    reached = np.column_stack([upto - atoms, upto]).ravel()
    found = np.interp(levels, reached, np.repeat(knots, 2))
    if known.step > 0:
        found = knots[0] + np.round((found - knots[0]) / known.step) * known.step
    return np.asarray(found, np.float64)


def shape_of(known: ColumnProfile) -> str:
    """A distribution in words: a simple law where one fits, else its skew; and the value most rows hold, if any does.

    >>> shape_of(ColumnProfile("x", 99, 0, 1, (4.0,), (1.0,)))
    'one value'
    """
    if known.distinct == 1:
        return "one value"
    atoms, largest = np.array(known.atoms), int(np.argmax(known.atoms))
    if atoms[largest] >= 0.5 and known.distinct > 2:
        return f"{atoms[largest]:.0%} at {known.knots[largest]:g}"
    levels = np.linspace(0.02, 0.98, 97)
    values = quantiles_of(known, levels)
    law = _law(values, levels)
    if law is not None:
        return law
    low, middle, high = np.interp([0.05, 0.5, 0.95], levels, values)
    lean = (high + low - 2 * middle) / max(high - low, 1e-300)
    return "skewed to the right" if lean > 0.25 else "skewed to the left" if lean < -0.25 else "roughly symmetric"


def _law(values: Floats, levels: Floats) -> str | None:
    """The nearest of four laws, if one is near."""
    with np.errstate(all="ignore"):
        low, high = np.interp([0.05, 0.95], levels, values)
        fits = {"uniform": (values - low) / max(high - low, 1e-300) * 0.9 + 0.05, "normal": _normal(values, levels)}
        if values[0] > 0:
            fits["log-normal"] = _normal(np.log(values), levels)
        if values[0] >= 0 and float(np.median(values)) > 0:
            fits["exponential"] = 1 - 0.5 ** (values / np.median(values))
        off = {name: float(np.nanmax(np.abs(np.clip(at, 0, 1) - levels))) for name, at in fits.items()}
    best = min(off, key=lambda name: off[name])
    return best if off[best] <= ALIKE else None


def _normal(values: Floats, levels: Floats) -> Floats:
    """The levels of the normal law with the same quartiles."""
    low, middle, high = np.interp([0.25, 0.5, 0.75], levels, values)
    return np.asarray(norm.cdf((values - middle) / max((high - low) / 1.349, 1e-300)), np.float64)
