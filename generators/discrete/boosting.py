"""Gradient boosting of trees over cells: each tree corrects what those before it get wrong.

A sum of trees is grown until the rows it leaves aside gain nothing more. Where that takes few trees, more such sums are
grown, each on other rows, and the mean of them is what is kept: no mean makes up for what each has yet to learn, so
trees are spent on that first. Questions are about cells, not values: from which cell on, where a column's cells have an
order, and otherwise whether it is this one cell.

Source: Friedman 2001, "Greedy function approximation: a gradient boosting machine", and 2002, "Stochastic gradient
boosting"; Chen and Guestrin 2016, "XGBoost", equations 5 to 7 (leaves and gains, by both derivatives).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import perf_counter

import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Cells, Codes
from generators.discrete.trees import Trees
from schemas.kernel import kernel
from schemas.table import MIN_SHARED_ROWS

MEMBERS, PATIENCE = 4, 20
"""At most so many sums, which end after so many trees in a row without a gain."""

MOST_ADDS = 3_000
"""All trees together have at most so many leaves of a class to add up in a row: drawing pays for each."""

DEPTH, RATE = 5, 0.1
"""Questions a tree, and how much of what it says is taken."""

PRIOR = 3.0
"""What leaves are made smaller by: it counts as so much of the second derivative, at zero."""

SEEN, ASKED, ASIDE = 0.8, 0.5, 0.15
"""The share of rows that a tree sees, of columns that a question may be about, and of rows that tell when to stop."""

MOST_CELLS = 256
"""No question is about a column of more cells."""

MOST_ROWS = 100_000
"""Trees of so few leaves learn nothing from more rows."""

GAIN = 1e-5
"""What counts as a gain, in nats a row."""

EVER = np.iinfo(np.int32).max
"""The end of a range that has none."""

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def fit_trees(codes: Codes, cells: Cells, target: int, seed: int, max_seconds: float = inf) -> Trees:
    """Grow trees that tell a column's cell from those of all others.

    Args:
        codes: the rows, negative where a cell is unknown, shape (n, d); those that do not know the column are left out.
        cells: what they are.
        target: the column.
        seed: seeds which rows and columns each tree sees.
        max_seconds: after so long no more are grown.
    """
    until_s = perf_counter() + max_seconds
    rng = np.random.Generator(np.random.Philox(seed))
    codes = codes[codes[:, target] >= 0]
    codes = codes[rng.permutation(len(codes))[:MOST_ROWS]]
    told = codes[:, target].astype(np.int64)
    across = np.ascontiguousarray(codes.T)
    sizes = np.diff(cells.first)
    asked = sizes <= MOST_CELLS
    asked[target] = False
    alone, *others = [_Sum(across, told, cells, target, asked, generator) for generator in rng.spawn(MEMBERS)]
    room = max(1, MOST_ADDS // (int(sizes[target]) - 1))
    sums = [alone.grow(room, until_s)]
    left = room - len(sums[0][0])
    others = others[: left // max(1, len(sums[0][0]))]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        sums += threads.map(lambda more: more.grow(left // len(others), until_s), others)
    columns, bounds, leaves, biases = zip(*sums, strict=True)
    return Trees(
        np.array([target], np.int32),
        np.concatenate(columns),
        np.concatenate(bounds),
        np.asarray(np.concatenate(leaves) / len(sums), np.float32),
        np.mean(biases, axis=0).astype(np.float32),
    )


class _Sum:
    """One sum of trees.

    Args:
        across: the rows, shape (d, n).
        told: the class of each, shape (n,).
        cells: what they are.
        target: the column that is told.
        asked: which columns questions may be about, shape (d,).
        rng: says which rows and columns are seen.
    """

    def __init__(
        self,
        across: Codes,
        told: Ints,
        cells: Cells,
        target: int,
        asked: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> None:
        self._across, self._told, self._asked, self._rng = across, told, asked, rng
        self._slots = np.where(asked, np.diff(cells.first) + 1, 0)  # the first for what is unknown
        self._ordered, self._classes = cells.ordered, int(np.diff(cells.first)[target])

    def grow(self, most: int, until_s: float) -> tuple[Codes, Codes, Floats32, Floats]:
        """Columns, bounds, leaves and biases as `Trees` has them, of the trees up to the last gain.

        Args:
            most: at most so many.
            until_s: none is begun after this time.
        """
        rng, told, classes = self._rng, self._told, self._classes
        order = rng.permutation(len(told))
        aside, rest = np.split(order, [round(ASIDE * len(told))])
        counts = np.bincount(told[rest], minlength=classes) + 0.5
        biases = np.log(counts / counts[0])
        logits = np.tile(biases[1:], (len(told), 1))
        trees: list[tuple[Codes, Codes, Floats32]] = []
        best, kept = _loss(logits, told, aside), 0
        for nth in range(1, most + 1):
            seen = np.sort(rest[rng.random(len(rest)) < SEEN])
            asked = self._asked & (rng.random((DEPTH, len(self._asked))) < ASKED)
            columns, bounds = np.zeros(DEPTH, np.int32), np.zeros((DEPTH, 2), np.int32)
            leaves = np.zeros((2**DEPTH, classes - 1), np.float32)
            slopes = np.empty((len(seen), 2 * (classes - 1)))
            _slopes(logits, told, seen, slopes)
            _grow(
                np.take(self._across, seen, axis=1),
                slopes,
                self._slots,
                self._ordered,
                asked,
                (columns, bounds),
                leaves,
            )
            _take(self._across, columns, bounds, leaves, logits)
            trees.append((columns, bounds, leaves))
            found = _loss(logits, told, aside)
            if found < best - GAIN:
                best, kept = found, nth
            if nth - kept >= PATIENCE or perf_counter() > until_s:
                break
        parts = [np.stack(part) for part in zip(*trees[:kept], strict=True)] if kept else []
        if not parts:
            parts = [np.empty((0, *array.shape), array.dtype) for array in (columns, bounds, leaves)]
        return parts[0], parts[1], parts[2], biases


@kernel
def _loss(logits: Floats, told: Ints, rows: Ints) -> float:
    """The mean loss of rows, in nats; the first class's logit is 0."""
    total = 0.0
    for i in rows:
        most, own = 0.0, 0.0
        for c in range(logits.shape[1]):
            most = max(most, logits[i, c])
            if c + 1 == told[i]:
                own = logits[i, c]
        whole = np.exp(-most)
        for c in range(logits.shape[1]):
            whole += np.exp(logits[i, c] - most)
        total += most + np.log(whole) - own
    return total / max(len(rows), 1)


