"""What there is to learn, and how: all that fitting a generator needs to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from generators.invented.surrogates import Surrogates
from schemas.profile import Profile, profile_rows
from schemas.rows import Rows
from schemas.table import TableSchema

if TYPE_CHECKING:
    from generators.start import Start

Progress = Callable[[float, str], None]
"""Called while fitting with the share done (0 to 1) and a word on what is being done, which may be an `Epoch`. What it
raises ends the fitting."""


def silently(share: float, what: str) -> None:
    """Tell nobody how far fitting has come."""


class Epoch(str):
    """What progress says after an epoch: words for people, and the numbers in them for who wants those.

    Args:
        number: the epoch's, from 1.
        loss: on the rows held back, in `unit`.
        best: the best so far.
        spent_s: seconds of training.
        apart: the loss less that of columns that know nothing of each other, which does not depend on how finely
            columns are cut; NaN where that is not known.
        unit: what the loss is in.

    >>> Epoch(3, 12.5, 12.25, 4.0), Epoch(3, 12.5, 12.25, 4.0).loss
    ('epoch 3: 12.250 nats a row, 4 s', 12.5)
    """

    number: int
    loss: float
    best: float
    spent_s: float
    apart: float

    def __new__(
        cls, number: int, loss: float, best: float, spent_s: float, apart: float = nan, unit: str = "nats a row"
    ) -> Epoch:
        """Words for people, with the numbers on them."""
        epoch = super().__new__(cls, f"epoch {number}: {best:.3f} {unit}, {spent_s:.0f} s")
        epoch.number, epoch.loss, epoch.best, epoch.spent_s, epoch.apart = number, loss, best, spent_s, apart
        return epoch


@dataclass(frozen=True, eq=False)
class Task:
    """A table to learn.

    Args:
        rows: the real rows, cast to `schema.arrow_schema`.
        schema: what the columns are.
        profile: the safe marginals of the table.
        settings: a value for every name in the generator's `SETTINGS`.
        seed: seeds whatever is random in fitting.
        progress: told how far fitting has come.
        start: where fitting begins, which has checked that the generator can; None for from nothing.
    """

    rows: Rows
    schema: TableSchema
    profile: Profile
    settings: Mapping[str, Any]
    seed: int = 0
    progress: Progress = silently
    start: Start | None = None

    @classmethod
    def of(cls, table: pa.Table, schema: TableSchema, settings: Mapping[str, Any]) -> Task:
        """To learn a table that is in memory, from nothing."""
        rows = Rows.of(table)
        return cls(rows, schema, profile_rows(rows, schema), settings)

    @property
    def table(self) -> pa.Table:
        """The rows that are in memory: of a long table some, drawn evenly."""
        return self.rows.table

    def surrogates(self) -> Surrogates:
        """The columns whose values are invented, fitted: on all rows, so that no value is one of theirs."""
        return Surrogates.fit(self.rows.whole(self.schema.surrogates), self.schema, self.profile, self.seed)

    def on(self, rows: Rows, schema: TableSchema) -> Task:
        """The same with the rows re-expressed, under another schema."""
        return replace(self, rows=rows, schema=schema, profile=profile_rows(rows, schema))
