"""A small transformer over columns: each column is drawn by attention over those known before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy.typing as npt

from generators.base import too_small
from generators.cost import Cost, Learns
from generators.discrete.attention import HEAD, Decoder
from generators.discrete.carry import Begun
from generators.discrete.cells import Cells, Codes
from generators.discrete.columnwise import Ints
from generators.discrete.sequential import Sequential, other, unlikely
from generators.search import Choice, Range, Span
from generators.task import Task

LEAST: Mapping[str, float] = {"width": HEAD, "layers": 1, "cells": 2, "max_seconds": 0, "max_epochs": 1}


class Transformer(Sequential[Decoder]):
    """A decoder whose tokens are columns' cells, of each column only its own; see `Sequential`.

    Source: Vaswani et al. 2017, "Attention is all you need"; Castellon et al. 2023, "DP-TBART: a transformer-based
    autoregressive model for differentially private tabular data generation" (tokens of columns' own cells).
    """

    NAME: ClassVar[str] = "tabular.transformer"
    HELP: ClassVar[str] = "small transformer over columns; as close as nade, slower to train and to draw"
    LEARNS: ClassVar[Learns] = Learns.ROWS
    COST: ClassVar[Cost] = Cost(6.0, 300.0, 4.0)
    FEWEST_ROWS: ClassVar[int] = 100
    NEEDS_TORCH: ClassVar[bool] = True
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "width": 64,
        "layers": 2,
        "cells": 100,
        "forgotten": 0.1,
        "head": True,
        "bf16": False,
        "max_seconds": 3_600.0,
        "max_epochs": 1_000,
    }
    SEARCH: ClassVar[Mapping[str, Range]] = {
        "width": Choice((32, 64, 96, 128)),
        "layers": Choice((1, 2, 3)),
        "forgotten": Span(0.0, 0.4),
    }

    @classmethod
    def check(cls, settings: Mapping[str, Any]) -> list[str]:
        """A line for each setting that makes no sense."""
        faults, width = too_small(settings, LEAST), settings["width"]
        if width >= HEAD and width % HEAD:
            faults.append(f"width={width}: must be a multiple of {HEAD}, such as {width // HEAD * HEAD}")
        return faults + unlikely(settings)

    @classmethod
    def network_of(cls, weights: Mapping[str, npt.NDArray[Any]]) -> Decoder:
        """The network among an artifact's arrays."""
        return Decoder.from_weights(weights)

    @classmethod
    def differing(cls, network: Decoder, settings: Mapping[str, Any]) -> list[str]:
        """A line each where width or layers are others."""
        return other("width", network.embeddings.shape[1], settings) + other("layers", network.layers, settings)

    @classmethod
    def trained(
        cls, codes: Codes, cells: Cells, order: Ints, task: Task, begun: Begun[Decoder]
    ) -> tuple[Decoder, Ints]:
        """See `Sequential.trained`."""
        from generators.neural.decoder_module import fit_decoder  # noqa: PLC0415 - torch is for those who train

        return fit_decoder(codes, cells, order, task.settings, task.seed, task.progress, begun)


GENERATOR = Transformer
