"""What generators do that draw a table's cells by a network, one column after the other, the target last."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.base import Generator
from generators.discrete.carry import Begun, Cut, carried, carried_network
from generators.discrete.cells import CellColumns, Cells, Codes, Floats, cells_of, codes_of
from generators.discrete.columnwise import Ints, N
from generators.discrete.target import Growth, fit_head, target_of
from generators.discrete.trees import Head, Trees
from generators.given import arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.start import Start
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import Role, TableSchema


class Sequential(Generator, Generic[N]):
    """Columns cut into cells and drawn one after the other, the target last.

    Given columns come first: the network has learned to begin with any of them. So what follows is the network's
    estimate of the conditional distribution, not Bayes' rule on its own joint one.
    A target of few cells is drawn by boosted trees instead, where these tell it better (`discrete/target.py`).

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
        cells: what the columns are cut into.
        network: gives the chances of a column's cells.
        trees: give those of the target's, once all other columns are known; None where the network does.
    """

    NAME: ClassVar[str]
    """The generator's own name."""

    CONDITIONS_OFF: ClassVar[float] = 0.15
    UPDATES: ClassVar[bool] = True
    RESUMES: ClassVar[bool] = True
    ACCELERATES: ClassVar[bool] = True

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        surrogates: Surrogates,
        cells: Cells,
        network: N,
        trees: Trees | None = None,
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._cells, self._network, self._head = cells, network, None if trees is None else Head(trees)
        self._columns, self._walk = CellColumns(schema, profile, cells), network.walk(cells.first)
        self._order = drawing_order(schema, cells)

    @classmethod
    @abstractmethod
    def check(cls, settings: Mapping[str, Any]) -> list[str]:
        """A line for each setting that makes no sense."""

    @classmethod
    @abstractmethod
    def network_of(cls, weights: Mapping[str, npt.NDArray[Any]]) -> N:
        """The network among an artifact's arrays."""

    @classmethod
    @abstractmethod
    def differing(cls, network: N, settings: Mapping[str, Any]) -> list[str]:
        """A line for each setting that a network to begin with was not trained by."""

    @classmethod
    @abstractmethod
    def trained(cls, codes: Codes, cells: Cells, order: Ints, task: Task, begun: Begun[N]) -> tuple[N, Ints]:
        """Train a network; torch is imported here.

        Returns:
            The network, and which rows it did not learn from.
        """

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Train the network from where `start` says.

        Raises:
            InputError: settings that make no sense, all at once; torch is not installed; or the checkpoint is of
                another training.
        """
        schema, profile, settings = task.schema, task.profile, task.settings
        faults = cls.check(settings)
        if faults:
            raise InputError(*faults)
        surrogates = task.surrogates()
        cells = cells_of(schema, profile, settings["cells"])
        codes = codes_of(task.rows, cells, schema, profile, task.progress)
        start = Start(cls.NAME) if task.start is None else task.start
        begun = Begun(start.keep, cls._begun(start, Cut(schema, profile, cells), settings), start.gently, start.device)
        order, target = drawing_order(schema, cells), target_of(schema, cells)
        try:
            network, held_back = cls.trained(codes, cells, order, task, begun)
        except ModuleNotFoundError as error:
            raise InputError(
                f"model={cls.NAME}: training it needs {error.name}; pip install 'synthstream[nn]', "
                "or choose tabular.mixture, which needs nothing more"
            ) from None
        if target is None or not settings["head"] or task.rows.is_long:  # of so many rows the network tells it as well
            return cls(schema, profile, surrogates, cells, network)
        task.progress(1.0, "trees for the target")
        growth = Growth(task.seed, settings["max_seconds"])
        trees, found = fit_head(codes, cells, target, order, network.walk(cells.first), held_back, growth)
        model = cls(schema, profile, surrogates, cells, network, trees)
        model.found = found
        return model

    @classmethod
    def _begun(cls, start: Start, now: Cut, settings: Mapping[str, Any]) -> N | None:
        """The network to begin with, if there is one; NaN where it knows nothing.

        Raises:
            InputError: it is of other settings, or of other columns altogether.
        """
        if start.before is None:
            return None
        before = start.before.fitted
        assert isinstance(before, cls)
        faults = cls.differing(before._network, settings)
        if faults:
            raise InputError(*faults)
        was = Cut(before.schema, before.profile, before._cells)
        return carried_network(before._network, carried(was, now), now.cells)

    @property
    def width(self) -> int:
        """One uniform a column, then those of the invented values."""
        return len(self._cells.columns) + self.surrogates.width

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        cells, columns = self._cells, self._cells.columns.tolist()
        known: Codes = np.full((n, len(columns)), -1, np.int32)
        for j, at in enumerate(columns):
            if at in held:
                known[:, j] = self._columns.codes(j, held[at])
        order = np.array([j for j in self._order.tolist() if columns[j] not in held], np.int64)
        codes, into = self._draw(uniforms[:, : len(columns)], known, order)
        drawn = {j: (cells.values(j, codes[:, j], into[:, j]), codes[:, j] != cells.null[j]) for j in order.tolist()}
        return self._columns.batch(self.surrogates.draw(uniforms[:, len(columns) :], arrays_of(held)), drawn, held)

    def _draw(self, u: Floats, known: Codes, order: Ints) -> tuple[Codes, Floats]:
        """See `Walker.draw`; the target comes last, and by the head where there is one."""
        head = self._head
        if head is None or head.target not in order:
            return self._walk.draw(u, known, order)
        codes, into = self._walk.draw(u, known, order[order != head.target])
        codes[:, head.target], into[:, head.target] = head.draw(np.ascontiguousarray(u[:, head.target]), codes)
        return codes, into

    def log_likelihood(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """How likely rows are, exactly; see `Sampler.log_likelihood`."""
        codes = self._cells.codes(table, self.schema, self.profile)
        by_column = self._walk.log_chances(codes, self._order).astype(np.float64)
        if self._head is not None:
            by_column[:, self._head.target] = self._head.log_chances(codes)
        return by_column @ np.ones(by_column.shape[1])

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The network, the trees, how finely numbers were cut, and the pools of invented values."""
        trees = {} if self._head is None else self._head.trees.weights()
        cells = {"cells": np.array([self._cells.fineness])}
        return {**self._network.weights(), **trees, **cells, **self.surrogates.weights()}

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        cells = cells_of(schema, profile, int(weights["cells"][0]))
        surrogates = Surrogates.from_weights(weights, schema, profile)
        return cls(schema, profile, surrogates, cells, cls.network_of(weights), Trees.from_weights(weights))


def drawing_order(schema: TableSchema, cells: Cells) -> Ints:
    """The order in which columns are drawn: the table's, the target last."""
    last = [schema.columns[at].role is Role.TARGET for at in cells.columns.tolist()]
    return np.argsort(last, kind="stable")


def unlikely(settings: Mapping[str, Any]) -> list[str]:
    """A line if the share of cells forgotten while training is none."""
    if 0 <= settings["forgotten"] < 1:
        return []
    return [f"forgotten={settings['forgotten']}: must be from 0 to below 1"]


def other(name: str, was: int, settings: Mapping[str, Any]) -> list[str]:
    """A line if a setting is not what the network to begin with was trained by."""
    if settings[name] == was:
        return []
    return [f"{name}={settings[name]}: the artifact's network has {was}; --set {name}={was}"]
