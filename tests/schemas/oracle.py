"""Records of any shape, a row at a time, by fastavro: what the codec is held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import DecimalException
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import numpy as np
import pyarrow as pa

from schemas.codec import Codec
from schemas.framing import FRAME_BYTES, frame
from schemas.messages import Decoded

GARBAGE = (
    ValueError,
    TypeError,
    OverflowError,
    KeyError,
    IndexError,
    AttributeError,
    DecimalException,
    EOFError,
    MemoryError,
)
"""What fastavro raises for bytes that are not a record of the schema."""

fastavro.write.LOGICAL_WRITERS["fixed-uuid"] = lambda uuid, schema: UUID(uuid).bytes if isinstance(uuid, str) else uuid
fastavro.read.LOGICAL_READERS["fixed-uuid"] = lambda data, writer, reader: str(UUID(bytes=data))
KNOWN = {*fastavro.read.LOGICAL_READERS} - {"string-uuid"}
"""What each logical type annotates and its name, where it means to fastavro what it means to the codec."""


def understood(form: Any) -> Any:
    """The schema without other logical types: their values are what they annotate."""
    if isinstance(form, list):
        return [understood(branch) for branch in form]
    if not isinstance(form, Mapping):
        return form
    inner = ("type", "items", "values", "fields")
    kept = {key: understood(value) if key in inner else value for key, value in form.items()}
    if f"{kept['type']}-{kept.get('logicalType')}" not in KNOWN:
        kept.pop("logicalType", None)
    return kept


class Oracle:
    """Writes and reads records by fastavro.

    Args:
        avro: the Avro schema, a record.
    """

    def __init__(self, avro: Mapping[str, Any]) -> None:
        self.schema = Codec(avro).schema
        self._names = {form.get("column", form["name"]): form["name"] for form in avro["fields"]}
        self._avro = fastavro.parse_schema(understood(avro))

    def encode(self, batch: pa.RecordBatch, schema_id: int) -> list[bytes]:
        """Write a batch."""
        columns = {self._names[name]: _plain(batch[name]) for name in batch.schema.names if name in self._names}
        rows = pa.record_batch(columns).to_pylist(maps_as_pydicts="strict") if columns else [{}] * batch.num_rows
        return [self._write(frame(schema_id), row) for row in rows]

    def _write(self, prefix: bytes, record: dict[str, Any]) -> bytes:
        fastavro.validate(record, self._avro, raise_errors=True)
        out = BytesIO()
        fastavro.schemaless_writer(out, self._avro, record)
        return prefix + out.getvalue()

    def decode(self, values: Sequence[bytes]) -> Decoded:
        """Read messages; a value that Arrow can not hold makes its message a bad one too."""
        rows = [self._read(value) for value in values]
        good = [row if row is not None and self._batch([row]) is not None else None for row in rows]
        batch = self._batch([row for row in good if row is not None])
        assert batch is not None  # every row fits by itself
        return Decoded(batch, np.flatnonzero([row is None for row in good]))

    def _read(self, value: bytes) -> dict[str, Any] | None:
        if len(value) < FRAME_BYTES or value[0] != 0:
            return None
        data = BytesIO(value)
        data.seek(FRAME_BYTES)
        try:
            row = fastavro.schemaless_reader(data, self._avro, None)
        except GARBAGE:
            return None
        return row if data.tell() == len(value) and isinstance(row, dict) else None

    def _batch(self, rows: list[dict[str, Any]]) -> pa.RecordBatch | None:
        names = self._names.values()
        try:
            columns = [
                pa.array([row[name] for row in rows], kind) for name, kind in zip(names, self.schema.types, strict=True)
            ]
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            return None
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _plain(array: Any) -> Any:
    """Nanoseconds as numbers: Python's datetime has none, and fastavro does not know them."""
    return array.cast(pa.int64()) if pa.types.is_timestamp(array.type) and array.type.unit == "ns" else array
