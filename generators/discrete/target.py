"""Whether a table's target is drawn by the network or by trees: rows that neither has learned from decide.

Trees tell a column from the others better than a network that is there for all of them where rows are few, or where the
column is a formula of several numbers; and the target is the one that users will learn to predict. Where the network
is as good, it stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.discrete.boosting import fit_trees
from generators.discrete.cells import Cells, Codes
from generators.discrete.columnwise import Walker
from generators.discrete.trees import Head, Trees, calibrated_trees
from schemas.table import Role, TableSchema

MOST_CLASSES = 32
"""A target of more cells is the network's."""

FEWEST_JUDGED = 50
"""Fewer rows decide nothing."""

CALIBRATION_ROWS = 32_768
"""The trees' marginal is brought to the table's on so many rows, each column's uniforms one a stratum."""

SURE = 1.28
"""So many standard errors must the trees be better by; those that are no better are so by chance one time in ten."""

OF_TRAINING = 0.25
"""Growing trees takes at most this part of the time that training may take."""

Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Growth:
    """How trees are grown.

    Args:
        seed: seeds what is random.
        training_s: how long the network's training may take.
    """

    seed: int
    training_s: float = inf

    @property
    def allowed_s(self) -> float:
        """How long growing may take in all."""
        return OF_TRAINING * self.training_s


@dataclass(frozen=True)
class Contest:
    """How well both told the target of the rows held back.

    Args:
        network_nats: the network's mean loss, in nats a row.
        trees_nats: that of the trees.
        error_nats: the standard error of the difference, row by row.
        rows: how many rows these were.
    """

    network_nats: float
    trees_nats: float
    error_nats: float
    rows: int

    @property
    def is_won_by_trees(self) -> bool:
        """Whether the trees are better beyond chance."""
        return self.network_nats - self.trees_nats > SURE * self.error_nats

    def to_json(self) -> dict[str, Any]:
        """The form that a manifest has."""
        rounded = {name: round(value, 5) for name, value in vars(self).items()}
        return {"drawn_by": "trees" if self.is_won_by_trees else "network", **rounded}


def contest_of(network: Floats32, trees: Floats32) -> Contest:
    """Compare two that told the same rows.

    Args:
        network: the logarithms of the chances that the network gave what there was, shape (rows,).
        trees: the same of the trees.
    """
    apart = trees.astype(np.float64) - network
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    return Contest(
        -float(network.mean(dtype=np.float64)), -float(trees.mean(dtype=np.float64)), float(error), len(apart)
    )


def target_of(schema: TableSchema, cells: Cells) -> int | None:
    """The column with cells that is the target and has few of them, or None."""
    sizes = np.diff(cells.first)
    for j, at in enumerate(cells.columns.tolist()):
        if schema.columns[at].role is Role.TARGET and cells.drawn[j] >= 0 and 2 <= sizes[j] <= MOST_CLASSES:
            return j
    return None


def fit_head(
    codes: Codes, cells: Cells, target: int, order: Ints, walk: Walker, held_back: Ints, growth: Growth
) -> tuple[Trees | None, Mapping[str, Any]]:
    """Grow trees for the target, if the rows held back say that they tell it better than the network.

    Those that are kept are grown once more, from all rows, unless too little time is left for that.

    Args:
        codes: the rows, negative where a cell is unknown, shape (n, d).
        cells: what they are.
        target: the target's column.
        order: the columns in the order they are drawn in, the target last.
        walk: draws by the network.
        held_back: the rows that it has not learned from.
        growth: how trees are grown.

    Returns:
        The trees, calibrated, or None; and what an artifact's manifest says of it.
    """
    judged = codes[held_back]
    judged = judged[judged[:, target] >= 0]
    if len(judged) < FEWEST_JUDGED:
        return None, {}
    began_s = perf_counter()
    trial = Head(fit_trees(np.delete(codes, held_back, axis=0), cells, target, growth.seed, growth.allowed_s))
    took_s = perf_counter() - began_s
    contest = contest_of(walk.log_chances(judged, order)[:, target], trial.log_chances(judged))
    found = {"head": contest.to_json()}
    logging.getLogger(__name__).info("the target, on rows held back: %s", found["head"])
    if not contest.is_won_by_trees:
        return None, found
    rng = np.random.Generator(np.random.Philox(growth.seed))
    unknown = np.full((CALIBRATION_ROWS, codes.shape[1]), -1, np.int32)
    strata = rng.permuted(np.tile(np.arange(CALIBRATION_ROWS)[:, None], unknown.shape[1]), axis=0)
    drawn, _ = walk.draw((strata + rng.random(unknown.shape)) / CALIBRATION_ROWS, unknown, order)
    share = cells.share[cells.first[target] : cells.first[target + 1]]
    if 2 * took_s > growth.allowed_s:
        return calibrated_trees(trial.trees, share, drawn), found
    kept = fit_trees(codes, cells, target, growth.seed, growth.allowed_s - took_s)
    return calibrated_trees(kept, share, drawn), found
