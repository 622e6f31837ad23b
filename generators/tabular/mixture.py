"""A finite mixture: every row is of one of some kinds, and within a kind the columns are independent."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Self

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.base import Generator, too_small
from generators.columns import place
from generators.cost import Cost, Learns
from generators.discrete.carry import Cut, carried, carried_kinds
from generators.discrete.cells import CellColumns, Cells, Codes, cells_of
from generators.discrete.expectation import Kinds, fit_mixture, log_chances, update_mixture
from generators.given import Held, alike, arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.search import Range, Span
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import TableSchema

ROWS_A_KIND = 40
"""There are at most so many kinds that each has this many rows."""

Floats = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def _draw(
    kinds: npt.NDArray[np.int64],
    by_kind: npt.NDArray[np.int64],
    u: Floats,
    upto: Floats,
    ends: npt.NDArray[np.int64],
    spans: Floats,
    pieces: tuple[Floats, npt.NDArray[np.int32]],
) -> tuple[Codes, Floats]:
    """Draw one column: the cell of each row by its kind, and the value within the cell.

    Args:
        kinds: the kind of each row, shape (n,).
        by_kind: the rows in the order of their kinds, so that each kind's chances are fetched once, shape (n,).
        u: a uniform a row, shape (n,).
        upto: by kind the probability of each of the column's cells and those before it, shape (kinds, all cells).
        ends: where the column's cells begin and end.
        spans: where each cell's part of the marginal begins, and how much of it that is, shape (all cells, 2).
        pieces: the table of `Pieces`, and the column's row of its guide; that is empty for invented values.
    """
    table, guide = pieces
    n, first, last = len(kinds), ends[0], ends[1] - 1
    cells, places = np.empty(n, np.int32), np.zeros(n)
    below_one = 1.0 - 2.0**-53
    for i in by_kind:
        row, v = upto[kinds[i]], u[i]
        a, b = first, last
        while a < b:
            middle = (a + b) >> 1
            if row[middle] <= v:
                a = middle + 1
            else:
                b = middle
        cells[i] = a - first
        if len(guide) == 0:
            continue
        before = row[a - 1] if a > first else 0.0
        share = row[a] - before
        within = (v - before) / share if share > 0.0 else 0.0
        places[i] = place(min(max(spans[a, 0] + within * spans[a, 1], 0.0), below_one), table, guide)
    return cells, places


class Mixture(Generator):
    """Latent classes over cells of columns, fitted by EM.

    Conditioning is exact: given columns weigh the kinds by Bayes' rule, and leave the other columns to the kind.
    Source: McLachlan and Peel 2000, "Finite Mixture Models", 2.

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
        cells: what the columns are cut into.
        kinds: how likely each kind is, and each cell within it.
    """

    UPDATES: ClassVar[bool] = True
    HELP: ClassVar[str] = "mixture of independent kinds of rows; fits in seconds, draws fast, exact conditions"
    LEARNS: ClassVar[Learns] = Learns.GROUPS
    COST: ClassVar[Cost] = Cost(1.0, 10.0, 0.07)
    FEWEST_ROWS: ClassVar[int] = 2 * ROWS_A_KIND
    SETTINGS: ClassVar[Mapping[str, Any]] = {"components": 256, "cells": 64, "max_seconds": 8.0}
    SEARCH: ClassVar[Mapping[str, Range]] = {
        "components": Span(16, 1_024, log=True),
        "cells": Span(16, 200, log=True),
    }

    def __init__(
        self, schema: TableSchema, profile: Profile, surrogates: Surrogates, cells: Cells, kinds: Kinds
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._cells, self._kinds = cells, kinds
        self._upto = _upto(cells, kinds.chances)
        self._shares = kinds.shares.astype(np.float64) / kinds.shares.sum(dtype=np.float64)
        self._columns = CellColumns(schema, profile, cells)

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Learn the kinds, or go on from those of an artifact, as many as it has.

        Raises:
            InputError: settings that make no sense, all at once; or an artifact of other columns altogether.
        """
        schema, profile, settings = task.schema, task.profile, task.settings
        faults = too_small(settings, {"components": 1, "cells": 2, "max_seconds": 0.0})
        if faults:
            raise InputError(*faults)
        surrogates = task.surrogates()
        cells = cells_of(schema, profile, settings["cells"])
        codes = cells.codes(task.table, schema, profile)
        if task.start is not None and task.start.before is not None:
            before = task.start.before.fitted
            assert isinstance(before, cls)
            found = carried(Cut(before.schema, before.profile, before._cells), Cut(schema, profile, cells))
            begun = carried_kinds(before._kinds, found, cells)
            seconds = settings["max_seconds"]
            kinds = update_mixture(codes, cells, begun, before.profile.rows, seconds, task.seed, task.progress)
            return cls(schema, profile, surrogates, cells, kinds)
        most = min(settings["components"], max(1, len(codes) // ROWS_A_KIND))
        kinds = fit_mixture(codes, cells, most, settings["max_seconds"], task.seed, task.progress)
        return cls(schema, profile, surrogates, cells, kinds)

    @property
    def width(self) -> int:
        """One uniform for the kind, one a column, then those of the invented values."""
        return 1 + len(self._cells.columns) + self.surrogates.width

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`. Exact whatever is given."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        cells, of_row = self._cells, self._kinds_of(uniforms[:, 0], held)
        by_kind = _sorted(of_row, len(self._shares))
        drawn = {
            j: self._draw(j, of_row, by_kind, np.ascontiguousarray(uniforms[:, 1 + j]))
            for j, at in enumerate(cells.columns.tolist())
            if at not in held
        }
        return self._columns.batch(
            self.surrogates.draw(uniforms[:, 1 + len(cells.columns) :], arrays_of(held)), drawn, held
        )

    def _draw(
        self, j: int, of_row: npt.NDArray[np.int64], by_kind: npt.NDArray[np.int64], u: Floats
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The values of one column, and where there are any."""
        cells, drawn = self._cells, int(self._cells.drawn[j])
        guide = cells.pieces.guide[drawn] if drawn >= 0 else np.empty(0, np.int32)
        span, pieces = cells.first[j : j + 2], (cells.pieces.table, guide)
        codes, places = _draw(of_row, by_kind, u, self._upto, span, cells.spans, pieces)
        return places, codes != cells.null[j]

    def log_likelihood(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """How likely rows are, exactly; see `Sampler.log_likelihood`."""
        return log_chances(self._cells.codes(table, self.schema, self.profile), self._cells, self._kinds)

    def _kinds_of(self, u: Floats, held: Mapping[int, Held]) -> npt.NDArray[np.int64]:
        """The kind of each row: by the kinds' shares, and what the held columns say of them."""
        known = [(j, held[at]) for j, at in enumerate(self._cells.columns.tolist()) if at in held]
        codes = [self._columns.codes(j, column) for j, column in known]
        first, asked = alike(codes, len(u))
        weights = np.tile(self._shares, (len(first), 1))
        for (j, _), each in zip(known, codes, strict=True):
            told = each[first] >= 0
            weights[told] *= self._kinds.chances[:, self._cells.first[j] + each[first][told]].T
            weights /= weights.max(axis=1, keepdims=True)
        upto = np.cumsum(weights, axis=1)
        upto /= upto[:, -1:]
        return _chosen(upto, asked, u)

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The kinds, how finely numbers were cut, and the pools of invented values."""
        kinds = {"shares": self._kinds.shares, "chances": self._kinds.chances}
        return {**kinds, "cells": np.array([self._cells.fineness]), **self.surrogates.weights()}

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        cells = cells_of(schema, profile, int(weights["cells"][0]))
        kinds = Kinds(weights["shares"], weights["chances"])
        return cls(schema, profile, Surrogates.from_weights(weights, schema, profile), cells, kinds)


@numba.njit(cache=True, nogil=True)
def _chosen(upto: Floats, of_row: npt.NDArray[np.int64], u: Floats) -> npt.NDArray[np.int64]:
    """The kind of each row, from the distribution that it has."""
    kinds = np.empty(len(u), np.int64)
    for i in range(len(u)):
        kinds[i] = min(np.searchsorted(upto[of_row[i]], u[i], side="right"), upto.shape[1] - 1)
    return kinds


@numba.njit(cache=True, nogil=True)
def _sorted(kinds: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The rows in the order of their kinds, shape (n,), counted into place."""
    at = np.zeros(count + 1, np.int64)
    for kind in kinds:
        at[kind + 1] += 1
    at = np.cumsum(at)
    rows = np.empty(len(kinds), np.int64)
    for i in range(len(kinds)):
        rows[at[kinds[i]]] = i
        at[kinds[i]] += 1
    return rows


def _upto(cells: Cells, chances: npt.NDArray[np.float32]) -> Floats:
    """By kind the probability of each cell and those of its column before it, shape (kinds, cells)."""
    upto = np.empty(chances.shape)
    for start, end in pairwise(cells.first.tolist()):
        upto[:, start:end] = np.cumsum(chances[:, start:end], axis=1, dtype=np.float64)
        upto[:, start:end] /= upto[:, end - 1 : end]
    return upto


GENERATOR = Mixture
