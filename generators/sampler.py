"""What draws synthetic rows, whatever it has learned and however."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.domain import Domain, domain_of
from generators.invented.distinct import Numbered
from generators.invented.surrogates import Surrogates
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import TableSchema


class Sampler(ABC):
    """What draws synthetic rows: a pure function of what it learned and of the uniforms it is given.

    It touches no random number generator, no clock and no Kafka.
    """

    schema: TableSchema
    profile: Profile
    surrogates: Surrogates
    """The columns whose values are invented."""

    numbered: Mapping[str, Numbered] = MappingProxyType({})
    """The columns, by name, that hold another value in every record of a stream; filled in by the record's number."""

    found: Mapping[str, Any] = MappingProxyType({})
    """What fitting found out, as JSON has it: for the manifest alone, nothing is drawn by it."""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many uniforms one row takes."""

    @abstractmethod
    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows.

        Args:
            n: how many rows.
            uniforms: the only randomness, in [0, 1), shape (n, width).
            given: columns held at a value (None for null), or at an array of n of them; the others follow their
                conditional distribution.

        Returns:
            A batch of n rows under `schema.arrow_schema`.

        Raises:
            InputError: a given column is not in the table or the value is outside its domain.
        """

    def domain(self, name: str) -> Domain:
        """The values of a column that has a list of them, with how likely each is: by default as the profile says.

        Raises:
            InputError: no such column, or one whose values can not be listed.
        """
        column = self.schema[name]
        return domain_of(column, self.profile[name], self.surrogates.columns.get(self.schema.names.index(name)))

    def log_likelihood(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """How likely rows are: the logarithm of the chance of all their cells, in nats, shape (rows,).

        A number is judged by the part of its column that it lies in, so it does not matter what unit it is in. Columns
        whose values are invented count by whether they are there; a category that is never drawn counts for nothing.

        Args:
            table: rows cast to `schema.arrow_schema`.

        Raises:
            InputError: this generator can not say; by default it can not.
        """
        raise InputError(
            "log_likelihood: this artifact can not say how likely rows are; a tabular.mixture, tabular.nade or "
            "tabular.transformer that is trained without rules can"
        )

    @abstractmethod
    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that, with schema and profile, are the whole model."""
