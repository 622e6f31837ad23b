"""A labelled drift, injected on purpose so that people can watch the monitors find it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError
from schemas.table import Kind, TableSchema

SHIFTED = frozenset({Kind.INTEGER, Kind.NUMBER})
"""Kinds an incident can shift."""


@dataclass(frozen=True)
class Incident:
    """A shift of one numeric column.

    Args:
        name: its label, carried by every record it touched.
        column: the column that drifts.
        shift: added to every value, in the column's unit.

    Raises:
        InputError: a shift that is zero or not a number.
    """

    name: str
    column: str
    shift: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.shift) or self.shift == 0:
            raise InputError(f"shift={self.shift}: must be a number other than 0")

    def check(self, schema: TableSchema) -> None:
        """Refuse a column that is not there or is not a number.

        Raises:
            InputError: names the column and what would do.
        """
        column = schema[self.column]
        if column.kind not in SHIFTED:
            numeric = ", ".join(c.name for c in schema if c.kind in SHIFTED)
            raise InputError(f"incident column={self.column}: is a {column.kind}; choose a number: {numeric}")

    def applied(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with the column shifted; nulls stay nulls."""
        index = batch.schema.get_field_index(self.column)
        field = batch.schema.field(index)
        shifted = pc.add(batch.column(index), pa.scalar(self.shift, pa.float64()).cast(field.type, safe=False))
        return batch.set_column(index, field, shifted)
