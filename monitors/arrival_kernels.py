"""What comes again, out of order or not at all: one pass over records in the order they were read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.kernel import inlined, kernel

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FIRST, TOP, GAPS, EPOCH = range(4)
"""What is known of a shard: the first and the highest sequence that came, how many gaps are open, the epoch."""

MISSING, FILLED, REPEATED = range(3)
"""What a record shows: sequences that did not come before it, one of these that came after all, one that came twice."""


@kernel
def follow_offsets(partitions: npt.NDArray[np.int32], offsets: Longs, following: Longs, fresh: Mask) -> None:
    """Say which records are read for the first time.

    Args:
        partitions: shape (rows,).
        offsets: shape (rows,).
        following: by partition, the offset behind the last one read; moved on, shape (partitions,).
        fresh: set, shape (rows,).
    """
    for row in range(offsets.shape[0]):
        partition = partitions[row]
        fresh[row] = offsets[row] >= following[partition]
        following[partition] = max(following[partition], offsets[row] + 1)


@kernel
def follow_times(
    partitions: npt.NDArray[np.int32], times_ms: Longs, counted: Mask, newest_ms: Longs, late_ms: Longs
) -> None:
    """Say how far each record's event time lies behind the newest that its partition had shown before it.

    Args:
        partitions: shape (rows,).
        times_ms: event times, shape (rows,).
        counted: which records have one, shape (rows,).
        newest_ms: by partition the newest event time so far; moved on, shape (partitions,).
        late_ms: set where time goes back, from 0, shape (rows,).
    """
    for row in range(times_ms.shape[0]):
        partition = partitions[row]
        if not counted[row]:
            continue
        if newest_ms[partition] > max(times_ms[row], NEVER):
            late_ms[row] = newest_ms[partition] - times_ms[row]
        newest_ms[partition] = max(newest_ms[partition], times_ms[row])


NEVER = -(2**63)
"""The event time of a partition that has shown none."""


@inlined
def open_gap(gaps: Longs, count: int, at: int, first: int, last: int) -> int:
    """Put a gap in at a place, where there is no room in place of the oldest; returns how many there are."""
    if count == gaps.shape[0]:
        for i in range(1, count):
            gaps[i - 1, 0], gaps[i - 1, 1] = gaps[i, 0], gaps[i, 1]
        count -= 1
        at = max(at - 1, 0)
    for i in range(count, at, -1):
        gaps[i, 0], gaps[i, 1] = gaps[i - 1, 0], gaps[i - 1, 1]
    gaps[at, 0], gaps[at, 1] = first, last
    return count + 1


@inlined
def fill_gap(gaps: Longs, count: int, sequence: int) -> int:
    """Take a sequence out of the gap it lies in; returns how many gaps there are, or -1 when it lies in none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if gaps[middle, 1] < sequence:
            low = middle + 1
        else:
            high = middle
    if low == count or gaps[low, 0] > sequence:
        return -1
    first, last = gaps[low, 0], gaps[low, 1]
    if first < sequence < last:
        gaps[low, 0] = sequence + 1
        return open_gap(gaps, count, low, first, sequence - 1)
    if first < last:
        if first == sequence:
            gaps[low, 0] = sequence + 1
        else:
            gaps[low, 1] = sequence - 1
        return count
    for i in range(low + 1, count):
        gaps[i - 1, 0], gaps[i - 1, 1] = gaps[i, 0], gaps[i, 1]
    return count - 1


@kernel
def follow_sequences(
    shards: npt.NDArray[np.int32], epochs: Longs, sequences: Longs, states: Longs, gaps: Longs, shown: Longs
) -> None:
    """Say what each record shows of the sequence numbers of its shard.

    Sequences below the first that was read say nothing: it is not known which of them came before. Nor do records of an
    epoch that is over.

    Args:
        shards: shape (rows,).
        epochs: shape (rows,); -1 where a record does not say which it is, and shows nothing.
        sequences: shape (rows,).
        states: by shard `FIRST`, `TOP`, `GAPS` and `EPOCH`, which is -1 before the first record; moved on.
        gaps: by shard the sequences that did not come, first and last of each stretch, ascending; moved on.
        shown: set to how many by `MISSING`, `FILLED` and `REPEATED`, from 0, shape (rows, 3).
    """
    for row in range(sequences.shape[0]):
        shard, epoch, sequence = shards[row], epochs[row], sequences[row]
        if epoch < 0 or epoch < states[shard, EPOCH]:
            continue
        top = states[shard, TOP]
        if epoch > states[shard, EPOCH]:
            states[shard, FIRST], states[shard, TOP] = sequence, sequence
            states[shard, GAPS], states[shard, EPOCH] = 0, epoch
        elif sequence > top:
            if sequence > top + 1:
                shown[row, MISSING] = sequence - top - 1
                count = states[shard, GAPS]
                states[shard, GAPS] = open_gap(gaps[shard], count, count, top + 1, sequence - 1)
            states[shard, TOP] = sequence
        elif sequence >= states[shard, FIRST]:
            left = fill_gap(gaps[shard], states[shard, GAPS], sequence)
            if left < 0:
                shown[row, REPEATED] = 1
            else:
                shown[row, FILLED] = 1
                states[shard, GAPS] = left
