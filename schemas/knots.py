"""At most a thousand knots that say how a numeric column is spread, none of them a value of fewer than five rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.numeric import EXACT, scale_of
from schemas.table import MIN_SHARED_ROWS, Column

MAX_KNOTS = 1_000
"""No column keeps more knots than this."""

FARTHEST_FREE = 100
"""How many steps from a mean a value that nobody holds is looked for."""

FARTHEST = 8e307
"""Numbers beyond are drawn in to here, so that differences stay finite."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Marginal:
    """Knots and probabilities, as `ColumnProfile` has them.

    Args:
        distinct: how many distinct values there were.
        knots: strictly increasing, shape (m,).
        atoms: probability at each knot, shape (m,).
        inside: probability strictly between neighbouring knots, shape (m - 1,).
        step: distance between neighbouring values, 0 when every double may occur.
    """

    distinct: int
    knots: tuple[float, ...]
    atoms: tuple[float, ...]
    inside: tuple[float, ...]
    step: float


def marginal_of(values: Floats, column: Column) -> Marginal:
    """Summarise the present values of a numeric column.

    When most rows hold values that five rows share, the column is *discrete*: every knot is such a value, or one
    that nobody holds and that stands for five rows or more around it. There is probability between two knots only
    where every value between them is one too. Otherwise it is *continuous*: knots are means of at least five
    neighbours, so the ends are trimmed. Fewer than five values say nothing: zero.

    Args:
        values: the present values, shape (n,).
        column: a numeric column; a public one may keep every value.

    >>> from schemas.table import Kind
    >>> marginal_of(np.repeat([1.0, 2.0, 9.0], [5, 5, 1]), Column("n", Kind.INTEGER)).knots
    (1.0, 2.0)
    """
    values = np.clip(values[np.isfinite(values)], -FARTHEST, FARTHEST)
    scale = scale_of(column)
    if scale > 1.0 and len(values) and np.abs(values).max() >= EXACT / scale:
        scale = 0.0
    units = np.rint(values * scale) if scale > 0 else values
    found, counts = np.unique(units, return_counts=True)
    floor = 1 if column.public else MIN_SHARED_ROWS
    if len(values) < floor:
        return Marginal(len(found), (0.0,), (1.0,), (), 1.0 / scale if scale > 0 else 0.0)
    shared = counts >= floor
    if 2 * counts[shared].sum() > len(values):
        step = _step(found[shared], scale)
        knots, atoms, inside = _discrete(found, counts, shared, step)
    else:
        step = _step(found, scale)
        knots, atoms, inside = _continuous(found, counts, shared, step)
    per_unit = scale if scale > 0 else 1.0
    return Marginal(len(found), _tuple(knots / per_unit), _tuple(atoms), _tuple(inside), step / per_unit)


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _step(units: Floats, scale: float) -> float:
    """The greatest step that reaches every value from the first one, in units of the last digit."""
    if scale == 0.0:
        return 0.0
    if np.abs(units).max() >= EXACT / 2:
        return 1.0
    return float(max(np.gcd.reduce((units - units[0]).astype(np.int64)), 1))


def _discrete(
    found: Floats, counts: npt.NDArray[np.int64], shared: npt.NDArray[np.bool_], step: float
) -> tuple[Floats, Floats, Floats]:
    support = np.union1d(found[shared], _stand_ins(found, counts, shared, step))
    share = np.bincount(_nearest(support, found), weights=counts, minlength=len(support)) / counts.sum()
    joined = np.diff(support) == step if step > 0 else np.zeros(len(support) - 1, bool)
    run = np.concatenate([[0], np.cumsum(~joined)])
    kept = _thin(share, run)
    bounds = np.searchsorted(kept, np.arange(len(support)), side="right") - 1  # the last kept at or before each
    dropped = np.ones(len(support), bool)
    dropped[kept] = False
    within = dropped & (run[kept[bounds]] == run[kept[np.minimum(bounds + 1, len(kept) - 1)]])
    moved = dropped & ~within
    atoms = share[kept] + np.bincount(_nearest(support[kept], support[moved]), share[moved], minlength=len(kept))
    inside = np.bincount(bounds[within], share[within], minlength=len(kept))[: len(kept) - 1]
    return support[kept], atoms, np.asarray(inside, np.float64)


def _stand_ins(found: Floats, counts: npt.NDArray[np.int64], shared: npt.NDArray[np.bool_], step: float) -> list[float]:
    """Values that nobody holds, each near the mean of five rows or more that lie between the same two shared values."""
    gaps = np.cumsum(shared)[~shared].tolist()
    held, chosen, group = set(found.tolist()), list[float](), list[float]()
    for at, (value, rows) in enumerate(zip(found[~shared].tolist(), counts[~shared].tolist(), strict=True)):
        group += [value] * rows
        ends = at + 1 == len(gaps) or gaps[at + 1] != gaps[at]
        if len(group) >= MIN_SHARED_ROWS:
            chosen += _free(group, step, held)
        if ends or len(group) >= MIN_SHARED_ROWS:
            group = []
    return chosen


