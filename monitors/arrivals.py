"""In what order records come: what was read before, what is late, what comes twice and what does not come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitors.arrival_kernels import EPOCH, FIRST, GAPS, NEVER, TOP, follow_offsets, follow_sequences, follow_times

MAX_GAPS = 1_024
"""How many stretches of sequences a shard may be waiting for; of older ones no more is known than that they came."""

NOTE_FORMAT = 1
"""Version of what `Arrivals.noted` writes."""

REMEMBERED = ("following", "newest_ms", "states", "gaps")
"""The attributes that make up `Arrivals.state`."""

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Partitions = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Lineages:
    """Which record of its shard each record is, as its header says.

    Args:
        epochs: shape (rows,); -1 where a record does not say.
        sequences: numbers in the shard, shape (rows,).
    """

    epochs: Longs
    sequences: Longs

    def of(self, own: Mask) -> Lineages:
        """The same, and of all records but some nothing is known, shape (rows,)."""
        return Lineages(np.where(own, self.epochs, -1), self.sequences)


def nothing_known(rows: int) -> Lineages:
    """The lineages of records that do not say which they are."""
    return Lineages(np.full(rows, -1, np.int64), np.zeros(rows, np.int64))


@dataclass(frozen=True)
class Arrived:
    """What records show by when they come.

    Args:
        late_ms: how far the event time lies behind the newest of the partition, shape (rows,).
        followed: whether its sequence is known, shape (rows,).
        shown: sequences that are missing before it, was missing until it, came before, shape (rows, 3).
        numbers: its sequence in the epoch that is watched, -1 where none is known, shape (rows,).
    """

    late_ms: Longs
    followed: Mask
    shown: Longs
    numbers: Longs

    def take(self, rows: npt.NDArray[np.int64]) -> Arrived:
        """What some of the records show."""
        return Arrived(self.late_ms[rows], self.followed[rows], self.shown[rows], self.numbers[rows])


class Arrivals:
    """Follows the records of a topic in the order they are read; a shard is a partition."""

    def __init__(self) -> None:
        self._following: Longs = np.zeros(0, np.int64)
        self._newest_ms: Longs = np.zeros(0, np.int64)
        self._states: Longs = np.zeros((0, 4), np.int64)
        self._gaps: Longs = np.zeros((0, MAX_GAPS, 2), np.int64)

    @property
    def state(self) -> dict[str, Longs]:
        """All it remembers, as arrays; `restore` takes it back."""
        return {name: getattr(self, f"_{name}").copy() for name in REMEMBERED}

    def restore(self, state: Mapping[str, Longs]) -> None:
        """Go on from a state, as if nothing had happened in between."""
        for name in REMEMBERED:
            setattr(self, f"_{name}", np.array(state[name], np.int64))

    def noted(self, partition: int, most: int) -> str:
        """What is known of a partition, its offsets apart, in so many characters at the most; `learn` reads it back.

        Where there is no room the oldest gaps are left out.
        """
        if partition >= len(self._states):
            return ""
        state, words = self._states[partition].tolist(), [NOTE_FORMAT]
        words += [int(self._newest_ms[partition]), state[FIRST], state[TOP], state[EPOCH]]
        gaps, behind = self._gaps[partition, : state[GAPS]].tolist(), state[TOP]
        text = " ".join(map(str, words))
        for first, last in reversed(gaps):
            more = f" {behind - last} {last - first}"
            if len(text) + len(more) > most:
                break
            text, behind = text + more, first
        return text

    def learn(self, partition: int, note: str) -> None:
        """Know of a partition what another reader noted; what is no note of ours says nothing."""
        try:
            form, newest_ms, first, top, epoch, *steps = np.array(note.split(), np.int64).tolist()
        except (ValueError, OverflowError):
            return
        if form != NOTE_FORMAT or len(steps) % 2 or len(steps) > 2 * MAX_GAPS:
            return
        self._make_room(np.array([partition], np.int32))
        gaps, behind = [], top
        for back, width in zip(steps[::2], steps[1::2], strict=True):
            gaps.append((behind - back - width, behind - back))
            behind = gaps[-1][0]
        self._newest_ms[partition], self._states[partition, [FIRST, TOP, GAPS, EPOCH]] = (
            newest_ms,
            (first, top, len(gaps), epoch),
        )
        self._gaps[partition, : len(gaps)] = np.array(gaps[::-1], np.int64).reshape(-1, 2)

    def fresh(self, partitions: Partitions, offsets: Longs) -> Mask:
        """Which records are read for the first time, by their offsets, shape (rows,).

        Args:
            partitions: shape (rows,).
            offsets: shape (rows,).
        """
        self._make_room(partitions)
        fresh = np.empty(len(offsets), np.bool_)
        follow_offsets(partitions, offsets, self._following, fresh)
        return fresh

    def begin_anew(self) -> None:
        """Take any offset for a new one: the reader was sent to another place of the topic."""
        self._following[:] = NEVER

    def lateness(self, partitions: Partitions, times_ms: Longs, counted: Mask) -> Longs:
        """How far each record's event time lies behind the newest that its partition had shown, in milliseconds.

        Args:
            partitions: shape (rows,).
            times_ms: event times, milliseconds since the epoch, shape (rows,).
            counted: the records that have one; others are 0 behind, shape (rows,).
        """
        self._make_room(partitions)
        late_ms = np.zeros(len(times_ms), np.int64)
        follow_times(partitions, times_ms, counted, self._newest_ms, late_ms)
        return late_ms

    def shown(self, partitions: Partitions, lineages: Lineages) -> tuple[Mask, Longs]:
        """What records show of the sequences of their shards.

        Args:
            partitions: shape (rows,).
            lineages: which records they are.

        Returns:
            Whether a record's sequence is known, shape (rows,), and how many sequences are missing before it, were
            missing until it and came before, shape (rows, 3).
        """
        self._make_room(partitions)
        shown = np.zeros((len(partitions), 3), np.int64)
        follow_sequences(partitions, lineages.epochs, lineages.sequences, self._states, self._gaps, shown)
        return lineages.epochs >= 0, shown

    def _make_room(self, partitions: Partitions) -> None:
        more = int(partitions.max(initial=-1)) + 1 - len(self._following)
        if more > 0:
            self._following = np.append(self._following, np.full(more, NEVER))
            self._newest_ms = np.append(self._newest_ms, np.full(more, NEVER))
            states = np.zeros((more, 4), np.int64)
            states[:, EPOCH] = -1
            self._states = np.concatenate([self._states, states])
            self._gaps = np.concatenate([self._gaps, np.zeros((more, MAX_GAPS, 2), np.int64)])
