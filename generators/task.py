"""What there is to learn, and how: all that fitting a generator needs to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from generators.invented.surrogates import Surrogates
from schemas.profile import Profile, profile_rows
from schemas.rows import Rows
from schemas.table import TableSchema

if TYPE_CHECKING:
    from generators.start import Start

Progress = Callable[[float, str], None]
"""Called while fitting with the share done (0 to 1) and a word on what is being done."""


def silently(share: float, what: str) -> None:
    """Tell nobody how far fitting has come."""


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
