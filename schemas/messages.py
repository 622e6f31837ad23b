"""Records as bytes, and what came out of bytes: the two values the codec deals in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.blobs import Blobs


@dataclass(frozen=True)
class Messages:
    """A batch of framed Avro records, one after another in one buffer.

    Args:
        buffer: the bytes of all messages.
        offsets: where each starts, and the end of the last, shape (messages + 1,).

    >>> Messages(b"abc", np.array([0, 1, 3])).values()
    [b'a', b'bc']
    """

    buffer: bytes
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def blobs(self) -> Blobs:
        """The messages side by side, without copying them."""
        return Blobs.cut(self.buffer, self.offsets)

    def values(self) -> list[bytes]:
        """Each message on its own."""
        buffer = self.buffer
        return [buffer[start:stop] for start, stop in pairwise(self.offsets.tolist())]


@dataclass(frozen=True)
class Decoded:
    """What came out of messages.

    Args:
        batch: the rows of the messages that could be read, in order.
        bad: which messages could not, ascending, shape (bad,); `batch` has no rows for them.
    """

    batch: pa.RecordBatch
    bad: npt.NDArray[np.int64]
