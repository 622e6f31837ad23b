"""How columns go together, as correlations of the normals behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from generators.latent.missing import Patterns
from schemas.numeric import NUMERIC_KINDS, as_numbers
from schemas.profile import Profile
from schemas.table import Kind, TableSchema

MAX_CELLS = 512
"""Columns of more distinct values are cut into this many cells of equal probability."""

TERMS = 64
"""Terms of the Hermite series."""

PASSES = 3
"""How often categories are put in order by how the other columns, themselves in order, go with them."""

SHRINK_ROWS = 20.0
"""A correlation of n rows is multiplied by n / (n + 20)."""

LARGEST = 0.9995
"""No correlation is stronger, so that the matrix stays well conditioned."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Variable:
    """One thing that has a normal behind it: a column, or the missing-value patterns of a group.

    Args:
        codes: the cell of each row, -1 for none, shape (rows,).
        cells: how many cells there are.
        ordered: whether the cells have an order of their own.
    """

    codes: Codes
    cells: int
    ordered: bool


def variables_of(
    table: pa.Table,
    schema: TableSchema,
    profile: Profile,
    groups: Sequence[tuple[Patterns, Codes]],
) -> list[Variable]:
    """The modelled columns, then the groups.

    Args:
        table: the real rows.
        schema: what the columns are.
        profile: their marginals.
        groups: groups of columns with the pattern of every row.
    """
    found = []
    for column in schema:
        array = table.column(column.name)
        if column.is_surrogate:
            continue
        if column.kind in NUMERIC_KINDS:
            values, present = as_numbers(column, array)
            found.append(_numeric(values, present))
        else:
            known = profile[column.name].values
            flat = array.cast(pa.string()).combine_chunks()
            codes = pc.index_in(flat, pa.array(known, pa.string())).fill_null(-1).to_numpy()
            found.append(Variable(codes.astype(np.int64), len(known), column.kind is Kind.BOOLEAN))
    found += [Variable(codes, len(patterns.shares), False) for patterns, codes in groups]
    return found


def _numeric(values: Floats, present: npt.NDArray[np.bool_]) -> Variable:
    codes = np.full(len(values), -1, np.int64)
    found, inverse, counts = np.unique(values[present], return_inverse=True, return_counts=True)
    if len(found) > MAX_CELLS:
        middle = (np.cumsum(counts) - 0.5 * counts) / counts.sum()
        _, coarse = np.unique(np.floor(middle * MAX_CELLS), return_inverse=True)
        inverse = coarse[inverse]
    codes[present] = inverse
    return Variable(codes, int(inverse.max()) + 1 if len(inverse) else 1, True)


@dataclass(frozen=True, eq=False)
class Scored:
    """A variable as numbers: each cell the mean of the normal within it.

    Args:
        values: the score of each row, 0 where there is none, shape (rows,).
        present: 1 where there is one, shape (rows,).
        hermite: the coefficients of the score as a function of the normal, from the first on, shape (TERMS,).
    """

    values: Floats
    present: Floats
    hermite: Floats


def scored(variable: Variable, order: Codes) -> Scored:
    """Score a variable with its cells in the given order."""
    present = variable.codes >= 0
    rank = np.empty(variable.cells, np.int64)
    rank[order] = np.arange(variable.cells)
    ranks = rank[variable.codes[present]]
    counts = np.bincount(ranks, minlength=variable.cells)
    share = counts / max(counts.sum(), 1)
    cuts = ndtri(np.concatenate([[0.0], np.cumsum(share)]).clip(0, 1))  # (cells + 1,)
    integrals = _hermite_integrals(np.nan_to_num(cuts, posinf=40.0, neginf=-40.0))  # (TERMS, cells)
    means = np.divide(integrals[0], share, out=np.zeros(variable.cells), where=share > 0)
    values = np.zeros(len(variable.codes))
    values[present] = means[ranks]
    return Scored(values, present.astype(np.float64), integrals @ means)


def _hermite_integrals(cuts: Floats) -> Floats:
    """Integrals of the normalised Hermite polynomials times the normal density between cuts, shape (TERMS, cells)."""
    density = np.exp(-0.5 * cuts**2) / np.sqrt(2 * np.pi)
    before, polynomial = np.zeros_like(cuts), np.ones_like(cuts)
    integrals = np.empty((TERMS, len(cuts) - 1))
    for k in range(1, TERMS + 1):
        integrals[k - 1] = -np.diff(np.where(density > 0, polynomial * density, 0.0)) / np.sqrt(k)
        before, polynomial = polynomial, (cuts * polynomial - np.sqrt(k - 1) * before) / np.sqrt(k)
    return integrals


