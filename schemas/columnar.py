"""Flat records, whole columns at a time: the fast path of the codec."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np
import pyarrow as pa

from schemas.arrow_views import Array, bytes_of, starts_of
from schemas.avro import FRAME_BYTES, Field, frame
from schemas.decode_columns import Records, decoded_type, read_column
from schemas.decode_kernels import read_frame
from schemas.encode_columns import ColumnEncoder, Part
from schemas.encode_kernels import write_frame
from schemas.errors import InputError
from schemas.messages import Decoded, Messages
from schemas.wire_types import default_array

MAX_DECODED_BYTES = 2**31 - 1
"""Messages decoded in one call may hold this many bytes together: Arrow's strings have 32-bit offsets."""


class Columnar:
    """Encodes and decodes flat records.

    Args:
        fields: the fields of the Avro record, in order.

    Raises:
        InputError: there are none.
    """

    def __init__(self, fields: tuple[Field, ...]) -> None:
        if not fields:
            raise InputError("schema fields=[]: the Avro record has no fields; expected at least one")
        self._encoders = [ColumnEncoder(field) for field in fields]
        self.fields = fields
        self.schema = pa.schema([pa.field(f.column, decoded_type(f), f.null_index is not None) for f in fields])

    def encode(self, batch: pa.RecordBatch, schema_id: int) -> Messages:
        """Write a batch; see `schemas.codec.Codec.encode`."""
        sizes = np.full(batch.num_rows, FRAME_BYTES, np.int64)
        parts: list[Part] = []
        faults: list[str] = []
        for encoder in self._encoders:
            try:
                part = encoder.part(_column(batch, encoder.field))
                part.measure(sizes)
                parts.append(part)
            except InputError as error:
                faults.extend(error.faults)
        if faults:
            raise InputError(*faults)
        offsets = starts_of(sizes)
        out = np.empty(offsets[-1], np.uint8)
        cursor = offsets[:-1].copy()
        write_frame(bytes_of(frame(schema_id)), cursor, out)
        for part in parts:
            part.write(cursor, out)
        return Messages(out.tobytes(), offsets)

    def decode(self, values: Sequence[bytes]) -> Decoded:
        """Read messages; see `schemas.codec.Codec.decode`."""
        data = bytes_of(b"".join(values))
        if len(data) > MAX_DECODED_BYTES:
            raise InputError(f"values: {len(data)} bytes at once; decode at most {MAX_DECODED_BYTES} a call")
        bounds = starts_of(np.fromiter(map(len, values), np.int64, len(values)))
        starts, ends = bounds[:-1], bounds[1:]
        cursor = np.empty(len(values), np.int64)
        read_frame(data, starts, ends, FRAME_BYTES, cursor)
        records = Records(data, cursor, ends)
        columns = [read_column(field, records) for field in self.fields]
        whole = cursor == ends
        if whole.all():
            return Decoded(pa.RecordBatch.from_arrays(columns, schema=self.schema), np.zeros(0, np.int64))
        # Read the good ones again by themselves: nothing of a broken message may linger, in a dictionary say.
        again = self.decode(list(compress(values, whole.tolist())))
        return Decoded(again.batch, np.flatnonzero(~whole))


def _column(batch: pa.RecordBatch, field: Field) -> Array:
    found = batch.schema.get_all_field_indices(field.column)
    if len(found) > 1:
        raise InputError(f"column {field.column!r}: appears {len(found)} times; rename them")
    return batch.column(found[0]) if found else default_array(field, batch.num_rows)
