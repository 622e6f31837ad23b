"""Arrays as long as a table that is longer than memory: they lie in a file without a name, that nobody else sees."""

from __future__ import annotations

import os
from tempfile import TemporaryFile, gettempdir
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from schemas.errors import ServiceError

Number = TypeVar("Number", np.int32, np.float32)


def mapped(shape: tuple[int, int], kind: type[Number]) -> npt.NDArray[Number]:
    """An array of zeros in a file.

    Args:
        shape: rows, and numbers a row.
        kind: of its numbers.

    Raises:
        ServiceError: there is no room for the file.
    """
    try:
        with TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, max(1, shape[0] * shape[1] * np.dtype(kind).itemsize))
            return np.memmap(file, kind, "r+", shape=shape)
    except OSError as error:
        raise ServiceError(
            f"{gettempdir()}: has no room for the cells of {shape[0]:,} rows ({error.strerror or error}); "
            "set TMPDIR to a folder that has"
        ) from None
