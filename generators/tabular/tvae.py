"""A variational autoencoder: a network finds rows again from a few numbers, and makes others of other numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from generators.cost import Cost, Learns
from generators.encoded.layout import Floats32, Layout
from generators.encoded.network import Network
from generators.encoded.whole import WholeRows
from generators.search import Range, Span
from generators.start import Start
from generators.task import Task


class Tvae(WholeRows):
    """Numbers by modes, categories by values, one network to normals and one back.

    Source: Xu et al. 2019, "Modeling tabular data using conditional GAN", 4.5.
    """

    HELP: ClassVar[str] = "variational autoencoder for tables; trains in a minute or two, draws fast"
    CONDITIONS_OFF: ClassVar[float] = 0.25
    ACCELERATES: ClassVar[bool] = True
    LONG: ClassVar[bool] = True
    LEARNS: ClassVar[Learns] = Learns.GROUPS
    COST: ClassVar[Cost] = Cost(5.0, 150.0, 0.4)
    FEWEST_ROWS: ClassVar[int] = 1000
    NEEDS_TORCH: ClassVar[bool] = True
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "width": 128,
        "latent": 128,
        "max_seconds": 3_600.0,
        "max_epochs": 100,
    }
    SEARCH: ClassVar[Mapping[str, Range]] = {"width": Span(64, 512, log=True), "latent": Span(16, 256, log=True)}

    @classmethod
    def learned(cls, rows: Floats32, layout: Layout, task: Task, start: Start) -> Network:
        """Train both networks; see `WholeRows.learned`."""
        from generators.neural.tvae_module import fit_tvae  # noqa: PLC0415

        return fit_tvae(rows, layout, task.settings, task.seed, start, task.progress)


GENERATOR = Tvae
