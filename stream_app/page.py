"""One page of encoded records: what is handed over at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from connectors.kafka import Outbox, Records
from stream_app.quarantine import Kept


@dataclass(frozen=True)
class Page:
    """Consecutive records of a shard, encoded and ready to hand over: a block, or what lies between two changes."""

    start: int
    records: Records
    due_ms: npt.NDArray[np.int64]
    event_ms: npt.NDArray[np.int64] | None
    kept_out: Mapping[int, Kept]
    tombstones: npt.NDArray[np.int64]
    """The rows that a record of the same key without a value follows in the same slot."""

    @property
    def stop(self) -> int:
        """The sequence number after the last record."""
        return self.start + len(self.records)

    def send(
        self, outbox: Outbox, partition: int, start: int, stop: int, at_ms: int | None, tally: Counter[str]
    ) -> npt.NDArray[np.int64]:
        """Hand over some of the slots.

        Args:
            outbox: takes the records.
            partition: where they go.
            start: the first slot.
            stop: the slot after the last.
            at_ms: a timestamp for all; None for the intended ones.
            tally: counts mishaps by kind.

        Returns:
            Their timestamps, shape (records,).
        """
        first, last = start - self.start, stop - self.start
        due_ms = self.due_ms[first:last] if at_ms is None else np.full(last - first, at_ms)
        outbox.send(self.records.part(slice(first, last)), partition, due_ms)
        return due_ms
