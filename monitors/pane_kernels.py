"""Where and when a pane's records lie: slots, delays and spans, one pass each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.kernel import kernel

Codes = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@kernel
def code_delays(delays_s: npt.NDArray[Any], edges_s: npt.NDArray[np.float64], first: Longs, codes: Codes) -> None:
    """Find the last edge not above each delay; what lies below the first edge counts as the first.

    Args:
        delays_s: shape (rows,).
        edges_s: ascending, shape (cells,); behind the second they grow evenly in the logarithm.
        first: by exponent of two of a delay over the second edge, the first cell it can lie in, shape (exponents,).
        codes: set, shape (rows,).
    """
    last = edges_s.shape[0] - 1
    for row in range(delays_s.shape[0]):
        delay = np.float64(delays_s[row])
        cell = 0
        if delay >= edges_s[1]:
            exponent = 0
            rest = delay / edges_s[1]
            while rest >= 2.0 and exponent < first.shape[0] - 1:
                rest *= 0.5
                exponent += 1
            cell = first[exponent]
            while edges_s[cell] > delay:  # by rounding alone
                cell -= 1
            while cell < last and edges_s[cell + 1] <= delay:
                cell += 1
        codes[row] = cell


@kernel
def bounds_of(values: Longs) -> tuple[int, int]:
    """The least and the greatest of some numbers, shape (rows,); there is at least one."""
    low, high = values[0], values[0]
    for row in range(values.shape[0]):
        low = min(low, values[row])
        high = max(high, values[row])
    return low, high


@kernel
def note_spans(
    slots: Longs, partitions: npt.NDArray[np.int32], offsets: Longs, event_time_ms: Longs, spans: Longs
) -> None:
    """Note by slot and partition the first and last offset and the latest event time.

    Args:
        slots: the slot of each row, shape (rows,); shape (0,) when all are in the first.
        partitions: shape (rows,).
        offsets: shape (rows,).
        event_time_ms: shape (rows,).
        spans: records, first, last, latest by slot and partition, shape (slots, partitions, 4); added to from 0.
    """
    one = slots.shape[0] == 0
    for row in range(partitions.shape[0]):
        slot = 0 if one else slots[row]
        partition = partitions[row]
        if spans[slot, partition, 0] == 0:
            spans[slot, partition, 1] = offsets[row]
            spans[slot, partition, 2] = offsets[row]
            spans[slot, partition, 3] = event_time_ms[row]
        spans[slot, partition, 0] += 1
        spans[slot, partition, 1] = min(spans[slot, partition, 1], offsets[row])
        spans[slot, partition, 2] = max(spans[slot, partition, 2], offsets[row])
        spans[slot, partition, 3] = max(spans[slot, partition, 3], event_time_ms[row])
