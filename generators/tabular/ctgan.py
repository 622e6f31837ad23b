"""A conditional generator trained against a critic: rare categories are asked for more often than they come."""

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


class Ctgan(WholeRows):
    """Numbers by modes, categories by values, and a condition on one category a row.

    The critic sees `packed` rows at once; the paper's sees 10, which tells it less of each. A long table is learned
    from the rows that are in memory. Source: Xu et al. 2019, "Modeling tabular data using conditional GAN", 4.
    """

    HELP: ClassVar[str] = "conditional GAN for tables; trains in minutes, draws fast"
    CONDITIONS_OFF: ClassVar[float] = 0.25
    LEARNS: ClassVar[Learns] = Learns.GROUPS
    COST: ClassVar[Cost] = Cost(5.0, 400.0, 0.8)
    FEWEST_ROWS: ClassVar[int] = 1000
    NEEDS_TORCH: ClassVar[bool] = True
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "width": 256,
        "latent": 128,
        "packed": 5,
        "max_seconds": 3_600.0,
        "max_epochs": 100,
    }
    LEAST: ClassVar[Mapping[str, float]] = {**WholeRows.LEAST, "packed": 1}
    SEARCH: ClassVar[Mapping[str, Range]] = {"width": Span(64, 512, log=True), "latent": Span(32, 256, log=True)}

    @classmethod
    def learned(cls, rows: Floats32, layout: Layout, task: Task, start: Start) -> Network:
        """Train the generator against its critic; see `WholeRows.learned`."""
        from generators.neural.ctgan_module import fit_ctgan  # noqa: PLC0415

        return fit_ctgan(rows, layout, task.settings, task.seed, start, task.progress)


GENERATOR = Ctgan
