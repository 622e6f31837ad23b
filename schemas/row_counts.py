"""What is counted of rows, by panes and references alike: cells, pairs of coarse cells, moments of scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.bins import DEFAULT_CELLS, Bins, bins_of
from schemas.cell_kernels import coarsen, spread_scores, tally, tally_pairs
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import Column

COUNTS_FORMAT = 2
"""Version of the JSON form written by `RowCounts.to_json`."""

COARSE_CELLS = 16
"""How many coarse cells a column has at the most."""

RANKS = 1_000
"""How many ranks a score tells apart."""

Longs = npt.NDArray[np.int64]
Pair = tuple[str, str]
"""Two columns."""


def coarse_cells(bins: Bins) -> npt.NDArray[np.uint8]:
    """Merge a column's cells to at most `COARSE_CELLS` of about equal probability.

    Cells that rise are merged with their neighbours; of values the most frequent stay by themselves and the others
    become one. Null, and values never seen in training, stay by themselves.

    Args:
        bins: the column's cells.

    Returns:
        The coarse cell of each cell, shape (bins.size,); null's is the last.
    """
    if bins.size <= COARSE_CELLS:
        return np.arange(bins.size, dtype=np.uint8)
    groups = np.zeros(bins.size, np.int64)
    if bins.unseen is None:
        share = bins.expected[:-1] / max(float(bins.expected[:-1].sum()), 1e-300)
        middle = np.cumsum(share) - share / 2
        groups[:-1] = np.minimum(middle * (COARSE_CELLS - 1), COARSE_CELLS - 2).astype(np.int64)
        groups[:-1] = np.unique(groups[:-1], return_inverse=True)[1]
    else:
        kept = COARSE_CELLS - 3
        frequent = np.argsort(-bins.expected[: bins.unseen], kind="stable")[:kept]
        groups[: bins.unseen] = kept
        groups[frequent] = np.arange(kept)
        groups[bins.unseen] = kept + 1
    groups[-1] = groups[:-1].max() + 1
    return groups.astype(np.uint8)


def scores(bins: Bins) -> Longs:
    """A whole number for each cell of a column whose cells rise, shape (bins.size,).

    It is the cell's middle rank by the profile, counted from the median in `RANKS`ths, so that correlations of scores
    are rank correlations. Null has 0: it adds nothing to a sum.
    """
    share = bins.expected[:-1] / max(float(bins.expected[:-1].sum()), 1e-300)
    ranks = np.rint(RANKS * (np.cumsum(share) - share / 2 - 0.5)).astype(np.int64)
    return np.append(ranks, 0)


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of products of scores, exact: what correlations are worked out from.

    Args:
        columns: the columns that have scores.
        nullable: those of them that may be null, in the same order; each has a 1 where it is present.
        gram: sums over rows of the products of all pairs of: the number 1, the columns' scores, the nullable columns'
            presence; symmetric, int64, shape (1 + columns + nullable,) twice.
        squares: sums of the squares of the columns' scores where each nullable column is present, shape (columns,
            nullable).
    """

    columns: tuple[str, ...]
    nullable: tuple[str, ...]
    gram: Longs
    squares: Longs

    @cached_property
    def correlations(self) -> tuple[npt.NDArray[np.float64], Longs]:
        """Pearson's correlations of the scores of all pairs of columns over the rows where both are present.

        Not a number where a column does not vary. With how many rows those are; both of shape (columns, columns).
        """
        gram, x, p = self.gram, self.score(self.columns), self.presence(self.columns)
        both = gram[np.ix_(p, p)]
        n = np.maximum(both, 1).astype(np.float64)
        sums = gram[np.ix_(x, p)]  # of a column's scores where the other is present
        covariance = gram[np.ix_(x, x)] / n - sums / n * (sums.T / n)
        squares = np.repeat(np.diag(gram)[x][:, None], len(x), axis=1)
        squares[:, p > 0] = self.squares[:, [self.nullable.index(n) for n in self.columns if n in self.nullable]]
        variance = np.maximum(squares / n - (sums / n) ** 2, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = covariance / np.sqrt(variance * variance.T)
        return np.where(np.isfinite(r), np.clip(r, -1.0, 1.0), np.nan), both

    def score(self, names: Iterable[str]) -> npt.NDArray[np.intp]:
        """Where in the sums the scores of columns lie."""
        return np.array([1 + self.columns.index(name) for name in names], np.intp)

    def presence(self, names: Iterable[str]) -> npt.NDArray[np.intp]:
        """Where in the sums the presence of columns lies: at the number 1 for those that are never null."""
        behind = 1 + len(self.columns)
        return np.array([behind + self.nullable.index(n) if n in self.nullable else 0 for n in names], np.intp)

    def of(self, names: Sequence[str]) -> Moments:
        """The sums of some of the columns alone."""
        nullable = tuple(name for name in names if name in self.nullable)
        at = np.concatenate([np.zeros(1, np.intp), self.score(names), self.presence(nullable)])
        chosen = [self.nullable.index(name) for name in nullable]
        squares = self.squares[np.ix_(self.score(names) - 1, np.array(chosen, np.intp))]
        return Moments(tuple(names), nullable, self.gram[np.ix_(at, at)], squares)


@dataclass(frozen=True, eq=False)
class RowCounts:
    """The counts of some rows.

    Args:
        rows: how many rows were counted.
        columns: by column, rows in each cell of its bins, shape (cells,).
        pairs: by pair of columns, rows in each pair of coarse cells, shape (cells of one, cells of the other).
        moments: the sums of products of scores.
    """

    rows: int
    columns: Mapping[str, Longs]
    pairs: Mapping[Pair, Longs]
    moments: Moments

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back to equal counts."""
        moments = self.moments
        return {
            "format": COUNTS_FORMAT,
            "rows": self.rows,
            "columns": {name: counts.tolist() for name, counts in self.columns.items()},
            "pairs": [[*pair, counts.tolist()] for pair, counts in self.pairs.items()],
            "moments": {
                "columns": moments.columns,
                "nullable": moments.nullable,
                "sums": moments.gram[np.triu_indices(len(moments.gram))].tolist(),
                "squares": moments.squares.tolist(),
            },
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> RowCounts:
        """Read what `to_json` wrote.

        Raises:
            InputError: another format than this program knows.
        """
        if form.get("format", 1) != COUNTS_FORMAT:
            raise InputError(
                f"reference format={form.get('format', 1)}: expected {COUNTS_FORMAT}; train the model again"
            )
        moments = form["moments"]
        columns, nullable = tuple(moments["columns"]), tuple(moments["nullable"])
        gram = _symmetric(np.array(moments["sums"], np.int64), 1 + len(columns) + len(nullable))
        return cls(
            int(form["rows"]),
            {name: np.array(counts, np.int64) for name, counts in form["columns"].items()},
            {(a, b): np.array(counts, np.int64) for a, b, counts in form["pairs"]},
            Moments(
                columns, nullable, gram, np.array(moments["squares"], np.int64).reshape(len(columns), len(nullable))
            ),
        )


def _symmetric(sums: Longs, size: int) -> Longs:
    """The matrix that an upper triangle, row by row, is of."""
    gram = np.zeros((size, size), np.int64)
    gram[np.triu_indices(size)] = sums
    return np.asarray(gram + np.triu(gram, 1).T, np.int64)


class RowLayout:
    """Which count of rows lies where in one vector of int64; the first is how many rows there are.

    Args:
        columns: the columns counted.
        profile: the training data's profile, which gives every column its cells.
        pairs: which pairs of columns are counted.
        cells: about how many cells a numeric column gets.
    """

    def __init__(
        self, columns: Iterable[Column], profile: Profile, pairs: Sequence[Pair] = (), cells: int = DEFAULT_CELLS
    ) -> None:
        self.bins: dict[str, Bins] = {c.name: bins_of(c, profile[c.name], cells) for c in columns}
        self.scored = tuple(name for name, bins in self.bins.items() if bins.ordered)
        self.nullable = tuple(name for name in self.scored if self.bins[name].column.nullable)
        self._weights = [scores(self.bins[name]).astype(np.float64) for name in self.scored]
        self._present = [_presence(self.bins[name]) for name in self.nullable]
        self._order = 1 + len(self.scored) + len(self.nullable)
        self._triangle = np.triu_indices(self._order)
        self._place = {name: i for i, name in enumerate(self.bins)}
        paired = {name: coarse_cells(self.bins[name]) for name in dict.fromkeys(n for pair in pairs for n in pair)}
        widths = {name: int(groups[-1]) + 1 for name, groups in paired.items()}
        sizes = [
            len(self._triangle[0]) + len(self.scored) * len(self.nullable),
            *(bins.size for bins in self.bins.values()),
            *(widths[a] * widths[b] for a, b in pairs),
        ]
        ends = np.cumsum(sizes).tolist()
        parts = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.size: int = ends[-1]
        self.moments = parts[0]
        self.cells: dict[str, slice] = dict(zip(self.bins, parts[1:], strict=False))
        self.pairs: dict[Pair, slice] = dict(zip(pairs, parts[1 + len(self.bins) :], strict=True))
        self.shapes: dict[Pair, tuple[int, int]] = {(a, b): (widths[a], widths[b]) for a, b in pairs}
        self._groups = list(paired.items())
        row = {name: i for i, name in enumerate(paired)}
        wheres = [(row[a], row[b], widths[b], where.start) for (a, b), where in self.pairs.items()]
        self._pairs: Longs = np.array(wheres, np.int64).reshape(len(pairs), 4)
        self._starts: Longs = np.array([where.start for where in self.cells.values()], np.int64)

    def add(self, batch: pa.RecordBatch, slots: Longs, counts: Longs) -> None:
        """Count a batch.

        Args:
            batch: has every column, shape (rows,).
            slots: which row of `counts` each row is added to, shape (rows,); shape (0,) when all go to the first.
            counts: added to, shape (slots, at least size).
        """
        self.add_codes(self.codes(batch), slots, counts)

    def codes(self, batch: pa.RecordBatch) -> npt.NDArray[np.int32]:
        """The cells of a batch's rows, in the columns' order, shape (columns, rows)."""
        codes = np.empty((len(self.bins), batch.num_rows), np.int32)
        for place, (name, bins) in enumerate(self.bins.items()):
            bins.code(batch.column(name), codes[place])
        return codes

    def add_codes(self, codes: npt.NDArray[np.int32], slots: Longs, counts: Longs) -> None:
        """Count rows that are cells already.

        Args:
            codes: the cell of each row, in the columns' order, shape (columns, rows).
            slots: as of `add`.
            counts: as of `add`.
        """
        tally(codes, slots, self._starts, counts)
        if self.pairs:
            coarse = np.empty((len(self._groups), codes.shape[1]), np.uint8)
            for row, (name, groups) in enumerate(self._groups):
                coarsen(codes[self._place[name]], groups, coarse[row])
            tally_pairs(coarse, slots, self._pairs, counts)
        self._add_moments(codes, slots, counts)

    def _add_moments(self, codes: npt.NDArray[np.int32], slots: Longs, counts: Longs) -> None:
        """Add products up as doubles: whole numbers below 2^53 are exact in them, in whatever order they are added."""
        values = np.ones((self._order, codes.shape[1]))
        listed = [*zip(self.scored, self._weights, strict=True), *zip(self.nullable, self._present, strict=True)]
        for row, (name, cells) in enumerate(listed, 1):
            spread_scores(codes[self._place[name]], cells, values[row])
        if len(slots) == 0:
            counts[0, self.moments] += self._products(values)
            return
        order = np.argsort(slots, kind="stable")
        ends = np.cumsum(np.bincount(slots, minlength=len(counts))).tolist()
        values = values[:, order]
        for slot, (start, stop) in enumerate(zip([0, *ends], ends, strict=False)):
            if start < stop:
                counts[slot, self.moments] += self._products(values[:, start:stop])

    def _products(self, values: npt.NDArray[np.float64]) -> Longs:
        scored = values[1 : 1 + len(self.scored)]
        squares = scored**2 @ values[1 + len(self.scored) :].T
        return np.concatenate([(values @ values.T)[self._triangle], squares.ravel()]).astype(np.int64)

    def moments_of(self, counts: Longs) -> Moments:
        """The sums of products in a vector of counts, shape (at least size,)."""
        sums, squares = np.split(counts[self.moments], [len(self._triangle[0])])
        shape = len(self.scored), len(self.nullable)
        return Moments(self.scored, self.nullable, _symmetric(sums, self._order), squares.reshape(shape))

    def pair_of(self, counts: Longs, pair: Pair) -> Longs:
        """The counts of a pair in a vector of counts, shape (cells of one, cells of the other)."""
        return counts[self.pairs[pair]].reshape(self.shapes[pair])

    def read(self, counts: Longs) -> RowCounts:
        """What a vector of counts says, shape (at least size,)."""
        return RowCounts(
            int(counts[0]),
            {name: counts[where] for name, where in self.cells.items()},
            {pair: self.pair_of(counts, pair) for pair in self.pairs},
            self.moments_of(counts),
        )


def _presence(bins: Bins) -> npt.NDArray[np.float64]:
    present = np.ones(bins.size)
    present[bins.null] = 0.0
    return present
