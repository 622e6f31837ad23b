"""How a message says which schema it was written under: Confluent's two wire forms.

A prefix of the value (a zero byte and the registry's id), or a header (a one byte and the schema's GUID; or the very
prefix) and the bare value.
"""

from __future__ import annotations

import struct
from typing import Literal
from uuid import UUID

Framing = Literal["prefix", "header"]
"""The two forms, as a stream's file names them."""

FRAME_BYTES = 5
"""Bytes of the prefix: a zero and the schema's id."""

HEADER = "__value_schema_id"
"""Name of the header that stands for the prefix."""

GUID_BYTES = 17
"""Bytes of the header's value: a one and the schema's GUID."""


def frame(schema_id: int) -> bytes:
    """The five bytes before the body of every message.

    >>> frame(258)
    b'\\x00\\x00\\x00\\x01\\x02'
    """
    return struct.pack(">bI", 0, schema_id)


def header(guid: UUID) -> bytes:
    """The value of the header that names a schema.

    >>> header(UUID(int=258)).hex()
    '0100000000000000000000000000000102'
    """
    return b"\1" + guid.bytes


def named_schema(mark: bytes) -> int | UUID | None:
    """Which schema a prefix or a header's value names: the registry's id, or the GUID; None when it is neither.

    >>> named_schema(frame(7)), named_schema(header(UUID(int=1))), named_schema(b"?")
    (7, UUID('00000000-0000-0000-0000-000000000001'), None)
    """
    if len(mark) == FRAME_BYTES and mark[0] == 0:
        identity: int = struct.unpack(">I", mark[1:])[0]
        return identity
    return UUID(bytes=mark[1:]) if len(mark) == GUID_BYTES and mark[0] == 1 else None
