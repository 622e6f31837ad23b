"""A classifier that learns to tell a stream's newest records from fresh rows of its generator, and is tested first.

Every record meets one row the generator draws for it. Before the classifier learns from either it says which of the two
is more likely the stream's. While both are drawn alike no rule that was learned before can do better than a fair coin,
whatever it is: the pairs it gets right are binomial at one half, in every pane and in any sum of panes. So they are
counted, and add up like all that is counted of panes, though what the classifier knows does not (Lopez-Paz and Oquab,
"Revisiting classifier two-sample tests", 2017; Podkopaev and Ramdas, "Sequential predictive two-sample and independence
testing", 2023).

It is a decision table (Kohavi, "The power of decision tables", 1995): the three columns that told most so far, each in
at most four levels, and in each of their cells the share of the stream's records. So it sees three columns that change
together where each column and each pair stays as it was, and it sees nothing that takes four.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import numpy.typing as npt

from monitors.classifier_kernels import tally_tables
from monitors.kept import State
from monitors.pane import Pane
from monitors.pane_parts import Told
from monitors.samples import LEVELS, Codes
from schemas.errors import InputError

MOST_TABLES = 1_140
"""All threes of 20 columns. Of more columns so many threes are looked at, drawn once."""

TOGETHER = 3
"""Columns of a table."""

KEEPS = 0.95
"""What is known counts so much less with every pane: what is looked at is about the newest 20."""

DOUBT = 5.0
"""Records of either kind that a cell is thought to hold beside those that came."""

Draw = Callable[[int], Codes]
"""Draws so many fresh rows of the generator, as levels, shape (rows, columns)."""


class Classifier:
    """Tells records of complete panes from fresh rows, and learns from both.

    Args:
        columns: how many columns samples have.
        draw: draws fresh rows; no row comes twice.
    """

    def __init__(self, columns: int, draw: Draw) -> None:
        self._tables = _tables(columns)
        self._draw = draw
        self._ours = np.zeros((len(self._tables), LEVELS**TOGETHER))
        self._theirs = self._ours.copy()
        self._chosen: int | None = None

    @property
    def state(self) -> State:
        """What it knows; `restore` takes it back. Where rows go on is for whoever draws them to say."""
        return {"ours": self._ours.copy(), "theirs": self._theirs.copy(), "chosen": self._chosen}

    def restore(self, state: State) -> None:
        """Go on from a state, as if nothing had happened in between.

        Raises:
            InputError: it is of other columns.
        """
        if state["ours"].shape != self._ours.shape:
            raise InputError("classifier: is not of this stream; begin without a saved state")
        self._ours, self._theirs, self._chosen = state["ours"].copy(), state["theirs"].copy(), state["chosen"]

    def begin_anew(self, draw: Draw) -> None:
        """Forget what is known: rows are drawn otherwise from now on."""
        self._draw, self._chosen = draw, None
        self._ours[:], self._theirs[:] = 0.0, 0.0

    def tell(self, pane: Pane) -> None:
        """Count in a complete pane which of its sampled records are told from fresh rows, then learn from both."""
        sample = pane.sample
        if sample is None or len(sample.keys) == 0 or len(self._tables) == 0:
            return
        ours, theirs = _by_column(sample.codes), _by_column(self._draw(len(sample.keys)))
        if self._chosen is not None:
            odds = np.log((self._ours[self._chosen] + DOUBT) / (self._theirs[self._chosen] + DOUBT))
            gap = odds[self._cells(ours)] - odds[self._cells(theirs)]
            told = Told(int((gap > 0).sum()), int((gap < 0).sum()), int((gap == 0).sum()))
            pane.counts[pane.layout.told] = told
        self._learn(ours, theirs)

    def _cells(self, codes: Codes) -> npt.NDArray[np.int64]:
        """In which cell of the chosen table each row lies, shape (rows,)."""
        a, b, c = codes[self._tables[self._chosen]].astype(np.int64)
        return np.asarray((a * LEVELS + b) * LEVELS + c, np.int64)

    def _learn(self, ours: Codes, theirs: Codes) -> None:
        for known, codes in ((self._ours, ours), (self._theirs, theirs)):
            np.multiply(known, KEEPS, out=known)
            tally_tables(codes, self._tables, LEVELS, known)
        both = (self._ours + self._theirs) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = self._ours * np.log(self._ours / both), self._theirs * np.log(self._theirs / both)
        deviance = 2 * sum(np.nan_to_num(part, nan=0.0, neginf=0.0).sum(axis=1) for part in parts)
        df = np.maximum((both > 0).sum(axis=1) - 1, 1)
        self._chosen = int(np.argmax((deviance - df) / np.sqrt(2 * df)))


def _by_column(codes: Codes) -> Codes:
    """The levels by column, and one column behind them that says nothing, shape (columns + 1, rows)."""
    return np.ascontiguousarray(np.vstack([codes.T, np.zeros((1, len(codes)), np.uint8)]))


def _tables(columns: int) -> npt.NDArray[np.int64]:
    """Which columns each table has, shape (tables, TOGETHER); fewer are made up by the column that says nothing."""
    if columns < TOGETHER:
        whole = [*range(columns), *[columns] * (TOGETHER - columns)]
        return np.array([whole] if columns else [], np.int64).reshape(-1, TOGETHER)
    if columns * (columns - 1) * (columns - 2) <= 6 * MOST_TABLES:
        return np.array(list(combinations(range(columns), TOGETHER)), np.int64)
    rng = np.random.default_rng(columns)
    drawn = np.argsort(rng.random((MOST_TABLES, columns)), axis=1)[:, :TOGETHER]
    return np.unique(np.sort(drawn, axis=1), axis=0).astype(np.int64)
