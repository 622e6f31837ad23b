"""Arrow's buffers as read-only numpy arrays, slices and bit offsets included, and never longer than the buffer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

Array = Any
"""An Arrow array of any type. The public stubs tell apart types that are known only when the program runs."""


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself, made read-only as Arrow's are: kernels are compiled anew for every kind of array they meet."""
    array.flags.writeable = False
    return array


def numbers(buffer: Any, dtype: Any, start: int, count: int) -> npt.NDArray[Any]:
    """Numbers of a buffer.

    Args:
        buffer: an Arrow buffer; may be absent or empty, as Arrow leaves it when there is nothing to hold: then every
            number is 0.
        dtype: the numbers' type.
        start: how many numbers to skip.
        count: how many to give.

    Raises:
        ValueError: the buffer is too short.
    """
    if count == 0 or buffer is None or buffer.size == 0:
        return frozen(np.zeros(count, dtype))
    return frozen(np.frombuffer(buffer, dtype, count, start * np.dtype(dtype).itemsize))


def values_of(array: Array, dtype: Any) -> npt.NDArray[Any]:
    """The values of a primitive array, shape (rows,); anything may stand under a null."""
    return numbers(array.buffers()[1], dtype, array.offset, len(array))


def bytes_of(buffer: Any) -> Bytes:
    """All bytes of an Arrow buffer, a bytes object, or nothing, shape (bytes,)."""
    return frozen(np.zeros(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8))


def bits_of(buffer: Any, array: Array) -> Bytes:
    """The array's stretch of a bitmap, a byte a bit, shape (rows,)."""
    first, skip = divmod(array.offset, 8)
    packed = numbers(buffer, np.uint8, first, -(-(skip + len(array)) // 8))
    return frozen(np.unpackbits(packed, bitorder="little")[skip : skip + len(array)])


def present_of(array: Array) -> Bytes:
    """1 where there is a value and 0 where there is null, shape (rows,); or (0,) when nothing is null."""
    return bytes_of(None) if array.null_count == 0 else bits_of(array.buffers()[0], array)


def offsets_of(array: Array) -> Longs:
    """Where each string starts in the array's data, and the end of the last, shape (rows + 1,).

    Raises:
        ValueError: the offsets do not lie in the data, so the array is not valid.
    """
    _, offsets_buffer, data = array.buffers()
    offsets = numbers(offsets_buffer, np.int32, array.offset, len(array) + 1).astype(np.int64)
    if offsets[0] < 0 or offsets[-1] > (0 if data is None else data.size) or (np.diff(offsets) < 0).any():
        raise ValueError("the offsets of a string array do not lie in its data")
    return frozen(offsets)


def starts_of(sizes: npt.ArrayLike) -> Longs:
    """Where each stretch starts when they lie one after another, and the end of the last, shape (stretches + 1,)."""
    return frozen(np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)]))


def same_memory(one: Array, other: Array) -> bool:
    """Whether two arrays are the same stretch of the same buffers; exact while both are alive."""
    if one.type != other.type or len(one) != len(other) or one.offset != other.offset:
        return False
    return [b and b.address for b in one.buffers()] == [b and b.address for b in other.buffers()]
