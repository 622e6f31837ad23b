"""A neural autoregressive model: each column is drawn by a network that has seen those before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy.typing as npt

from generators.base import too_small
from generators.cost import Cost, Learns
from generators.discrete.autoregressive import Network
from generators.discrete.carry import Begun
from generators.discrete.cells import Cells, Codes
from generators.discrete.columnwise import Ints
from generators.discrete.sequential import Sequential, other, unlikely
from generators.search import Choice, Range, Span
from generators.task import Task

LEAST: Mapping[str, float] = {"width": 4, "cells": 2, "max_seconds": 0, "max_epochs": 1}


class Nade(Sequential[Network]):
    """The network's state is the sum of the embeddings of what is known; see `Sequential`.

    Source: Larochelle and Murray 2011, "The neural autoregressive distribution estimator"; Uria, Murray and Larochelle
    2014, "A deep and tractable density estimator".
    """

    NAME: ClassVar[str] = "tabular.nade"
    HELP: ClassVar[str] = "neural network, column by column; closest to the data, trains in seconds to minutes"
    LEARNS: ClassVar[Learns] = Learns.ROWS
    COST: ClassVar[Cost] = Cost(4.0, 60.0, 0.5)
    FEWEST_ROWS: ClassVar[int] = 100
    NEEDS_TORCH: ClassVar[bool] = True
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

    @classmethod
    def check(cls, settings: Mapping[str, Any]) -> list[str]:
        """A line for each setting that makes no sense."""
        return too_small(settings, LEAST) + unlikely(settings)

    @classmethod
    def network_of(cls, weights: Mapping[str, npt.NDArray[Any]]) -> Network:
        """The network among an artifact's arrays."""
        return Network.from_weights(weights)

    @classmethod
    def differing(cls, network: Network, settings: Mapping[str, Any]) -> list[str]:
        """A line where the width is another."""
        return other("width", network.embeddings.shape[1], settings)

    @classmethod
    def trained(
        cls, codes: Codes, cells: Cells, order: Ints, task: Task, begun: Begun[Network]
    ) -> tuple[Network, Ints]:
        """See `Sequential.trained`."""
        from generators.neural.nade_module import fit_network  # noqa: PLC0415 - torch is for those who train

        return fit_network(codes, cells, order, task.settings, task.seed, task.progress, begun)


GENERATOR = Nade
