"""A diffusion model: a network learns to take noise out of rows, and rows are drawn by taking it out of noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.base import Generator, too_small
from generators.cost import Cost, Learns
from generators.diffusion.cutting import cut
from generators.diffusion.denoiser import Denoiser
from generators.diffusion.drawing import Reverse
from generators.diffusion.within import placed, tabulated
from generators.discrete.cells import Codes
from generators.encoded.calibration import Calibration
from generators.encoded.decoding import Decoder
from generators.encoded.encoding import encoded
from generators.encoded.layout import Floats32, Layout, layout_of, normals_of
from generators.given import Held, arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.search import Range, Span
from generators.start import Start
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import TableSchema

LEAST: Mapping[str, float] = {"width": 4, "states": 1, "steps": 1, "max_seconds": 0, "max_epochs": 1}

CALIBRATIONS, CALIBRATION_ROWS = 4, 8_192
"""States are brought to the table's shares so often, each time by what so many rows show."""

TABULATED_ROWS = 16_384
"""So many rows say how numbers lie in their states."""


class Diffusion(Generator):
    """Numbers under Gaussian noise and states that are hidden, both brought back step by step by one network.

    Source: Kotelnikov et al. 2023, "TabDDPM: modelling tabular data with diffusion models".

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
        layout: the variables, their numbers cut into states.
        denoiser: the network.
        knots: how its numbers lie in their states, see `tabulated`.
        fineness: about how many states a number was cut into.
    """

    HELP: ClassVar[str] = "diffusion model: numbers and categories brought out of noise; minutes to train, slow to draw"
    CONDITIONS_OFF: ClassVar[float] = 0.15
    RESUMES: ClassVar[bool] = True
    LEARNS: ClassVar[Learns] = Learns.ROWS
    COST: ClassVar[Cost] = Cost(10.0, 600.0, 4.0)
    FEWEST_ROWS: ClassVar[int] = 1000
    NEEDS_TORCH: ClassVar[bool] = True
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "width": 192,
        "states": 24,
        "steps": 16,
        "learning_rate": 3e-3,
        "max_seconds": 3_600.0,
        "max_epochs": 1_000,
    }
    SEARCH: ClassVar[Mapping[str, Range]] = {
        "width": Span(64, 384, log=True),
        "states": Span(8, 64, log=True),
        "learning_rate": Span(5e-4, 6e-3, log=True),
    }

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        surrogates: Surrogates,
        layout: Layout,
        denoiser: Denoiser,
        knots: Floats32,
        fineness: int,
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._layout, self._denoiser, self._knots, self._fineness = layout, denoiser, knots, fineness
        nothing = Calibration(np.zeros(0, np.float32), np.zeros((0, 0)))
        self._decoder = Decoder(schema, profile, layout, nothing)
        self._reverse = Reverse(denoiser, layout.first)

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Train the network, then bring what it draws to the profile's marginals.

        Raises:
            InputError: settings that make no sense, all at once; torch is not installed; or the checkpoint is of
                another training.
        """
        schema, profile, settings = task.schema, task.profile, task.settings
        faults = too_small(settings, LEAST)
        if not settings["learning_rate"] > 0:
            faults.append(f"learning_rate={settings['learning_rate']}: must be above 0")
        if faults:
            raise InputError(*faults)
        try:
            from generators.neural.diffusion_module import fit_denoiser  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise InputError(
                f"model=tabular.diffusion: training it needs {error.name}; pip install 'synthstream[nn]', "
                "or choose tabular.mixture, which needs nothing more"
            ) from None
        surrogates, layout = task.surrogates(), cut(layout_of(schema, profile), settings["states"])
        values = encoded(task.rows, layout, schema, profile, task.seed, task.progress)
        start = Start("tabular.diffusion") if task.start is None else task.start
        denoiser = fit_denoiser(values, layout, task, start)
        task.progress(1.0, "marginals")
        denoiser, knots = calibrated(denoiser, layout, task.seed)
        return cls(schema, profile, surrogates, layout, denoiser, knots, settings["states"])

    @property
    def width(self) -> int:
        """Two uniforms a variable, one a number, then those of the invented values."""
        return self._reverse.width + self.surrogates.width

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        width = self._reverse.width
        drawn = self._reverse.draw(uniforms[:, :width], *self._given(held, n))
        found = placed(self._layout, drawn.numbers, drawn.codes, drawn.into, self._knots)
        invented = self.surrogates.draw(uniforms[:, width:], arrays_of(held))
        return self._decoder.batch(invented, found, drawn.codes, held)

    def _given(self, held: Mapping[int, Held], n: int) -> tuple[Codes, Floats32]:
        """The states and numbers that are held; -1 and NaN for the others."""
        layout = self._layout
        codes = np.full((n, layout.count), -1, np.int32)
        numbers = np.full((n, layout.numbers), np.nan, np.float32)
        for at, column in held.items():
            known = self._decoder.held(at, column, np.full(len(codes), 0.5))
            if known is None:
                continue
            j, where, codes[:, j] = known
            if layout.number[j] >= 0:
                numbers[:, layout.number[j]] = np.where(column.present, normals_of(where), np.nan)
        return codes, numbers

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The network, how its numbers lie in their states, how fine these are, and the pools of invented values."""
        own = {"knots": self._knots, "states": np.array([self._fineness])}
        return {**self._denoiser.weights(), **own, **self.surrogates.weights()}

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        fineness = int(weights["states"][0])
        layout = cut(layout_of(schema, profile), fineness)
        surrogates = Surrogates.from_weights(weights, schema, profile)
        return cls(schema, profile, surrogates, layout, Denoiser.from_weights(weights), weights["knots"], fineness)


def calibrated(denoiser: Denoiser, layout: Layout, seed: int) -> tuple[Denoiser, Floats32]:
    """The denoiser with biases by which its states have the table's shares, and how its numbers then lie in them.

    Args:
        denoiser: the network.
        layout: the variables.
        seed: seeds the rows that say how it draws.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    floor = 1.0 / CALIBRATION_ROWS
    for _ in range(CALIBRATIONS):
        reverse = Reverse(denoiser, layout.first)
        drawn = reverse.shares(rng.random((CALIBRATION_ROWS, reverse.width)))
        denoiser = denoiser.biased(np.log((layout.share + floor) / (drawn + floor)))
    reverse = Reverse(denoiser, layout.first)
    rows = reverse.draw(rng.random((TABULATED_ROWS, reverse.width)))
    return denoiser, tabulated(layout, rows.codes, rows.numbers)


GENERATOR = Diffusion
