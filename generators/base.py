"""The contract every generator keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy.typing as npt

from generators.cost import Cost, Learns
from generators.sampler import Sampler
from generators.search import Range
from generators.task import Task
from schemas.profile import Profile
from schemas.table import TableSchema


class Generator(Sampler):
    """A model of a table: fitted on real rows, drawing synthetic ones.

    One file, one `GENERATOR`, and the file's path is its name.
    """

    HELP: ClassVar[str]
    """One line for people choosing a model."""

    SETTINGS: ClassVar[Mapping[str, Any]] = {}
    """The settings `fit` knows, with their defaults."""

    SEARCH: ClassVar[Mapping[str, Range]] = {}
    """The settings that are worth searching, with the values to try; defaults are among them."""

    CONDITIONS_OFF: ClassVar[float] = 0.0
    """How far pairs of columns may be, in total variation, from how they are drawn freely where one of them is given in
    its shares; 0 for generators whose conditional distributions are exact."""

    UPDATES: ClassVar[bool] = False
    """Whether fitting goes on from an artifact of the same model where `fit` is asked to."""

    RESUMES: ClassVar[bool] = False
    """Whether fitting keeps checkpoints where `fit` is asked to, and goes on from them."""

    ACCELERATES: ClassVar[bool] = False
    """Whether fitting can use a GPU, and several processes that torchrun starts."""

    LEARNS: ClassVar[Learns] = Learns.PAIRS
    """How much of what columns say of each other it can learn."""

    COST: ClassVar[Cost] = Cost(5.0, 50.0)
    """About how long fitting takes."""

    STOPS: ClassVar[bool] = True
    """Whether a setting `max_seconds`, if it has one, is about all of its training."""

    FEWEST_ROWS: ClassVar[int] = 2
    """With fewer rows it learns nothing of use."""

    NEEDS_TORCH: ClassVar[bool] = False
    """Whether fitting needs torch."""

    @classmethod
    @abstractmethod
    def fit(cls, task: Task) -> Self:
        """Learn a table.

        Args:
            task: the table, and how.
        """

    @classmethod
    @abstractmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""


def too_small(settings: Mapping[str, Any], least: Mapping[str, float]) -> list[str]:
    """A line for each setting below the least that makes sense."""
    return [
        f"{name}={settings[name]}: must be at least {low}" for name, low in least.items() if not settings[name] >= low
    ]
