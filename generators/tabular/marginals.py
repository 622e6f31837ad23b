"""Independent columns: each as its profile says, none knowing of another. The honest baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.base import Generator
from generators.columns import Columns, column_parts, intervals_of, pieces_of, place, without
from generators.cost import Cost, Learns
from generators.given import arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.task import Task
from schemas.profile import Profile
from schemas.table import TableSchema


@numba.njit(cache=True, nogil=True)
def _place_all(
    u: npt.NDArray[np.float64], table: npt.NDArray[np.float64], guide: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    n, d = u.shape
    drawn = np.empty((d, n))
    for j in range(d):
        for i in range(n):
            drawn[j, i] = place(u[i, j], table, guide[j])
    return drawn


class Marginals(Generator):
    """Every column drawn on its own from the profile.

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
    """

    HELP: ClassVar[str] = "independent columns; instant, keeps no relation between them"
    LEARNS: ClassVar[Learns] = Learns.MARGINALS
    COST: ClassVar[Cost] = Cost(0.5, 1.0, 0.05)
    SETTINGS: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, schema: TableSchema, profile: Profile, surrogates: Surrogates) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._drawn = [i for i, column in enumerate(schema) if not column.is_surrogate]
        pairs = [(schema.columns[i], profile.columns[i]) for i in self._drawn]
        self._columns = Columns(pairs)
        self._pieces = pieces_of([column_parts(*pair) for pair in pairs])

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Learn nothing beyond the profile but the pools of invented values."""
        fitted = cls(task.schema, task.profile, task.surrogates())
        task.progress(1.0, "marginals")
        return fitted

    @property
    def width(self) -> int:
        """One uniform a column tells both whether there is a value and which."""
        return len(self.schema.columns) + self.surrogates.width

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        count = len(self.schema.columns)
        null = np.array([column.null_share for column in self.profile])
        null[list(held)] = 0.0
        present = uniforms[:, :count] >= null
        within = np.where(null < 1.0, (uniforms[:, :count] - null) / np.where(null < 1.0, 1.0 - null, 1.0), 0.0)
        within = within.clip(0.0, np.nextafter(1.0, 0.0))[:, self._drawn]
        drawn = _place_all(within, self._pieces.table, self._pieces.guide)
        arrays = self.surrogates.draw(uniforms[:, count:], arrays_of(held))
        for i, column in held.items():
            present[:, i] = column.present
            if i in arrays:
                arrays[i] = column.values
            else:
                j = self._drawn.index(i)
                intervals_of(
                    self.schema.columns[i], self.profile.columns[i], self._pieces, j, (column.values, column.places)
                )
                drawn[j] = column.places
        arrays = {i: without(a, present[:, i]) for i, a in arrays.items()}
        for j, i in enumerate(self._drawn):
            arrays[i] = self._columns.array(j, drawn[j], None if null[i] == 0.0 and i not in held else present[:, i])
        return pa.record_batch([arrays[i] for i in range(count)], schema=self.schema.arrow_schema)

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The pools of invented values."""
        return self.surrogates.weights()

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        return cls(schema, profile, Surrogates.from_weights(weights, schema, profile))


GENERATOR = Marginals