def ordered(variables: Sequence[Variable]) -> tuple[list[Codes], list[Scored]]:
    """Put the cells of every variable in the order that keeps most of what goes with them.

    Categories are ordered by the direction in which the scores of the other variables differ most between them: the
    first axis of a correspondence analysis against those scores.

    Returns:
        The order of cells, and the scores, by variable.
    """
    orders = [np.arange(v.cells) for v in variables]
    scores = [scored(v, order) for v, order in zip(variables, orders, strict=True)]
    free = [i for i, v in enumerate(variables) if not v.ordered and v.cells > 2]
    usable = [i for i, v in enumerate(variables) if v.ordered or v.cells == 2]
    for turn in range(PASSES if free else 0):
        against = usable if turn == 0 and usable else list(range(len(variables)))
        for i in free:
            others = [scores[j] for j in against if j != i]
            if others:
                orders[i] = _useful_order(variables[i], others)
                scores[i] = scored(variables[i], orders[i])
    return orders, scores


def _useful_order(variable: Variable, others: Sequence[Scored]) -> Codes:
    present = variable.codes >= 0
    codes = variable.codes[present]
    share = np.bincount(codes, minlength=variable.cells) / max(len(codes), 1)
    means = np.empty((variable.cells, len(others)))
    for j, other in enumerate(others):
        total = np.bincount(codes, other.values[present], minlength=variable.cells)
        rows = np.bincount(codes, other.present[present], minlength=variable.cells)
        means[:, j] = total / (rows + SHRINK_ROWS)
    means -= share @ means
    left, _, _ = np.linalg.svd(np.sqrt(share)[:, None] * means, full_matrices=False)
    axis = left[:, 0] / np.sqrt(np.maximum(share, 1e-12))
    axis *= 1.0 if left[np.abs(left[:, 0]).argmax(), 0] >= 0 else -1.0
    return np.argsort(axis, kind="stable")


def correlations(scores: Sequence[Scored], apart: npt.NDArray[np.bool_]) -> Floats:
    """The correlations of the normals with which the scores go together as they do in the rows.

    For normals with correlation r, the mean product of two scores is the sum over k of r^k f_k g_k, f and g their
    Hermite coefficients (Mehler's formula); it rises with r and is inverted by bisection. So ties cost no strength.

    Args:
        scores: by variable, v of them.
        apart: pairs that stay uncorrelated, shape (v, v).

    Returns:
        A positive definite correlation matrix, shape (v, v).
    """
    values = np.column_stack([s.values for s in scores])
    present = np.column_stack([s.present for s in scores])
    hermite = np.column_stack([s.hermite for s in scores])  # (TERMS, v)
    rows = present.T @ present
    observed = (values.T @ values) / np.maximum(rows, 1.0)
    found = _solve(observed, hermite[:, :, None] * hermite[:, None, :])
    found *= rows / (rows + SHRINK_ROWS)
    found[apart] = 0.0
    np.fill_diagonal(found, 1.0)
    return _positive_definite(found)


def _solve(observed: Floats, series: Floats) -> Floats:
    low, high = np.full_like(observed, -LARGEST), np.full_like(observed, LARGEST)
    for _ in range(40):
        middle = 0.5 * (low + high)
        value = np.zeros_like(observed)
        for k in range(len(series) - 1, -1, -1):
            value = (value + series[k]) * middle
        above = value > observed
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    flat = np.abs(series).sum(axis=0) < 1e-9  # a constant goes with nothing
    return np.where(flat, 0.0, 0.5 * (low + high))


def _positive_definite(matrix: Floats) -> Floats:
    """The nearest correlation matrix, nearly: alternating projections (Higham 2002), then a last clip."""
    current, correction = matrix, np.zeros_like(matrix)
    for _ in range(50):
        shifted = current - correction
        size, direction = np.linalg.eigh(shifted)
        projected = (direction * size.clip(1e-5, None)) @ direction.T
        correction = projected - shifted
        current = projected.copy()
        np.fill_diagonal(current, 1.0)
        if size[0] >= 0.0:
            break
    size, direction = np.linalg.eigh(current)
    fixed = (direction * size.clip(1e-5, None)) @ direction.T
    spread = np.sqrt(np.diag(fixed))
    fixed = fixed / np.outer(spread, spread)
    return np.asarray(0.5 * (fixed + fixed.T), np.float64)
