"""Weights of made-up rows by which their marginals, and how pairs of columns go together, are a table's.

Raking to all that a table shows would learn its accidents. So rows held back say how near is near enough: as many rows
drawn by the weights may be as near to the other rows as these are, and no nearer.

Source: Deming and Stephan 1940, "On a least squares adjustment of a sampled frequency table".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Cells, Codes
from schemas.kernel import kernel
from schemas.pairs import shared_information

HELD_BACK, FEWEST_HELD = 0.2, 100
"""The share of rows held back, and so few of them that nothing is raked but marginals."""

ROWS_A_CELL = 50
"""Columns are grouped so that a pair of groups has about so many rows."""

MOST_GROUPS = 32

STEP, LEAST_STEP = 0.5, 0.01
"""Weights go so much of the way, as a power, that would bring a pair to the table's at once; half as much where that
was too much, until it is hardly anything."""

DOUBT = 2.0
"""So many rows are added to what both show of a pair of groups: few rows say little."""

SETTLING = 5
"""How often marginals are brought to the table's at the end."""

DRAWS = 8
"""How near weights are is the mean of so many draws."""

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """How rows are raked.

    Args:
        pairs: to so many pairs of columns, those that go together most.
        rounds: over all of these so often at the most.
        seed: seeds which rows are held back, and what is drawn to see how near weights are.
    """

    pairs: int
    rounds: int
    seed: int


@dataclass(frozen=True)
class Raked:
    """How raking went; distances are total variation, the mean over pairs.

    Args:
        rounds: how often it went over all pairs.
        before: how far rows drawn by the weights to begin with were.
        after: how far by those it came to.
        held_back: how far rows held back are.
        pairs: how many pairs these were.
    """

    rounds: int
    before: float
    after: float
    held_back: float
    pairs: int

    def to_json(self) -> dict[str, Any]:
        """The form that a manifest has."""
        return {name: round(value, 5) for name, value in vars(self).items()}


def raked(pool: Codes, weights: Floats, rows: Codes, cells: Cells, asked: Asked) -> tuple[Floats, Raked | None]:
    """Weigh rows so that they are as near to a table as rows of it that were held back, and no nearer.

    How often to go over all pairs is found with these rows left out; then it is done as often with all rows.

    Args:
        pool: the rows to weigh, shape (p, d).
        weights: to begin with, shape (p,).
        rows: the table's, negative where a cell is unknown, shape (n, d).
        cells: what they are.
        asked: how.

    Returns:
        The weights, which add up to 1, shape (p,); and how it went, None where the table has too few rows.
    """
    weights = settled(weights / weights.sum(), pool, cells)
    rng = np.random.Generator(np.random.Philox(asked.seed))
    order = rng.permutation(len(rows))
    held = order[: round(HELD_BACK * len(rows))]
    if len(held) < FEWEST_HELD or pool.shape[1] < 2:
        return weights, None
    groups, sizes = groups_of(cells, len(rows))
    ours, theirs = _grouped(pool, groups, cells), _grouped(rows, groups, cells)
    pairs = _strongest(theirs, sizes, asked.pairs)
    learned, aside = theirs[:, np.delete(np.arange(len(rows)), held)], theirs[:, held]
    whole, part = (_tables(some, sizes, pairs) for some in (theirs, learned))
    u = rng.random((DRAWS, len(held)))

    def far(weights: Floats) -> float:
        return float(np.mean([_distance(ours[:, _drawn(weights, v)], part, sizes, pairs) for v in u]))

    def once(weights: Floats, step: float, tables: list[Floats], count: int) -> Floats:
        weights = weights.copy()
        for (a, b), table in zip(pairs, tables, strict=True):
            _rake(weights, ours[a], ours[b], table, (count, step, DOUBT))
        return settled(weights / weights.sum(), pool, cells, 1)

    limit, before = _distance(aside, part, sizes, pairs), far(weights)
    steps, after = _steps(weights, lambda w, step: once(w, step, part, learned.shape[1]), far, limit, asked.rounds)
    for step in steps:
        weights = once(weights, step, whole, len(rows))
    return settled(weights, pool, cells), Raked(len(steps), before, after, limit, len(pairs))


def _steps(
    weights: Floats, once: Callable[[Floats, float], Floats], far: Callable[[Floats], float], limit: float, most: int
) -> tuple[list[float], float]:
    """How large steps to take over all pairs, and how far these leave rows: never nearer than the limit."""
    steps, reached, step = [], far(weights), STEP
    for _ in range(most):
        nearer = once(weights, step)
        found = far(nearer)
        if limit <= found < reached:
            steps.append(step)
            weights, reached = nearer, found
            continue
        step /= 2
        if step < LEAST_STEP:
            break
    return steps, reached


