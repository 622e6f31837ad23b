"""What identical bytes depend on beyond artifact and seed: the platform's arithmetic."""

from __future__ import annotations

import json
import platform
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.table import Kind, TableSchema

LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "pyarrow")
"""The libraries whose arithmetic or layout reaches a record."""


def versions() -> dict[str, str]:
    """The libraries of `LIBRARIES`, and Python."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


@cache
def fingerprint() -> str:
    """Name this platform: 16 hexadecimal digits over processor features, C library and library versions.

    >>> fingerprint() == fingerprint()
    True
    """
    config: Any = np.show_config(mode="dicts")
    facts = {
        "machine": platform.machine(),
        "features": config["SIMD Extensions"],
        "libc": platform.libc_ver(),
        "byteorder": sys.byteorder,
        "versions": versions(),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def batch_hash(batch: pa.RecordBatch, schema: TableSchema) -> str:
    """The SHA-256 of what a batch says, however it lies in memory.

    Args:
        batch: rows under `schema.arrow_schema`.
        schema: what the columns are.
    """
    digest = sha256()
    for column in schema:
        array = batch.column(column.name)
        digest.update(array.is_valid().to_numpy(zero_copy_only=False).tobytes())
        if column.kind in (Kind.CATEGORY, Kind.TEXT):
            digest.update("\x1f".join("" if v is None else v for v in array.cast(pa.string()).to_pylist()).encode())
        else:
            digest.update(_plain(array).tobytes())
    return digest.hexdigest()


def _plain(array: pa.Array[Any]) -> npt.NDArray[Any]:
    if pa.types.is_date32(array.type):
        array = array.view(pa.int32())
    elif pa.types.is_timestamp(array.type):
        array = array.view(pa.int64())
    elif pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    plain: npt.NDArray[Any] = array.fill_null(0).to_numpy(zero_copy_only=False)
    return plain
