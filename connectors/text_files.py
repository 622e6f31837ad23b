"""What CSV and JSON lines share: bytes that must be UTF-8, and lines built column by column."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError

CHUNK_BYTES = 1 << 20

BLOCK_BYTES = 1 << 26
"""The most bytes a single row may have."""


def checked_text(data: bytes, name: str) -> bytes:
    """The bytes of a text file, without a byte order mark.

    Args:
        data: the whole file.
        name: the file, for people.

    Raises:
        InputError: the file is empty or not UTF-8.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise InputError(f"{name}: is empty; expected a table")
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    for start in range(0, len(data), CHUNK_BYTES):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + CHUNK_BYTES], final=start + CHUNK_BYTES >= len(data))
        except UnicodeDecodeError as error:
            at = start - pending + error.start
            line = data.count(b"\n", 0, at) + 1
            raise InputError(
                f"{name}: not UTF-8 at byte {at} (line {line}, 0x{data[at]:02x}); "
                "save it as UTF-8, or convert it: `iconv -f latin1 -t utf-8`"
            ) from None
    return data


def lines(parts: Sequence[Any], between: str) -> bytes:
    """Join columns of text into lines.

    Args:
        parts: arrays of (rows,) strings.
        between: stands between them.
    """
    joined = pc.binary_join_element_wise(*parts, pa.scalar(between))
    return ("\n".join(map(str, joined.to_pylist())) + "\n").encode()