def settled(weights: Floats, pool: Codes, cells: Cells, times: int = SETTLING) -> Floats:
    """Weights by which every column's marginal is the table's, adding up to 1.

    Args:
        weights: to begin with, shape (p,).
        pool: the rows, shape (p, d).
        cells: what they are.
        times: over all columns so often.
    """
    for _ in range(times):
        for j, (start, end) in enumerate(zip(cells.first[:-1].tolist(), cells.first[1:].tolist(), strict=True)):
            here = np.bincount(pool[:, j], weights, end - start)
            ratio = np.where(here > 0, cells.share[start:end] / np.where(here > 0, here, 1.0), 1.0)
            weights = weights * ratio[pool[:, j]]
            weights /= weights.sum()
    return weights


def groups_of(cells: Cells, rows: int) -> tuple[Groups, Ints]:
    """Cells put together where they are many: neighbours in columns of numbers, else the rare ones.

    Args:
        cells: what columns are cut into.
        rows: how many rows tell of them.

    Returns:
        Each cell's group, counted from its column's first, shape (cells,), and how many groups each column has.
    """
    most = int(np.clip((rows / ROWS_A_CELL) ** 0.5, 2, MOST_GROUPS))
    groups, sizes = np.zeros(len(cells.share), np.uint8), []
    for j, (start, end) in enumerate(zip(cells.first[:-1].tolist(), cells.first[1:].tolist(), strict=True)):
        there = end - int(cells.null[j] >= 0)
        share = cells.share[start:there]
        if len(share) <= most:
            own = np.arange(len(share))
        elif cells.ordered[j]:
            middle = (np.cumsum(share) - share / 2) / max(share.sum(), 1e-12)
            own = np.unique((middle * most).astype(np.int64).clip(0, most - 1), return_inverse=True)[1]
        else:
            own = np.minimum(np.argsort(np.argsort(-share, kind="stable"), kind="stable"), most - 1)
        groups[start:there] = own
        groups[there:end] = own.max() + 1
        sizes.append(int(own.max()) + 1 + end - there)
    return groups, np.array(sizes, np.int64)


def _grouped(codes: Codes, groups: Groups, cells: Cells) -> Groups:
    """The groups of rows, a column at a time; an unknown cell counts as the first. Shape (d, n)."""
    return np.stack([groups[start + codes[:, j].clip(0)] for j, start in enumerate(cells.first[:-1].tolist())])


def _strongest(rows: Groups, sizes: Ints, most: int) -> list[tuple[int, int]]:
    """The pairs of columns that say most of each other."""
    pairs = list(combinations(range(len(sizes)), 2))
    told = [shared_information(_table(rows[a], rows[b], sizes[a], sizes[b]))[0] for a, b in pairs]
    return [pairs[i] for i in np.argsort(-np.array(told), kind="stable")[:most].tolist()]


def _table(first: Groups, second: Groups, rows: int, columns: int) -> Ints:
    """How many rows are in each pair of groups, shape (rows, columns)."""
    at = first.astype(np.int64) * columns + second
    return np.bincount(at, minlength=rows * columns).reshape(rows, columns)


def _tables(rows: Groups, sizes: Ints, pairs: list[tuple[int, int]]) -> list[Floats]:
    """The share of rows in each pair of groups, pair by pair."""
    return [_table(rows[a], rows[b], sizes[a], sizes[b]) / max(rows.shape[1], 1) for a, b in pairs]


def _distance(rows: Groups, tables: list[Floats], sizes: Ints, pairs: list[tuple[int, int]]) -> float:
    """How far rows are from a table: total variation, the mean over pairs."""
    own = _tables(rows, sizes, pairs)
    return float(np.mean([np.abs(a - b).sum() / 2 for a, b in zip(own, tables, strict=True)]))


def _drawn(weights: Floats, u: Floats) -> Ints:
    """Rows drawn by their weights, by a uniform each."""
    upto = np.cumsum(weights)
    return np.asarray(np.minimum(np.searchsorted(upto, u * upto[-1], side="right"), len(weights) - 1))


@kernel
def _rake(weights: Floats, first: Groups, second: Groups, table: Floats, how: tuple[int, float, float]) -> None:
    """Bring the weights nearer to those by which a pair of columns goes together as in a table.

    Args:
        weights: shape (p,), changed in place.
        first: the rows' groups in the one column, shape (p,).
        second: the same in the other.
        table: the share of the table's rows in each pair, shape (groups of the one, groups of the other).
        how: how many rows the table has, `STEP` and `DOUBT`.
    """
    count, step, doubt = how
    here = np.zeros(table.shape)
    total = 0.0
    for i in range(len(weights)):
        here[first[i], second[i]] += weights[i]
        total += weights[i]
    for a in range(table.shape[0]):
        for b in range(table.shape[1]):
            here[a, b] = ((count * table[a, b] + doubt) / (count * here[a, b] / total + doubt)) ** step
    for i in range(len(weights)):
        weights[i] *= here[first[i], second[i]]
