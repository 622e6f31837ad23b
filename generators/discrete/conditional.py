"""Calibration under conditions: what follows a given cell comes as often as in the rows that have it.

A network that has learned to begin with any columns knows little of any one beginning. So each frequent cell gets terms
of its own: what it adds to the logits of all other cells where it is given, by which the marginals of all other columns
are those of the rows that have it. Of several cells that are given the terms add up, as in a log-linear model.

Source: Deming and Stephan 1940, "On a least squares adjustment of a sampled frequency table" (the scaling).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numba
import numpy as np
import numpy.typing as npt

from generators.discrete.autoregressive import Network
from generators.discrete.cells import Cells, Codes
from generators.task import Progress

FREQUENT, LARGEST = 0.005, 2**21
"""Cells with at least this share have terms, the most frequent first, up to so many terms in all."""

TIMES, FEWEST_ROWS, MOST_ROWS, WORK = 2, 128, 1_024, 2**29
"""They are brought nearer so often, each time by what some rows show: fewer where there are many terms, so that rows
times terms are no more than `WORK`, and a table of many values does not take long."""

PRIOR_ROWS = 10.0
"""What the network says of a cell is worth so many rows: of few rows little is known."""

LEAST = 1e-5
"""What is added to shares before they are divided."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def calibrated_given(
    network: Network, codes: Codes, cells: Cells, order: Ints, seed: int, progress: Progress
) -> Network:
    """The network with terms for what frequent cells say where they are given.

    Args:
        network: the weights.
        codes: the real rows as cells, -1 where unknown, shape (n, d).
        cells: what the columns are cut into.
        order: the columns, in the order they are drawn in.
        seed: seeds the rows that marginals are worked out on.
        progress: told how far it has come.
    """
    first, frequent = cells.first, frequent_cells(cells)
    column = np.repeat(np.arange(len(first) - 1), np.diff(first))
    counts = together(codes, first, frequent)
    rows = int(np.clip(WORK // max(counts.size, 1), FEWEST_ROWS, MOST_ROWS))
    network = replace(network, frequent=frequent, direct=np.zeros(counts.shape, np.float32))
    for time in range(TIMES):
        walk = network.walk(first)

        def found(row: int, time: int = time, shown: Callable[..., Floats] = walk.marginals) -> Floats:
            own, cell = column[frequent[row]], frequent[row]
            held: Codes = np.full((rows, len(order)), -1, np.int32)
            held[:, own] = cell - first[own]
            u = np.random.Generator(np.random.Philox(key=[seed, time * len(frequent) + row])).random(held.shape)
            return _off(counts[row], shown(u, order[order != own], held), column)

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            off = list(threads.map(found, range(len(frequent))))
        progress(1.0, f"conditions, {time + 1} of {TIMES}")
        network = replace(network, direct=network.direct + np.array(off, np.float32).reshape(network.direct.shape))
    return network


def frequent_cells(cells: Cells) -> Ints:
    """The cells that have terms, in their order, shape (m,)."""
    found = np.flatnonzero(cells.share >= FREQUENT)
    most = LARGEST // max(1, len(cells.share))
    return np.sort(found[np.argsort(-cells.share[found], kind="stable")[:most]])


def together(codes: Codes, first: Ints, frequent: Ints) -> Floats:
    """How many rows have two cells of two columns, shape (m, v).

    Args:
        codes: rows of cells, -1 where unknown, shape (n, d).
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
        frequent: the cells that rows are counted for, shape (m,).
    """
    of, counts = np.full(first[-1], -1, np.int64), np.zeros((len(frequent), first[-1]))
    of[frequent] = np.arange(len(frequent))
    _count(codes, first, of, counts)
    return counts


@numba.njit(cache=True, nogil=True)
def _count(codes: Codes, first: Ints, of: Ints, counts: Floats) -> None:
    n, d = codes.shape
    for i in range(n):
        for j in range(d):
            row = of[first[j] + codes[i, j]] if codes[i, j] >= 0 else -1
            if row >= 0:
                for k in range(d):
                    if k != j and codes[i, k] >= 0:
                        counts[row, first[k] + codes[i, k]] += 1.0


def _off(counts: Floats, drawn: Floats, column: Ints) -> Floats:
    """What is to be added to logits: by how much real rows have cells more often than drawn ones, as a logarithm.

    Args:
        counts: how many real rows that have the given cell have each cell, shape (v,).
        drawn: the shares of drawn ones, shape (v,).
        column: of each cell, shape (v,).
    """
    rows = np.bincount(column, counts)[column]
    wanted = (counts + PRIOR_ROWS * drawn) / (rows + PRIOR_ROWS)
    return np.where(rows > 0, np.log((wanted + LEAST) / (drawn + LEAST)), 0.0)