@kernel
def _slopes(logits: Floats, told: Ints, rows: Ints, slopes: Floats) -> None:
    """The first and second derivatives of the rows' loss by their logits, side by side, shape (rows, 2 * (k - 1))."""
    for nth in range(len(rows)):
        i, most = rows[nth], 0.0
        for c in range(logits.shape[1]):
            most = max(most, logits[i, c])
        whole = np.exp(-most)
        for c in range(logits.shape[1]):
            whole += np.exp(logits[i, c] - most)
        for c in range(logits.shape[1]):
            chance = np.exp(logits[i, c] - most) / whole
            slopes[nth, 2 * c] = chance - (1.0 if told[i] == c + 1 else 0.0)
            slopes[nth, 2 * c + 1] = chance * (1.0 - chance)


@kernel
def _take(across: Codes, columns: Codes, bounds: Codes, leaves: Floats32, logits: Floats) -> None:
    """Add what a tree says to the logits of all rows."""
    leaf = np.zeros(across.shape[1], np.int32)
    for level in range(len(columns)):
        _answer(across[columns[level]], bounds[level], level, leaf)
    for i in range(len(leaf)):
        for c in range(leaves.shape[1]):
            logits[i, c] += leaves[leaf[i], c]


@kernel
def _answer(cells: Codes, bounds: Codes, level: int, leaf: Codes) -> None:
    """Set the bit of one question in each row's leaf."""
    first, end, bit = bounds[0], bounds[1], np.int32(1 << level)
    for i in range(len(cells)):
        leaf[i] |= bit if (cells[i] >= first) & (cells[i] < end) else np.int32(0)


