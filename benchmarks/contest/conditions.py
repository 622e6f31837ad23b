"""How near a generator's rows under conditions are to the training rows that meet them, and how fast they come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.artifact import Artifact
from generators.blocks import Source
from generators.steered import Steered
from schemas.bins import bins_of

LEAST_ROWS = 500
"""A condition that fewer training rows meet says little."""

EACH = 20
"""At most so many conditions of one column, and so many of two."""

BLOCKS = 5
"""Blocks drawn under a condition."""

SPLITS = 20
"""Random half-splits whose distance is averaged."""

CELLS = 20
"""How many cells numbers are counted in, about."""

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Condition:
    """Columns held at values.

    Args:
        given: the value of each.
        met: whether each training row meets it, shape (rows,).
    """

    given: dict[str, Any]
    met: npt.NDArray[np.bool_]


def measured(artifact: Artifact, table: pa.Table, seed: int) -> dict[str, Any]:
    """Draw under conditions of one and of two columns.

    Args:
        artifact: the generator.
        table: its training rows, conformed.
        seed: chooses conditions and half-splits.

    Returns:
        How many conditions there were; the speed as a share of that without a condition; by how much the total
        variation from the training rows exceeds that of their half-splits: the mean over conditions and columns, the
        worst condition by the mean of its columns, and the worst column of any; and where that was. All but the first
        are absent where no condition has rows enough.
    """
    rng = np.random.default_rng(seed)
    names = [c.name for c in artifact.schema if not c.is_surrogate]
    chosen = [each for each in conditions(table.select(names), rng) if len(each.given) < len(names)]
    if not chosen:
        return {"conditions": 0}
    bins = {name: bins_of(artifact.schema[name], artifact.profile[name], CELLS) for name in names}
    trained = {name: bins[name].codes(table.column(name)) for name in names}
    source, free_s, held_s = Source(artifact, seed, 0, 0, 1), 0.0, 0.0
    source.block(0, Steered(chosen[0].given))
    found: dict[str, float] = {}
    by_condition: list[float] = []
    for condition in chosen:
        began = time.perf_counter()
        for index in range(BLOCKS):
            source.block(index)
        middle = time.perf_counter()
        drawn = pa.Table.from_batches([source.block(index, Steered(condition.given)) for index in range(BLOCKS)])
        free_s, held_s = free_s + middle - began, held_s + time.perf_counter() - middle
        what = " and ".join(f"{name}={value}" for name, value in condition.given.items())
        others = [name for name in names if name not in condition.given]
        for name in others:
            codes = bins[name].codes(drawn.column(name))
            found[f"{name} given {what}"] = excess(codes, trained[name][condition.met], bins[name].size, rng)
        by_condition.append(float(np.mean([found[f"{name} given {what}"] for name in others])))
    return {
        "conditions": len(chosen),
        "conditional_speed": free_s / held_s,
        "tv_excess_mean": float(np.mean(list(found.values()))),
        "tv_excess_worst_condition": max(by_condition),
        "tv_excess_worst": max(found.values()),
        "tv_excess_worst_where": max(found, key=lambda where: found[where]),
    }


def conditions(table: pa.Table, rng: np.random.Generator) -> list[Condition]:
    """Conditions that `LEAST_ROWS` rows meet: at most `EACH` of one column, then of two.

    Args:
        table: the training rows.
        rng: chooses among them.
    """
    single = [
        Condition({name: counted["values"].as_py()}, _equal(table.column(name), counted["values"]))
        for name in table.column_names
        for counted in table.column(name).value_counts()
        if LEAST_ROWS <= counted["counts"].as_py() < table.num_rows
    ]
    pairs = list(combinations(single, 2))
    double: list[Condition] = []
    for at in rng.permutation(len(pairs)).tolist():
        (a, b) = pairs[at]
        met = a.met & b.met
        if not a.given.keys() & b.given.keys() and met.sum() >= LEAST_ROWS:
            double.append(Condition({**a.given, **b.given}, met))
        if len(double) == EACH:
            break
    return [single[at] for at in rng.permutation(len(single)).tolist()[:EACH]] + double


def _equal(column: pa.ChunkedArray[Any], value: Any) -> npt.NDArray[np.bool_]:
    """Where a column has a value, which may be null."""
    where = pc.equal(column, value) if value.is_valid else pc.is_null(column)
    return np.asarray(where.fill_null(False), np.bool_)


def excess(drawn: Codes, trained: Codes, size: int, rng: np.random.Generator) -> float:
    """The total variation of drawn rows from training rows, less that of random halves of these.

    Args:
        drawn: cells of one column, shape (n,).
        trained: cells of the training rows, shape (m,).
        size: how many cells there are.
        rng: splits.
    """
    half = len(trained) // 2
    shuffled = (rng.permutation(trained) for _ in range(SPLITS))
    between = np.mean([variation(each[:half], each[half:], size) for each in shuffled])
    return variation(drawn, trained, size) - float(between)


def variation(a: Codes, b: Codes, size: int) -> float:
    """The total variation between two samples of cells.

    >>> variation(np.array([0, 0, 1, 1], np.int32), np.array([0, 0, 0, 1], np.int32), 2)
    0.25
    """
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
