"""A pool of rows that another model drew, weighed until they are hardly told from the table's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import generators
from generators.base import Generator, too_small
from generators.cost import Cost, Learns
from generators.discrete.cells import CellColumns, Cells, Codes, cells_of
from generators.discrete.odds import corrected
from generators.discrete.pool import NONE, Pool
from generators.discrete.raking import Asked, raked
from generators.given import Held, arrays_of, held_columns
from generators.search import Choice, Range, Span
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import TableSchema

LEAST: Mapping[str, float] = {
    "pool": 1_000,
    "trees": 0,
    "pairs": 0,
    "rounds": 0,
    "cells": 2,
    "max_seconds": 0,
    "max_epochs": 1,
}

AT_ONCE = 16_384
"""So many rows of the pool are drawn at once."""

BEHIND = "behind."
"""What the names of the other model's arrays begin with."""


class Hybrid(Generator):
    """Rows of cells that another model drew, with weights by which they are as a table's are.

    Trees tell rows of the pool from real ones, and their odds are the first weights; these are raked to the table's
    marginals and strongest pairs. Both stop where rows held back say so.

    Where columns are given, rows are drawn among those of the pool that have them; where too few do, by the other
    model. Values inside cells are drawn from the marginal, so that a row of the pool may come again and again.

    Source: Grover et al. 2019, "Bias correction of learned generative models using likelihood-free importance
    weighting"; Deming and Stephan 1940, "On a least squares adjustment of a sampled frequency table".

    Args:
        schema: what the columns are.
        profile: their marginals.
        cells: what they are cut into.
        pool: rows of cells.
        behind: the model that drew them, and its name.
    """

    HELP: ClassVar[str] = "rows that another model drew, weighed until hardly told from real ones; needs no torch"
    CONDITIONS_OFF: ClassVar[float] = 0.15
    UPDATES: ClassVar[bool] = True
    RESUMES: ClassVar[bool] = True
    ACCELERATES: ClassVar[bool] = True
    LEARNS: ClassVar[Learns] = Learns.ROWS
    COST: ClassVar[Cost] = Cost(15.0, 60.0, 0.06)
    STOPS: ClassVar[bool] = False
    FEWEST_ROWS: ClassVar[int] = 500
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "model": "tabular.mixture",
        "pool": 131_072,
        "trees": 2,
        "pairs": 200,
        "rounds": 40,
        "cells": 100,
        "max_seconds": 30.0,
        "max_epochs": 1_000,
    }
    SEARCH: ClassVar[Mapping[str, Range]] = {"pairs": Span(20, 400, log=True), "trees": Choice((0, 1, 2, 3))}

    def __init__(
        self, schema: TableSchema, profile: Profile, cells: Cells, pool: Pool, behind: tuple[str, Generator]
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, behind[1].surrogates
        self._cells, self._pool, self._columns = cells, pool, CellColumns(schema, profile, cells)
        self._name, self._behind = behind

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Train the other model, draw the pool and weigh it.

        Raises:
            InputError: settings that make no sense; or the other model can not be trained, or not like that.
        """
        settings, name = task.settings, task.settings["model"]
        faults = too_small(settings, LEAST)
        if name not in generators.names() or generators.load(name) is cls:
            able = [other for other in generators.names() if other != "tabular.hybrid"]
            faults.append(f"model={name}: must be another model; choose one of {', '.join(able)}")
        if faults:
            raise InputError(*faults)
        behind = generators.load(name).fit(cls._task(task, generators.load(name)))
        cells = cells_of(task.schema, task.profile, settings["cells"])
        codes, rows = cls._pool_of(behind, cells, task), cells.codes(task.table, task.schema, task.profile)
        task.progress(1.0, "weighing a pool of rows")
        even = np.full(len(codes), 1 / len(codes))
        weights = corrected(codes, even, rows, cells, settings["trees"], task.seed)
        weights, how = raked(codes, weights, rows, cells, Asked(settings["pairs"], settings["rounds"], task.seed))
        kept = codes.astype(np.min_scalar_type(int(codes.max(initial=0))))
        model = cls(task.schema, task.profile, cells, Pool(kept, weights.astype(np.float32)), (name, behind))
        counted = float(1 / (weights**2).sum() / len(weights))
        model.found = {"pool": {"counted": round(counted, 4), **({} if how is None else how.to_json())}, **behind.found}
        return model

    @staticmethod
    def _pool_of(behind: Generator, cells: Cells, task: Task) -> Codes:
        """The cells of rows that the other model draws, shape (pool, d)."""
        task.progress(1.0, "drawing a pool of rows")
        rng, size, parts = np.random.Generator(np.random.Philox(task.seed)), task.settings["pool"], []
        for low in range(0, size, AT_ONCE):
            rows = min(AT_ONCE, size - low)
            drawn = behind.sample(rows, rng.random((rows, behind.width)))
            parts.append(cells.codes(pa.Table.from_batches([drawn]), task.schema, task.profile))
        return np.concatenate(parts)

    @classmethod
    def _task(cls, task: Task, other: type[Generator]) -> Task:
        """The other model's task: its own settings, but for those that are set here."""
        name = task.settings["model"]
        settings = {key: task.settings.get(key, value) for key, value in other.SETTINGS.items()}
        if task.start is None:
            return replace(task, settings=settings)
        before = task.start.before
        if before is not None:
            fitted = before.fitted
            assert isinstance(fitted, cls)
            if fitted._name != name:
                raise InputError(f"model={name}: the artifact's pool is of {fitted._name}; --set model={fitted._name}")
            before = replace(before, model=name, generator=fitted._behind)
        return replace(task, settings=settings, start=replace(task.start, model=name, before=before))

    @property
    def width(self) -> int:
        """A uniform for the row, one a column, then those of the invented values; or as many as the other model's."""
        return max(1 + len(self._cells.columns) + self.surrogates.width, self._behind.width)

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        cells, columns = self._cells, self._cells.columns.tolist()
        known = {j: self._columns.codes(j, held[at]) for j, at in enumerate(columns) if at in held}
        rows, drawn = self._pool.draw(uniforms[:, 0], known), {}
        for j, at in enumerate(columns):
            if at not in held:
                codes = self._pool.codes[rows, j].astype(np.int32)
                into = np.ascontiguousarray(uniforms[:, 1 + j])
                drawn[j] = cells.values(j, codes, into), codes != cells.null[j]
        few = np.flatnonzero(rows == NONE)
        other = self._drawn_behind(few, uniforms, held) if len(few) else None
        invented = self.surrogates.draw(uniforms[:, 1 + len(columns) :], arrays_of(held))
        if other is not None:
            for j in drawn:
                if int(columns[j]) in invented:
                    drawn[j][1][few] = other.column(columns[j]).is_valid().to_numpy(zero_copy_only=False)
        batch = self._columns.batch(invented, drawn, held)
        return batch if other is None else _replaced(batch, few, other, frozenset(invented))

    def _drawn_behind(
        self, rows: npt.NDArray[np.int64], uniforms: npt.NDArray[np.float64], held: Mapping[int, Held]
    ) -> pa.RecordBatch:
        """Some rows as the other model draws them."""
        given = {self.schema.names[at]: column.values.take(rows) for at, column in held.items()}
        return self._behind.sample(len(rows), uniforms[rows, : self._behind.width], given)

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The pool, its weights, how finely numbers were cut, and the other model."""
        behind = {BEHIND + name: array for name, array in self._behind.weights().items()}
        pool = {"pool": self._pool.codes, "pool_weights": self._pool.weights}
        name = np.frombuffer(self._name.encode(), np.uint8)
        return {**pool, "pool_cells": np.array([self._cells.fineness]), "model": name, **behind}

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        name = weights["model"].tobytes().decode()
        arrays = {key.removeprefix(BEHIND): array for key, array in weights.items() if key.startswith(BEHIND)}
        behind = generators.load(name).from_weights(arrays, schema, profile)
        cells = cells_of(schema, profile, int(weights["pool_cells"][0]))
        return cls(schema, profile, cells, Pool(weights["pool"], weights["pool_weights"]), (name, behind))


def _replaced(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], other: pa.RecordBatch, but: frozenset[int]
) -> pa.RecordBatch:
    """A batch, some of its rows replaced by those of another, but for the values in some columns."""
    both = pa.Table.from_batches([batch, other]).unify_dictionaries().combine_chunks()
    places = np.arange(batch.num_rows)
    places[rows] = batch.num_rows + np.arange(len(rows))
    taken = both.take(places).combine_chunks().to_batches()[0]
    arrays = [batch.column(at) if at in but else taken.column(at) for at in range(batch.num_columns)]
    return pa.record_batch(arrays, schema=batch.schema)


GENERATOR = Hybrid
