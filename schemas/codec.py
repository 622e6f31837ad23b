"""Arrow batches to Confluent-framed Avro messages and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from schemas.avro import fields
from schemas.columnar import Columnar
from schemas.errors import InputError
from schemas.messages import Decoded, Messages
from schemas.rowwise import Rowwise

__all__ = ["Codec", "Decoded", "Messages", "warm"]


class Codec:
    """Encodes and decodes the records of one Avro schema: flat ones by whole columns, others row by row.

    Args:
        avro: the Avro schema, a record.

    Raises:
        InputError: the schema is not one we can read or write.

    >>> codec = Codec({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]})
    >>> codec.encode(pa.record_batch({"a": [1, -1]}), schema_id=7).values()
    [b'\\x00\\x00\\x00\\x00\\x07\\x02', b'\\x00\\x00\\x00\\x00\\x07\\x01']
    >>> codec.decode([b"\\x00\\x00\\x00\\x00\\x07\\x02", b"ours?"]).bad
    array([1])
    """

    def __init__(self, avro: Mapping[str, Any]) -> None:
        self._path: Columnar | Rowwise
        try:
            self._path = Columnar(fields(avro))
        except InputError:
            self._path = Rowwise(avro)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of every decoded batch."""
        return self._path.schema

    def encode(self, batch: pa.RecordBatch, schema_id: int) -> Messages:
        """Write every row as a message.

        Args:
            batch: has a column for every field (by the field's `column`), or the field a default; columns that no
                field names are left out. Slices are fine.
            schema_id: the schema's id in the registry.

        Raises:
            InputError: a column is missing or of the wrong type, or a value does not fit; every column at fault is
                named, with the row and the value where there is one.
        """
        return self._path.encode(batch, schema_id)

    def decode(self, values: Sequence[bytes]) -> Decoded:
        """Read messages that were written under this schema.

        Args:
            values: the messages, frame included; its schema id is not looked at.

        Returns:
            A batch under `schema`, and which messages were not such records: cut short, too long, no frame, a
            value outside its type. Strings and enums come out as dictionaries.
        """
        return self._path.decode(values)


def warm() -> None:
    """Compile, or load from numba's cache on disk, every kernel, so that the first real batch does not wait.

    Worth calling where a process starts, before it owes anybody a record.
    """
    kinds = ("long", "double", "float", "boolean", "string", {"type": "enum", "name": "e", "symbols": ["x"]})
    forms = [{"name": f"f{i}", "type": ["null", kind]} for i, kind in enumerate(kinds)]
    codec = Codec({"type": "record", "name": "warm", "fields": [*forms, {"name": "plain", "type": "string"}]})
    columns: Any = [[1, None], [1.0, None], [1.0, None], [True, None], ["x", None], ["x", None], ["x", "y"]]
    batch = pa.record_batch({name: pa.array(c) for name, c in zip(codec.schema.names, columns, strict=True)})
    text = batch.schema.get_field_index("f4")
    batch = batch.set_column(text, "f4", batch.column(text).dictionary_encode())
    codec.decode(codec.encode(batch, 0).values())
