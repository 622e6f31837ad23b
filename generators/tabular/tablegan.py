"""Rows as square images: convolutional generator, discriminator and classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from generators.cost import Cost, Learns
from generators.encoded.calibration import Calibration
from generators.encoded.decoding import Decoder
from generators.encoded.flat import FlatDecoder, flat, flat_rows
from generators.encoded.layout import Floats32, Layout, layout_of
from generators.encoded.modes import Modes
from generators.encoded.network import Network
from generators.encoded.whole import WholeRows
from generators.search import Range, Span
from generators.start import Start
from generators.task import Task
from schemas.profile import Profile
from schemas.table import Role, TableSchema


class TableGan(WholeRows):
    """A pixel a column; the classifier asks whether the target follows from the others as in the table.

    A long table is learned from the rows that are in memory. Source: Park et al. 2018, "Data synthesis based on
    generative adversarial networks", 4.
    """

    HELP: ClassVar[str] = "rows as images by a convolutional GAN; trains in minutes, draws fast"
    CONDITIONS_OFF: ClassVar[float] = 0.25
    LEARNS: ClassVar[Learns] = Learns.GROUPS
    COST: ClassVar[Cost] = Cost(5.0, 1_000.0, 0.6)
    FEWEST_ROWS: ClassVar[int] = 1000
    NEEDS_TORCH: ClassVar[bool] = True
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "width": 64,
        "latent": 100,
        "max_seconds": 3_600.0,
        "max_epochs": 100,
    }
    SEARCH: ClassVar[Mapping[str, Range]] = {"width": Span(16, 128, log=True), "latent": Span(32, 256, log=True)}

    @classmethod
    def modes(cls, schema: TableSchema, profile: Profile) -> Modes | None:
        """None: numbers are where they are in their marginal."""
        return None

    @classmethod
    def encoded(cls, task: Task, layout: Layout, modes: Modes | None) -> Floats32:
        """The rows as numbers from -1 to 1."""
        plain = layout_of(task.schema, task.profile)
        return flat_rows(task.table, plain, task.schema, task.profile, task.seed)

    @classmethod
    def layout(cls, schema: TableSchema, profile: Profile, modes: Modes | None) -> Layout:
        """A number a variable."""
        return flat(layout_of(schema, profile))

    def decoder(self, calibration: Calibration) -> Decoder:
        """Turns these numbers into records."""
        return FlatDecoder(self.schema, self.profile, layout_of(self.schema, self.profile), calibration)

    @classmethod
    def learned(cls, rows: Floats32, layout: Layout, task: Task, start: Start) -> Network:
        """Train the three networks; see `WholeRows.learned`."""
        from generators.neural.tablegan_module import fit_tablegan  # noqa: PLC0415

        targets = [j for j, at in enumerate(layout.columns.tolist()) if task.schema.columns[at].role is Role.TARGET]
        target = targets[0] if targets else None
        return fit_tablegan(rows, target, task.settings, task.seed, start, task.progress)


GENERATOR = TableGan
