"""UUIDs as text and as 16 bytes, whole columns at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow_views import Array, Bytes, bytes_of, frozen, numbers, offsets_of
from schemas.avro_fields import UUID_BYTES, Field
from schemas.wire_types import Misfit, check_type

DASHES = [8, 13, 18, 23]
DIGITS = [i for i in range(36) if i not in DASHES]
NIL = "00000000-0000-0000-0000-000000000000"

_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_VALUES = np.full(256, 255, np.uint8)
_VALUES[_HEX] = _VALUES[np.frombuffer(b"0123456789ABCDEF", np.uint8)] = np.arange(16)


def uuid_bytes(field: Field, array: Array) -> Bytes:
    """The bytes of UUIDs, highest first, shape (rows * 16,); anything may stand under a null.

    Args:
        field: the field they are for.
        array: strings like "123e4567-e89b-12d3-a456-426614174000", or the 16 bytes already.

    Raises:
        Misfit: a string is no UUID.
    """
    check_type(field, array.type)
    if pa.types.is_fixed_size_binary(array.type):
        return numbers(array.buffers()[1], np.uint8, array.offset * UUID_BYTES, len(array) * UUID_BYTES)
    texts: Any = array.cast(pa.string()).fill_null(NIL)
    fits = pc.binary_length(texts).to_numpy() == len(NIL)
    if fits.all():
        offsets = offsets_of(texts)
        signs = bytes_of(texts.buffers()[2])[offsets[0] : offsets[-1]].reshape(-1, len(NIL))
        nibbles = _VALUES[signs[:, DIGITS]]
        fits = (nibbles < 16).all(axis=1) & (signs[:, DASHES] == ord("-")).all(axis=1)
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise Misfit(field, row, f"{texts[row].as_py()!r} is no UUID; expected one like {NIL}")
    return frozen((nibbles[:, ::2] << 4 | nibbles[:, 1::2]).reshape(-1))


def uuid_texts(data: Bytes) -> Bytes:
    """The text of UUIDs, one behind the other, shape (rows * 36,), from their bytes, shape (rows * 16,)."""
    texts: npt.NDArray[np.uint8] = np.full((len(data) // UUID_BYTES, len(NIL)), ord("-"), np.uint8)
    texts[:, DIGITS] = _HEX[np.stack([data >> 4, data & 15], axis=1)].reshape(-1, len(DIGITS))
    return texts.reshape(-1)
