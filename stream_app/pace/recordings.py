"""Recorded arrivals: how many came in each slot of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files import read_table
from schemas.errors import InputError
from schemas.rate_forms import Trace
from schemas.rates import with_traces

MOST_SLOTS = 10_000_000
"""A recording of more slots than that is cut too finely."""


@dataclass(frozen=True)
class Recording:
    """Arrivals counted in slots of equal length.

    Args:
        counts: how many, from the first arrival's slot to the last one's, shape (slots,).
        digest: says whether two recordings are the same.
    """

    counts: npt.NDArray[np.float64]
    digest: str


def recording(trace: Trace) -> Recording:
    """Read a recording; the same file is read once.

    Raises:
        InputError: it can not be read, has no times, times out of order, or is not the one it was.
    """
    read = _read(trace.file, trace.slot_s)
    if trace.digest not in (None, read.digest):
        raise InputError(
            f"trace.file={trace.file}: holds other arrivals than when the stream began; put the first recording back"
        )
    return read


def pinned(rate: Any) -> Any:
    """The same rate with every recording in it read, and bound to what its file holds now.

    Raises:
        InputError: as `recording`.
    """
    return with_traces(rate, lambda trace: trace.model_copy(update={"digest": recording(trace).digest}))


def placeless(rate: Any) -> Any:
    """The same rate with its recordings known by what they hold, wherever they lie: to compare rates by."""
    return with_traces(rate, lambda trace: trace.model_copy(update={"file": Path()}))


@lru_cache(maxsize=16)
def _read(file: Path, slot_s: float) -> Recording:
    seconds, weights = _arrivals(file)
    if not len(seconds) or not weights.sum() > 0:
        raise InputError(f"trace.file={file}: holds no arrivals")
    if not np.isfinite(seconds).all() or not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError(f"trace.file={file}: expected times, and counts of 0 or more, in every row")
    back = np.flatnonzero(np.diff(seconds) < 0)
    if len(back):
        raise InputError(
            f"trace.file={file}: row {back[0] + 2} is earlier than the one before it; sort the file by time"
        )
    slots = np.floor((seconds - seconds[0]) / slot_s)
    if slots[-1] >= MOST_SLOTS:
        raise InputError(
            f"trace.slot_s={slot_s:g}: cuts the recording into {slots[-1] + 1:,.0f} slots; use longer ones"
        )
    counts = np.bincount(slots.astype(np.int64), weights).astype(np.float64)
    return Recording(counts, blake2b(counts.tobytes() + np.float64(slot_s).tobytes(), digest_size=8).hexdigest())


def _arrivals(file: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Seconds since some moment, and how many arrived at each, each of shape (rows,)."""
    table = read_table(file)
    names = table.column_names
    if {"second", "count"} <= set(names):
        return _seconds(file, table["second"]), _seconds(file, table["count"])
    name = "time" if "time" in names else names[0]
    if name != "time" and len(names) > 1:
        raise InputError(
            f"trace.file={file}: has the columns {', '.join(names)}; expected `time`, or `second` and `count`"
        )
    seconds = _seconds(file, table[name])
    return seconds, np.ones(len(seconds))


def _seconds(file: Path, column: Any) -> npt.NDArray[np.float64]:
    values: Any = column.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type):
        values = _parsed(file, pc.utf8_trim_whitespace(values))
    if pa.types.is_timestamp(values.type):
        values = pc.divide(pc.cast(pc.cast(values, pa.timestamp("us", values.type.tz)), pa.int64()).cast("double"), 1e6)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise InputError(f"trace.file={file}: holds {values.type}; expected times or seconds")
    seconds: npt.NDArray[np.float64] = values.cast("double").to_numpy(zero_copy_only=False)
    return seconds


def _parsed(file: Path, texts: pa.StringArray) -> Any:
    for kind in (pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return pc.cast(texts, kind)
        except pa.ArrowInvalid:
            continue
    raise InputError(f"trace.file={file}: {texts[0].as_py()!r}: expected seconds, or times as in 2026-01-31T09:00:00Z")
