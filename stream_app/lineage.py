"""The one header every record carries: which artifact drew it, and which record it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitors.arrivals import Lineages
from schemas.blobs import Blobs

HEADER = "synthstream"
"""Name of the lineage header: 16 bytes of artifact id, 4 of epoch, 4 of shard, 8 of sequence, big endian."""

DRIFT_HEADER = "synthstream.drift"
"""Name of the header that labels a record while drifts go on: for each its name, kind and course, and whether the
record is part of it, as in `storm:shift:gradual:1,fade:nulls:sudden:0`."""

WEIGHT_HEADER = "synthstream.weight"
"""Name of the header that says what a record is worth where a value is boosted: its true chance over the boosted one,
in decimal digits. Statistics weighted by it are those of the generator."""

SIZE_BYTES = 32

_LAYOUT = np.dtype([("artifact", "S16"), ("epoch", ">u4"), ("shard", ">u4"), ("sequence", ">u8")])


@dataclass(frozen=True)
class Lineage:
    """Where a record came from.

    Args:
        artifact: the first 16 bytes of the artifact's identity, as 32 hexadecimal digits.
        epoch: the stream's epoch.
        shard: the shard, which is the partition.
        sequence: the record's number in its shard, from 0.
    """

    artifact: str
    epoch: int
    shard: int
    sequence: int


def headers(artifact: str, epoch: int, shard: int, start: int, stop: int) -> Blobs:
    """The lineage headers of the records start to stop - 1 of a shard, 32 bytes each."""
    rows = np.zeros(stop - start, _LAYOUT)
    rows["epoch"], rows["shard"] = epoch, shard
    rows["sequence"] = np.arange(start, stop)
    raw = rows.view(np.uint8).reshape(-1, SIZE_BYTES)
    raw[:, :16] = np.frombuffer(bytes.fromhex(artifact[:32]), np.uint8)
    return Blobs.cut(raw.ravel(), SIZE_BYTES * np.arange(stop - start + 1))


def numbers(marks: Blobs, partitions: npt.NDArray[np.int32]) -> Lineages:
    """Read the lineage headers of many records.

    Args:
        marks: what the header holds, none where a record has none.
        partitions: where each lies, shape (records,); a header that says otherwise is none.
    """
    known = marks.sizes == SIZE_BYTES
    raw = np.zeros((len(marks), SIZE_BYTES), np.uint8)
    raw[known] = marks.buffer[marks.starts[known][:, None] + np.arange(SIZE_BYTES)]
    rows = raw.view(_LAYOUT)[:, 0]
    epochs = np.where(known & (rows["shard"] == partitions), rows["epoch"].astype(np.int64), -1)
    return Lineages(epochs, rows["sequence"].astype(np.int64))


def parse(header: bytes) -> Lineage | None:
    """Read a lineage header; None when the bytes are not one."""
    if len(header) != SIZE_BYTES:
        return None
    return Lineage(
        header[:16].hex(),
        int.from_bytes(header[16:20], "big"),
        int.from_bytes(header[20:24], "big"),
        int.from_bytes(header[24:], "big"),
    )
