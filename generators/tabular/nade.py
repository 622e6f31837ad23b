"""A neural autoregressive model: each column is drawn by a network that has seen those before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.base import Generator, too_small
from generators.discrete.autoregressive import Network, Walk
from generators.discrete.carry import Begun, Cut, carried, carried_network
from generators.discrete.cells import CellColumns, Cells, Codes, Floats, cells_of, codes_of
from generators.discrete.target import fit_head, target_of
from generators.discrete.trees import Head, Trees
from generators.given import arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.search import Choice, Range, Span
from generators.start import Start
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import Role, TableSchema

LEAST: Mapping[str, float] = {"width": 4, "cells": 2, "max_seconds": 0, "max_epochs": 1}


class Nade(Generator):
    """Columns cut into cells and drawn one after the other, the target last.

    Given columns come first: the network has learned to begin with any of them. So what follows is the network's
    estimate of the conditional distribution, not Bayes' rule on its own joint one.
    A target of few cells is drawn by boosted trees instead, where these tell it better (`discrete/target.py`).
    Source: Larochelle and Murray 2011, "The neural autoregressive distribution estimator"; Uria, Murray and Larochelle
    2014, "A deep and tractable density estimator".

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
        cells: what the columns are cut into.
        network: gives the chances of a column's cells.
        trees: give those of the target's, once all other columns are known; None where the network does.
    """

    HELP: ClassVar[str] = "neural network, column by column; closest to the data, trains in seconds to minutes"
    CONDITIONS_OFF: ClassVar[float] = 0.15
    UPDATES: ClassVar[bool] = True
    RESUMES: ClassVar[bool] = True
    ACCELERATES: ClassVar[bool] = True
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "width": 64,
        "cells": 100,
        "forgotten": 0.1,
        "head": True,
        "bf16": False,
        "max_seconds": 3_600.0,
        "max_epochs": 1_000,
    }
    SEARCH: ClassVar[Mapping[str, Range]] = {
        "width": Span(16, 256, log=True),
        "cells": Span(30, 300, log=True),
        "forgotten": Span(0.0, 0.4),
        "head": Choice((True, False)),
    }

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        surrogates: Surrogates,
        cells: Cells,
        network: Network,
        trees: Trees | None = None,
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._cells, self._network, self._head = cells, network, None if trees is None else Head(trees)
        self._columns, self._walk = CellColumns(schema, profile, cells), Walk(network, cells.first)
        self._order = drawing_order(schema, cells)

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Train the network from where `start` says.

        Raises:
            InputError: settings that make no sense, all at once; torch is not installed; or the checkpoint is of
                another training.
        """
        schema, profile, settings = task.schema, task.profile, task.settings
        faults = too_small(settings, LEAST)
        if not 0 <= settings["forgotten"] < 1:
            faults.append(f"forgotten={settings['forgotten']}: must be from 0 to below 1")
        if faults:
            raise InputError(*faults)
        try:
            from generators.neural.nade_module import fit_network  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise InputError(
                f"model=tabular.nade: training it needs {error.name}; pip install 'synthstream[nn]', "
                "or choose tabular.mixture, which needs nothing more"
            ) from None
        surrogates = task.surrogates()
        cells = cells_of(schema, profile, settings["cells"])
        codes = codes_of(task.rows, cells, schema, profile, task.progress)
        start = Start("tabular.nade") if task.start is None else task.start
        network = cls._begun(start, Cut(schema, profile, cells), settings)
        begun = Begun(start.keep, network, start.gently, start.device)
        order, target = drawing_order(schema, cells), target_of(schema, cells)
        network, held_back = fit_network(codes, cells, order, settings, task.seed, task.progress, begun)
        if target is None or not settings["head"] or task.rows.is_long:  # of so many rows the network tells it as well
            return cls(schema, profile, surrogates, cells, network)
        task.progress(1.0, "trees for the target")
        trees, found = fit_head(codes, cells, target, order, network, held_back, task.seed)
        model = cls(schema, profile, surrogates, cells, network, trees)
        model.found = found
        return model

    @classmethod
    def _begun(cls, start: Start, now: Cut, settings: Mapping[str, Any]) -> Network | None:
        """The network to begin with, if there is one; NaN where it knows nothing.

        Raises:
            InputError: it is of another width, or of other columns altogether.
        """
        if start.before is None:
            return None
        before = start.before.fitted
        assert isinstance(before, cls)
        width = before._network.embeddings.shape[1]
        if width != settings["width"]:
            raise InputError(f"width={settings['width']}: the artifact's network is {width} wide; --set width={width}")
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

    def _draw(self, u: Floats, known: Codes, order: npt.NDArray[np.int64]) -> tuple[Codes, Floats]:
        """See `Walk.draw`; the target comes last, and by the head where there is one."""
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
        return cls(schema, profile, surrogates, cells, Network.from_weights(weights), Trees.from_weights(weights))


def drawing_order(schema: TableSchema, cells: Cells) -> npt.NDArray[np.int64]:
    """The order in which columns are drawn: the table's, the target last."""
    last = [schema.columns[at].role is Role.TARGET for at in cells.columns.tolist()]
    return np.argsort(last, kind="stable")


GENERATOR = Nade
