"""The contract every generator keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy.typing as npt

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