@kernel
def _grow(
    across: Codes,
    slopes: Floats,
    slots: Ints,
    ordered: npt.NDArray[np.bool_],
    asked: npt.NDArray[np.bool_],
    questions: tuple[Codes, Codes],
    leaves: Floats32,
) -> None:
    """Grow one tree.

    Args:
        across: the rows that it sees, shape (d, n).
        slopes: see `_slopes`.
        slots: how many cells each column has, and one more, shape (d,).
        ordered: whether they have an order, shape (d,).
        asked: which columns each question may be about, shape (depth, d).
        questions: takes columns and bounds, see `Trees`.
        leaves: takes the leaves, see `Trees`.
    """
    columns, bounds = questions
    n, both = slopes.shape
    leaf = np.zeros(n, np.int32)
    for level in range(len(columns)):
        best, cell = 0.0, -1
        for j in range(len(slots)):
            if asked[level, j]:
                gains = _gains(across[j], leaf, slopes, 1 << level, slots[j], ordered[j])
                most = int(np.argmax(gains))
                if gains[most] > best:
                    best, cell, columns[level] = gains[most], most, j
        if cell < 0:
            continue  # nothing may be asked: the answer is no
        bounds[level, 0] = cell - 1
        bounds[level, 1] = EVER if ordered[columns[level]] else cell
        _answer(across[columns[level]], bounds[level], level, leaf)
    sums, counts = np.zeros((len(leaves), both)), np.zeros(len(leaves))
    for i in range(n):
        counts[leaf[i]] += 1
        for c in range(both):
            sums[leaf[i], c] += slopes[i, c]
    for k in range(len(leaves)):
        for c in range(leaves.shape[1]):
            if counts[k] >= MIN_SHARED_ROWS:
                leaves[k, c] = -RATE * sums[k, 2 * c] / (sums[k, 2 * c + 1] + PRIOR)


@kernel
def _gains(cells: Codes, leaf: Codes, slopes: Floats, leaves: int, slots: int, ordered: bool) -> Floats:
    """What is gained by asking about each cell of a column, all leaves together, shape (slots,).

    Args:
        cells: of the column, shape (n,).
        leaf: the leaf that each row has reached, shape (n,).
        slopes: see `_slopes`.
        leaves: how many leaves there are so far.
        slots: how many cells the column has, and one for what is unknown, which comes first.
        ordered: the question is whether it is this cell or a later one, not whether it is this one.
    """
    n, both = slopes.shape
    sums, gains = np.zeros(leaves * slots * both), np.zeros(slots)
    for i in range(n):
        at = (leaf[i] * slots + cells[i] + 1) * both
        for c in range(both):
            sums[at + c] += slopes[i, c]
    by_leaf = sums.reshape(leaves, slots, both)
    for k in range(leaves):
        for c in range(0, both, 2):
            first, second = by_leaf[k, :, c], by_leaf[k, :, c + 1]
            whole, whole_second, no, no_second = first.sum(), second.sum(), 0.0, 0.0
            if whole_second == 0.0:
                continue
            for cell in range(1, slots):
                if ordered:
                    no, no_second = no + first[cell - 1], no_second + second[cell - 1]
                else:
                    no, no_second = whole - first[cell], whole_second - second[cell]
                yes, yes_second = whole - no, whole_second - no_second
                gains[cell] += no * no / (no_second + PRIOR) + yes * yes / (yes_second + PRIOR)
    return gains
