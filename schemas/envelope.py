"""Changes in an envelope: Debezium's Avro record of what a row was before and is after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.avro import avro_names, avro_schema
from schemas.avro_fields import fields
from schemas.errors import InputError
from schemas.table import TableSchema

Mask = npt.NDArray[np.bool_]

VERSION = "1"
"""Of what the envelope says about its source; a stream's bytes do not change with the program's own version."""

OPERATIONS = ("c", "u", "d")
"""Created, updated, deleted."""

_SOURCE: tuple[dict[str, Any], ...] = (
    {"name": "version", "type": "string"},
    {"name": "connector", "type": "string"},
    {"name": "name", "type": "string"},
    {"name": "ts_ms", "type": "long"},
    {"name": "snapshot", "type": ["string", "null"], "default": "false"},
    {"name": "db", "type": "string"},
    {"name": "sequence", "type": ["null", "string"], "default": None},
    {"name": "table", "type": ["null", "string"], "default": None},
    {"name": "shard", "type": "int", "default": 0},
)

_TRANSACTION: tuple[dict[str, Any], ...] = (
    {"name": "id", "type": "string"},
    {"name": "total_order", "type": "long"},
    {"name": "data_collection_order", "type": "long"},
)


@dataclass(frozen=True, eq=False)
class Changed:
    """Changes to rows, before they are put in envelopes.

    Args:
        before: the rows before, under the table's schema, shape (n,).
        after: the rows after, shape (n,).
        created: which have none before, shape (n,).
        deleted: which have none after, shape (n,).
        ts_ms: when each happened, milliseconds since the epoch, shape (n,).
        first: the number of the first among its shard's; the others follow.
        shard: the shard.
    """

    before: pa.RecordBatch
    after: pa.RecordBatch
    created: Mask
    deleted: Mask
    ts_ms: npt.NDArray[np.int64]
    first: int
    shard: int


@dataclass(frozen=True)
class Envelope:
    """The envelope of a topic.

    Args:
        schema: the table's columns.
        stream: the stream's name, which is the source's.
        topic: gives the Avro names their namespace.

    Source: Debezium 2.7 documentation, "Change events".

    >>> from schemas.table import Column, Kind
    >>> avro = Envelope(TableSchema("t", (Column("a", Kind.INTEGER),)), "s", "shop.t").avro
    >>> avro["namespace"], [field["name"] for field in avro["fields"]]
    ('shop.t', ['before', 'after', 'source', 'op', 'ts_ms', 'transaction'])
    """

    schema: TableSchema
    stream: str
    topic: str

    @cached_property
    def avro(self) -> dict[str, Any]:
        """The envelope's Avro schema.

        Raises:
            InputError: the table's own Avro schema has the envelope's name.
        """
        namespace = ".".join(avro_names([part])[0] for part in self.topic.split("."))
        row, name = self._row, self._row["name"]
        if self.schema.wire is None:
            row, name = {**row, "name": "Value"}, "Value"
        full = name if "." in name else f"{row.get('namespace', namespace)}.{name}"
        if full == f"{namespace}.Envelope":
            raise InputError(
                f"topic={self.topic}: the table's Avro record is {full}, as the envelope; use another topic"
            )
        source = {"type": "record", "name": "Source", "namespace": "synthstream", "fields": list(_SOURCE)}
        block = {"type": "record", "name": "block", "namespace": "event", "fields": list(_TRANSACTION)}
        forms = [
            {"name": "before", "type": ["null", row], "default": None},
            {"name": "after", "type": ["null", full], "default": None},
            {"name": "source", "type": source},
            {"name": "op", "type": "string"},
            {"name": "ts_ms", "type": ["null", "long"], "default": None},
            {"name": "transaction", "type": ["null", block], "default": None},
        ]
        return {"type": "record", "name": "Envelope", "namespace": namespace, "fields": forms}

    @cached_property
    def _row(self) -> dict[str, Any]:
        return avro_schema(self.schema)

    @cached_property
    def _columns(self) -> dict[str, str]:
        """The table's columns by the fields of a row."""
        return {field.name: field.column for field in fields(self._row)}

    def wrapped(self, changed: Changed) -> pa.RecordBatch:
        """Put changes in envelopes, ready to be encoded under `avro`."""
        n = len(changed.ts_ms)
        numbers: pa.Array[Any] = pa.array(np.arange(changed.first, changed.first + n))
        said = {
            "version": _always(VERSION, n),
            "connector": _always("synthstream", n),
            "name": _always(self.stream, n),
            "ts_ms": pa.array(changed.ts_ms),
            "snapshot": _always("false", n),
            "db": _always(self.stream, n),
            "sequence": numbers.cast(pa.string()),
            "table": _always(self.schema.name, n),
            "shard": pa.array(np.full(n, changed.shard)),
        }
        op = np.where(changed.created, 0, np.where(changed.deleted, 2, 1)).astype(np.int32)
        return pa.record_batch(
            {
                "before": self._rows(changed.before, changed.created),
                "after": self._rows(changed.after, changed.deleted),
                "source": pa.StructArray.from_arrays([*said.values()], [*said]),
                "op": pa.DictionaryArray.from_arrays(op, pa.array(OPERATIONS)),
                "ts_ms": pa.array(changed.ts_ms),
            }
        )

    def _rows(self, batch: pa.RecordBatch, gone: Mask) -> pa.Array[Any]:
        """Rows as a struct, null where there is none; fields without a column have their default."""
        here = {field: column for field, column in self._columns.items() if column in batch.schema.names}
        arrays = [batch.column(column) for column in here.values()]
        return pa.StructArray.from_arrays(arrays, [*here], mask=pa.array(gone))

    def unwrapped(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]] | None:
        """The rows after, under their columns' names.

        Args:
            batch: decoded envelopes.

        Returns:
            The rows, and which of the envelopes they are from, ascending; None when these are no envelopes.
        """
        at = batch.schema.get_field_index("after")
        if at < 0 or not pa.types.is_struct(batch.schema.field(at).type):
            return None
        after = batch.column(at)
        there = np.flatnonzero(after.is_valid().to_numpy(zero_copy_only=False))
        rows: Any = after.drop_null()
        names = [self._columns.get(field.name, field.name) for field in rows.type]
        return pa.RecordBatch.from_arrays(rows.flatten(), names), there


def _always(word: str, n: int) -> pa.Array[Any]:
    return pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), pa.array([word]))
