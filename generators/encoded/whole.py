"""What generators have in common whose network makes a whole row at once; they differ in how it is trained."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.base import Generator, too_small
from generators.encoded.calibration import Calibration, calibrated, calibration_rows
from generators.encoded.candidates import Candidates
from generators.encoded.decoding import Decoder
from generators.encoded.dense import Dense
from generators.encoded.encoding import encoded
from generators.encoded.layout import Floats32, Layout, layout_of, normals_of
from generators.encoded.modes import Modes, modes_of
from generators.encoded.network import Network
from generators.given import arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.start import Start
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.rows import Rows
from schemas.table import TableSchema


class WholeRows(Generator):
    """Rows made of normals by one pass of a network, with the profile's marginals.

    Given columns are held; the others are those of rows that the network makes much the same (`candidates.py`).

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
        modes: of the numbers; None where they are normals.
        network: makes rows.
        calibration: brings them to the marginals; None for one by the network's own rows.
    """

    RESUMES: ClassVar[bool] = True
    LEAST: ClassVar[Mapping[str, float]] = {"width": 4, "latent": 1, "max_seconds": 0, "max_epochs": 1}
    """The settings' least values."""

    LONG: ClassVar[bool] = False
    """Whether it learns from all rows of a long table, not only from those in memory."""

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        surrogates: Surrogates,
        modes: Modes | None,
        network: Network,
        calibration: Calibration | None = None,
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._modes, self._network = modes, network
        self._layout = self.layout(schema, profile, modes)
        calibration = own_calibration(network, self._layout) if calibration is None else calibration
        self._decoder = self.decoder(calibration)

    @classmethod
    @abstractmethod
    def learned(cls, rows: Floats32, layout: Layout, task: Task, start: Start) -> Network:
        """Train the network; torch is imported here.

        Args:
            rows: the real rows, as `encoded` has them.
            layout: their variables.
            task: the settings, the seed, and who is told how far it has come.
            start: where training begins.
        """

    @classmethod
    def modes(cls, schema: TableSchema, profile: Profile) -> Modes | None:
        """The modes that numbers are encoded by; None for normals."""
        return modes_of(schema, profile)

    @classmethod
    def layout(cls, schema: TableSchema, profile: Profile, modes: Modes | None) -> Layout:
        """The variables."""
        return layout_of(schema, profile, modes)

    @classmethod
    def encoded(cls, task: Task, layout: Layout, modes: Modes | None) -> Floats32:
        """The rows that are learned from, shape (n, numbers + variables); numbers are from -1 to 1."""
        of = task.rows if cls.LONG else Rows.of(task.table)
        rows = encoded(of, layout, task.schema, task.profile, task.seed, task.progress, modes)
        if modes is None:
            rows[:, : layout.numbers] /= normals_of(np.ones(1))
        return rows

    def decoder(self, calibration: Calibration) -> Decoder:
        """Turns what the network gives into records."""
        return Decoder(self.schema, self.profile, self._layout, calibration)

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Train the network, and calibrate it.

        Raises:
            InputError: settings that make no sense, all at once; torch is not installed; or the checkpoint is of
                another training.
        """
        faults = too_small(task.settings, cls.LEAST)
        if faults:
            raise InputError(*faults)
        schema, profile, name = task.schema, task.profile, cls.__module__.removeprefix("generators.")
        start = Start(name) if task.start is None else task.start
        surrogates, modes = task.surrogates(), cls.modes(schema, profile)
        layout = cls.layout(schema, profile, modes)
        rows = cls.encoded(task, layout, modes)
        try:
            network = cls.learned(rows, layout, task, start) if layout.count else nothing_learned()
        except ModuleNotFoundError as error:
            raise InputError(
                f"model={name}: training it needs {error.name}; pip install 'synthstream[nn]', "
                "or choose tabular.mixture, which needs nothing more"
            ) from None
        return cls(schema, profile, surrogates, modes, network)

    @property
    def width(self) -> int:
        """What the network takes, one uniform a variable, then those of the invented values."""
        return self._network.width + self._layout.count + self.surrogates.width

    @cached_property
    def _candidates(self) -> Candidates:
        """Made where columns are first given."""
        return Candidates(self._network, self._decoder)

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        network, layout, decoder = self._network, self._layout, self._decoder
        own, rest = uniforms[:, : network.width], uniforms[:, network.width :]
        inputs, _ = network.inputs(own)
        if held:
            inputs = self._candidates.inputs(inputs, own[:, network.latent], held)
        numbers, logits = network(inputs, layout.numbers)
        codes, into = decoder.states(logits, rest[:, : layout.count])
        places = decoder.uniforms(network.spread(numbers, layout, into), codes, into)
        invented = self.surrogates.draw(rest[:, layout.count :], arrays_of(held))
        return decoder.batch(invented, places, codes, held)

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The network, its modes, its calibration, and the pools of invented values."""
        modes = {} if self._modes is None else self._modes.weights()
        return {
            **self._network.weights(),
            **modes,
            **self._decoder.calibration.weights(),
            **self.surrogates.weights(),
        }

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        modes = Modes.from_weights(weights) if "modes.first" in weights else None
        surrogates = Surrogates.from_weights(weights, schema, profile)
        network, calibration = Network.from_weights(weights), Calibration.from_weights(weights)
        return cls(schema, profile, surrogates, modes, network, calibration)


def nothing_learned() -> Network:
    """The network of a table all of whose values are invented."""
    return Network(Dense([]), 0, np.zeros(0), np.zeros(0))


def own_calibration(network: Network, layout: Layout) -> Calibration:
    """The calibration of a network, by rows that it makes.

    Args:
        network: makes rows.
        layout: their variables.
    """
    rng, rows = np.random.Generator(np.random.Philox(0)), calibration_rows(layout)
    inputs, _ = network.inputs(rng.random((rows, network.width)))
    numbers, logits = network(inputs, layout.numbers)
    u = rng.random((rows, layout.count))
    return calibrated(layout, numbers, logits, u, lambda found, into: network.spread(found, layout, into))