def _free(group: list[float], step: float, held: set[float]) -> list[float]:
    """The value nearest to the mean of a group that is within it and held by nobody, if there is one."""
    mean = sum(value / len(group) for value in group)
    if step == 0:
        return [] if mean in held else [mean]
    middle = round((mean - group[0]) / step)
    for off in range(FARTHEST_FREE):
        for nth in (middle - off, middle + off):
            value = group[0] + nth * step
            if group[0] <= value <= group[-1] and value not in held:
                return [value]
    return []


def _nearest(support: Floats, values: Floats) -> npt.NDArray[np.int64]:
    """The index of the support point nearest to each value, the lower one when two are equally near."""
    above = np.clip(np.searchsorted(support, values), 0, len(support) - 1)
    below = np.maximum(above - 1, 0)
    lower: npt.NDArray[np.bool_] = values - support[below] <= support[above] - values
    index: npt.NDArray[np.int64] = np.where(lower, below, above).astype(np.int64)
    return index


def _thin(share: Floats, run: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Choose at most `MAX_KNOTS` support points, dropping first those that cost the least probability misplaced.

    Args:
        share: the probability of each support point, shape (k,).
        run: which unbroken run of values each belongs to, shape (k,).
    """
    mass = np.concatenate([[0.0], np.cumsum(share)])
    square = np.concatenate([[0.0], np.cumsum(share**2)])

    def cost(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> Floats:
        moved = mass[b] - mass[a + 1]
        # within a run the points keep their sum; Cauchy-Schwarz bounds how far each is from the mean of them
        uneven = np.sqrt(np.maximum((b - a - 1) * (square[b] - square[a + 1]) - moved**2, 0.0))
        misplaced: Floats = np.where(run[a] == run[b], uneven, moved)
        return misplaced

    kept = np.arange(len(share), dtype=np.int64)
    while len(kept) > MAX_KNOTS:
        a, j, b = kept[:-2], kept[1:-1], kept[2:]
        rise = np.concatenate([[np.inf], cost(a, b) - cost(a, j) - cost(j, b), [np.inf]])
        # neighbours are never dropped in the same round: an even place yields to its odd neighbour on a tie
        lowest = (rise[1:-1] < rise[:-2]) & (rise[1:-1] <= rise[2:])
        candidates = 1 + np.flatnonzero(lowest)
        cheapest = candidates[np.argsort(rise[candidates], kind="stable")]
        drop = cheapest[: min(len(kept) - MAX_KNOTS, max(1, len(cheapest) // 4))]
        kept = np.delete(kept, drop if len(drop) else [int(np.argmin(rise))])
    return kept


def _continuous(
    found: Floats, counts: npt.NDArray[np.int64], shared: npt.NDArray[np.bool_], step: float
) -> tuple[Floats, Floats, Floats]:
    spiked = np.flatnonzero(shared)
    spiked = np.sort(spiked[np.argsort(-counts[spiked], kind="stable")][: MAX_KNOTS // 2])
    total = counts.sum()
    smooth = np.delete(found, spiked).repeat(np.delete(counts, spiked))
    weight = len(smooth) / total
    means, reached = _smooth_knots(smooth, MAX_KNOTS - len(spiked))
    if step > 0:
        means = found[0] + np.rint((means - found[0]) / step) * step
    knots = np.union1d(means, found[spiked])
    atoms = np.zeros(len(knots))
    atoms[np.searchsorted(knots, found[spiked])] += counts[spiked] / total
    low, high = _reach(means, reached, knots)
    atoms += weight * (high - low)
    atoms[0] += weight * low[0]
    atoms[-1] += weight * (1.0 - high[-1])
    inside = weight * (low[1:] - high[:-1])
    if step > 0:  # the knots are values like those between them
        between = np.rint(np.diff(knots) / step) - 1
        half = 0.5 * inside / (between + 1)
        atoms[:-1] += half
        atoms[1:] += half
        inside = inside - 2 * half
    return knots, atoms, inside


def _reach(means: Floats, reached: Floats, knots: Floats) -> tuple[Floats, Floats]:
    """The distribution function just below and at each knot; several means may have snapped to one knot."""
    between = np.interp(knots, means, reached)
    first = np.searchsorted(means, knots, side="left")
    last = np.searchsorted(means, knots, side="right") - 1
    met = first <= last
    top = len(means) - 1
    low = np.where(met, reached[np.minimum(first, top)], between)
    high = np.where(met, reached[np.maximum(last, 0)], between)
    return low, high


def _smooth_knots(values: Floats, limit: int) -> tuple[Floats, Floats]:
    """Means of equal groups of at least five sorted values, and the distribution function reached at each."""
    groups = int(min(limit, max(len(values) // MIN_SHARED_ROWS, 1)))
    edges = np.linspace(0, len(values), groups + 1).astype(np.int64)
    sizes = np.diff(edges)
    means = np.add.reduceat(values / sizes.repeat(sizes), edges[:-1])
    reached = (edges[:-1] + 0.5 * sizes) / len(values)
    if groups > 1:  # what lies beyond the first and the last mean is drawn in between its neighbours
        reached[0], reached[-1] = 0.0, 1.0
    return means, reached
