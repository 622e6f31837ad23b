"""Rows as numbers of 64 bits, so that equal rows are found by sorting."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.arrow_views import Array
from schemas.numeric import NUMERIC_KINDS
from stream_app.assessment.tables import Side

Words = npt.NDArray[np.uint64]


def fingerprints(side: Side) -> Words:
    """A number for each row, by its columns that have a distribution; equal for equal rows, shape (rows,).

    Two rows that differ have the same number once in 2^64.
    """
    found = np.zeros(side.rows, np.uint64)
    for place, column in enumerate(side.ground.columns, 1):
        values = side.table.column(column.name)
        words = _of_numbers(values) if column.kind in NUMERIC_KINDS else _of_strings(values)
        found = _mixed(found * np.uint64(0x9E3779B97F4A7C15) + _mixed(words + np.uint64(place)))
    return found


def equal_to_any(rows: Words, among: Words) -> npt.NDArray[np.bool_]:
    """Which rows are equal to one of some, shape (rows,)."""
    if not len(among):
        return np.zeros(len(rows), np.bool_)
    known = np.unique(among)
    at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
    equal: npt.NDArray[np.bool_] = known[at] == rows
    return equal


def _of_numbers(values: pa.ChunkedArray[Any]) -> Words:
    flat: Array = values.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks)
    if pa.types.is_date32(flat.type):
        flat = flat.view(pa.int32()).cast(pa.int64())
    elif pa.types.is_timestamp(flat.type):
        flat = flat.view(pa.int64())
    plain = flat.fill_null(0).to_numpy(zero_copy_only=False)
    plain = plain + 0.0 if plain.dtype == np.float64 else plain.astype(np.int64)  # -0.0 is 0.0
    return np.where(flat.is_null().to_numpy(zero_copy_only=False), _of_text(None), plain.view(np.uint64))


def _of_strings(values: pa.ChunkedArray[Any]) -> Words:
    encoded: Any = values.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks)
    known = np.array([*map(_of_text, encoded.dictionary.to_pylist()), _of_text(None)], np.uint64)
    return np.asarray(known[encoded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)])


def _of_text(text: str | None) -> np.uint64:
    key = b"null" if text is None else b"="
    return np.uint64(int.from_bytes(blake2b((text or "").encode(), digest_size=8, key=key).digest(), "little"))


def _mixed(words: Words) -> Words:
    """Every bit in a mixed number depends on all bits of the number (Steele, Lea and Flood's splitmix, 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = words ^ (words >> np.uint64(31))
    return mixed
