"""Records of any shape, a row at a time, by fastavro: the codec's path for all that is not flat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import DecimalException
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa

from schemas.avro import FRAME_BYTES, frame
from schemas.errors import InputError
from schemas.messages import Decoded, Messages
from schemas.nested_types import arrow_schema, understood

MISFITS = (ValueError, TypeError, OverflowError, KeyError, IndexError, AttributeError, DecimalException)
"""What fastavro raises for a value that does not fit its schema."""

GARBAGE = (*MISFITS, EOFError, MemoryError)
"""What fastavro raises for bytes that are not a record of the schema."""


class Rowwise:
    """Encodes and decodes records of any shape that Arrow can hold.

    Args:
        avro: the Avro schema, a record.

    Raises:
        InputError: no valid Avro record, or one with a type that Arrow can not hold.
    """

    def __init__(self, avro: Mapping[str, Any]) -> None:
        self.schema = arrow_schema(avro)
        self._names = {form.get("column", form["name"]): form["name"] for form in avro["fields"]}
        try:
            self._avro = fastavro.parse_schema(understood(avro))
        except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
            raise InputError(f"schema {avro.get('name')!r}: {error}") from None

    def encode(self, batch: pa.RecordBatch, schema_id: int) -> Messages:
        """Write a batch; see `schemas.codec.Codec.encode`."""
        known = [name for name in batch.schema.names if name in self._names]
        rows = batch.select(known).to_pylist(maps_as_pydicts="strict") if known else [{}] * batch.num_rows
        prefix, out, offsets = frame(schema_id), BytesIO(), [0]
        for i, row in enumerate(rows):
            out.write(prefix)
            self._write(out, i, {self._names[column]: value for column, value in row.items()})
            offsets.append(out.tell())
        return Messages(out.getvalue(), np.array(offsets, np.int64))

    def _write(self, out: BytesIO, row: int, record: dict[str, Any]) -> None:
        try:
            fastavro.validate(record, self._avro, raise_errors=True)
            fastavro.schemaless_writer(out, self._avro, record)
        except (fastavro.validation.ValidationError, *MISFITS) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"row {row}: does not fit the Avro schema: {reason}") from None

    def decode(self, values: Sequence[bytes]) -> Decoded:
        """Read messages; see `schemas.codec.Codec.decode`."""
        rows = [self._read(value) for value in values]
        batch = self._batch([row for row in rows if row is not None])
        if batch is None:
            rows = [row if row is not None and self._batch([row]) is not None else None for row in rows]
            batch = self._batch([row for row in rows if row is not None])
        assert batch is not None  # every row fits by itself
        return Decoded(batch, np.flatnonzero([row is None for row in rows]))

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
