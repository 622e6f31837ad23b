"""Arrow batches to Confluent-framed Avro messages and back, whole columns at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.arrow_views import Array, bytes_of, frozen, starts_of
from schemas.avro_fields import Field, fields
from schemas.blobs import Blobs
from schemas.decode_columns import ColumnDecoder, Records, decoded_type
from schemas.decode_kernels import read_frame
from schemas.encode_columns import ColumnEncoder
from schemas.encode_kernels import write_frame
from schemas.encode_parts import Part
from schemas.errors import InputError
from schemas.framing import FRAME_BYTES, frame
from schemas.messages import Decoded, Messages
from schemas.uuids import NIL
from schemas.wire_types import default_array

__all__ = ["Codec", "Decoded", "Messages", "warm"]

MAX_DECODED_BYTES = 2**31 - 1
"""Messages decoded in one call may hold this many bytes together: Arrow's strings have 32-bit offsets."""


class Codec:
    """Encodes and decodes the records of one Avro schema.

    Args:
        avro: the Avro schema, a record of any shape that Arrow can hold.

    Raises:
        InputError: the schema is not one we can read or write.

    >>> codec = Codec({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]})
    >>> codec.encode(pa.record_batch({"a": [1, -1]}), schema_id=7).values()
    [b'\\x00\\x00\\x00\\x00\\x07\\x02', b'\\x00\\x00\\x00\\x00\\x07\\x01']
    >>> codec.decode([b"\\x00\\x00\\x00\\x00\\x07\\x02", b"ours?"]).bad
    array([1])
    """

    def __init__(self, avro: Mapping[str, Any]) -> None:
        top = fields(avro)
        self._encoders = [ColumnEncoder(field) for field in top]
        self._decoders = [ColumnDecoder(field) for field in top]
        self._schema = pa.schema([pa.field(f.column, decoded_type(f), f.null_index is not None) for f in top])

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of every decoded batch."""
        return self._schema

    def encode(self, batch: pa.RecordBatch, schema_id: int | None) -> Messages:
        """Write every row as a message.

        Args:
            batch: has a column for every field (by the field's `column`), or the field a default; columns that no
                field names are left out. Slices are fine.
            schema_id: the schema's id in the registry; None for bare records, whose schema a header names.

        Raises:
            InputError: a column is missing or of the wrong type, or a value does not fit; every column at fault is
                named, with the row and the value where there is one.
        """
        mark = b"" if schema_id is None else frame(schema_id)
        sizes = np.full(batch.num_rows, len(mark), np.int64)
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
        write_frame(bytes_of(mark), cursor, out)
        for part in parts:
            part.write(cursor, out)
        return Messages(out.tobytes(), offsets)

    def decode(self, values: Sequence[bytes | None], framed: bool = True) -> Decoded:
        """Read messages that were written under this schema.

        Args:
            values: the messages; `Blobs` are read where they lie, others are put side by side first.
            framed: whether each begins with a frame, whose schema id is not looked at.

        Returns:
            A batch under `schema`, and which messages were not such records: cut short, too long, no frame, a
            value outside its type. Strings and enums come out as dictionaries, those within other fields plain.

        Raises:
            InputError: more bytes than Arrow's offsets can address.
        """
        blobs = values if isinstance(values, Blobs) else Blobs.of(values)
        starts = np.ascontiguousarray(blobs.starts)
        data, ends = frozen(blobs.buffer.view()), frozen(starts + blobs.sizes)
        size = int(blobs.sizes.clip(min=0).sum())
        if size > MAX_DECODED_BYTES:
            raise InputError(f"values: {size} bytes at once; decode at most {MAX_DECODED_BYTES} a call")
        cursor = starts.copy()
        if framed:
            read_frame(data, frozen(starts.view()), ends, FRAME_BYTES, cursor)
        records = Records(data, cursor, ends)
        columns = [decoder.read(records) for decoder in self._decoders]
        whole = (cursor == ends) & (blobs.sizes >= 0)
        if whole.all():
            return Decoded(pa.RecordBatch.from_arrays(columns, schema=self.schema), np.zeros(0, np.int64))
        # Read the good ones again by themselves: nothing of a broken message may linger, in a dictionary say.
        again = self.decode(blobs.take(np.flatnonzero(whole)), framed)
        return Decoded(again.batch, np.flatnonzero(~whole))


def _column(batch: pa.RecordBatch, field: Field) -> Array:
    found = batch.schema.get_all_field_indices(field.column)
    if len(found) > 1:
        raise InputError(f"column {field.column!r}: appears {len(found)} times; rename them")
    return batch.column(found[0]) if found else default_array(field, batch.num_rows)


EVERY_KIND: tuple[tuple[Any, Any], ...] = (
    ("long", 1),
    ("double", 1.0),
    ("float", 1.0),
    ("boolean", True),
    ("string", "x"),
    ({"type": "enum", "name": "e", "symbols": ["x"]}, "x"),
    ("bytes", b"x"),
    ({"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}, NIL),
    ({"type": "bytes", "logicalType": "decimal", "precision": 9}, 1),
    ({"type": "array", "items": "long"}, [1]),
    ({"type": "record", "name": "s", "fields": [{"name": "a", "type": "string"}]}, {"a": "x"}),
)
"""Types that go through every kernel together, each with a value."""


def warm() -> None:
    """Compile, or load from numba's cache on disk, every kernel, so that the first real batch does not wait.

    Worth calling where a process starts, before it owes anybody a record.
    """
    names = [f"f{i}" for i in range(len(EVERY_KIND))]
    forms = [{"name": name, "type": ["null", kind]} for name, (kind, _) in zip(names, EVERY_KIND, strict=True)]
    codec = Codec({"type": "record", "name": "warm", "fields": forms})
    arrays = [pa.array([value, None]) for _, value in EVERY_KIND]
    for columns in (arrays, [array.dictionary_encode() if array.type == pa.string() else array for array in arrays]):
        codec.decode(codec.encode(pa.RecordBatch.from_arrays(columns, names), 0).values())
