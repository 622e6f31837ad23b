"""How much likelier made-up rows are to be a table's: trees tell the two apart, as far as rows left aside agree.

Source: Grover et al. 2019, "Bias correction of learned generative models using likelihood-free importance weighting".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from generators.discrete.boosting import MOST_ROWS, fit_trees
from generators.discrete.cells import Cells, Codes
from generators.discrete.raking import settled
from generators.discrete.trees import Head

FEWEST_ROWS = 500
"""Of fewer rows trees learn accidents."""

MADE_UP, REAL = 0, 1
"""The cells of the column that says which of the two a row is."""

FURTHEST = 3.0
"""Odds are no further from even, as a logarithm: beyond that trees are sure by accident."""

Floats = npt.NDArray[np.float64]


def corrected(pool: Codes, weights: Floats, rows: Codes, cells: Cells, turns: int, seed: int) -> Floats:
    """Weights by which trees tell the rows less well from a table's, adding up to 1, shape (p,).

    Args:
        pool: the rows, shape (p, d).
        weights: to begin with, shape (p,).
        rows: the table's, shape (n, d).
        cells: what they are.
        turns: how often trees are grown; those of later turns see what the earlier ones left.
        seed: seeds which rows are learned from.
    """
    weights = settled(weights / weights.sum(), pool, cells)
    if len(rows) < FEWEST_ROWS:
        return weights
    for turn in range(turns):
        weights = settled(weights * odds_of(pool, weights, rows, cells, seed + turn), pool, cells)
    return weights


def odds_of(pool: Codes, weights: Floats, rows: Codes, cells: Cells, seed: int) -> Floats:
    """The odds that rows are a table's, shape (p,).

    Args:
        pool: the rows, shape (p, d).
        weights: how likely each of them is to be drawn, shape (p,).
        rows: the table's, shape (n, d).
        cells: what they are.
        seed: seeds which rows are learned from.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    real = rows[rng.permutation(len(rows))[: MOST_ROWS // 2]]
    made = pool[rng.choice(len(pool), len(real), p=weights / weights.sum())]
    both = np.concatenate([_saying(made, MADE_UP), _saying(real, REAL)])
    d = pool.shape[1]
    head = Head(fit_trees(both, _with_one_more(cells), d, seed))
    chances = head.chances(_saying(pool, -1)).astype(np.float64).clip(1e-6, 1)
    return np.asarray(np.exp(np.log(chances[:, REAL] / chances[:, MADE_UP]).clip(-FURTHEST, FURTHEST)))


def _saying(rows: Codes, which: int) -> Codes:
    """Rows with one more column."""
    return np.column_stack([rows, np.full(len(rows), which, np.int32)])


def _with_one_more(cells: Cells) -> Cells:
    """Cells with one more column, of two."""
    return replace(
        cells,
        first=np.append(cells.first, cells.first[-1] + 2),
        ordered=np.append(cells.ordered, False),
    )
