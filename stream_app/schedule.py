"""When every record is due: the change log of a shard, and the schedule that follows from it.

A shard's schedule is a function of its change log alone, so a worker that takes the shard over publishes the
same records with the same timestamps as the one before it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError
from stream_app.incident import Incident

UNPACED = math.inf
"""The rate of a shard that publishes as fast as it can."""


@dataclass(frozen=True)
class Change:
    """What holds from one sequence number on.

    Args:
        sequence: the first record of the shard it applies to.
        at_ms: the intended publish time of that record, milliseconds since the epoch.
        rate_per_s: records a second of this shard; 0 while paused, `UNPACED` for as fast as possible.
        incident: the drift injected into the records, if any.

    Raises:
        InputError: a negative sequence, or a rate that is negative or not a number.
    """

    sequence: int
    at_ms: float
    rate_per_s: float
    incident: Incident | None = None

    def __post_init__(self) -> None:
        if self.sequence < 0:
            raise InputError(f"sequence={self.sequence}: must be >= 0")
        if math.isnan(self.rate_per_s) or self.rate_per_s < 0:
            raise InputError(f"rate_per_s={self.rate_per_s}: must be >= 0 (0 pauses)")

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back; an unpaced rate is null."""
        form = asdict(self)
        form["rate_per_s"] = None if math.isinf(self.rate_per_s) else self.rate_per_s
        return form

    @classmethod
    def from_json(cls, form: dict[str, Any]) -> Change:
        """Read what `to_json` wrote."""
        rate = form["rate_per_s"]
        incident = None if form["incident"] is None else Incident(**form["incident"])
        return cls(form["sequence"], form["at_ms"], UNPACED if rate is None else rate, incident)


@dataclass(frozen=True)
class Schedule:
    """The change log of one shard: at least one change, in order of sequence.

    Raises:
        InputError: no change, or changes out of order.

    >>> schedule = Schedule((Change(0, 1_000.0, 10.0),))
    >>> schedule.due_ms(np.array([0, 1, 10])).tolist()
    [1000, 1100, 2000]
    >>> schedule.due_until(1_250.0, position=0)
    3
    """

    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        if not self.changes:
            raise InputError("changes=(): a schedule needs at least one change, the start")
        sequences = [change.sequence for change in self.changes]
        if sequences != sorted(sequences):
            raise InputError(f"changes at sequences {sequences}: must be in order")

    @property
    def latest(self) -> Change:
        """What holds for the newest records."""
        return self.changes[-1]

    def at(self, sequence: int) -> Change:
        """The change that holds for one record (the last of those that start at or before it)."""
        return next(change for change in reversed(self.changes) if change.sequence <= sequence)

    def holds_until(self, sequence: int) -> int | None:
        """The first later sequence at which another change takes over; None when there is none."""
        return next((change.sequence for change in self.changes if change.sequence > sequence), None)

    def due_ms(self, sequences: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Intended publish times of records under a paced change.

        Args:
            sequences: sequence numbers of the shard, shape (n,).

        Returns:
            Milliseconds since the epoch, shape (n,); an unpaced change gives its start.
        """
        starts = np.array([change.sequence for change in self.changes])
        at_ms = np.array([change.at_ms for change in self.changes])
        gap_ms = np.array([_gap_ms(change.rate_per_s) for change in self.changes])
        which = np.searchsorted(starts, sequences, side="right") - 1
        due: npt.NDArray[np.int64] = np.floor(
            at_ms[which] + (sequences - starts[which]) * gap_ms[which] + ROUNDING_MS
        ).astype(np.int64)
        return due

    def due_until(self, now_ms: float, position: int) -> int | None:
        """The sequence number before which every record is due.

        Args:
            now_ms: the time now, milliseconds since the epoch.
            position: the next record to publish.

        Returns:
            An exclusive bound, `position` when nothing is due; None when there is no bound (unpaced).
        """
        change = self.latest
        if change.rate_per_s == UNPACED:
            return None
        if change.rate_per_s == 0 or now_ms < change.at_ms:
            return max(position, change.sequence)
        owed = math.floor((now_ms - change.at_ms + ROUNDING_MS) * change.rate_per_s / 1_000) + 1
        return max(position, change.sequence + owed)

    def changed(self, change: Change) -> Schedule:
        """The schedule with one more change; it replaces those that start at the same record or later."""
        return Schedule((*(c for c in self.changes if c.sequence < change.sequence), change))

    def with_rate(self, position: int, now_ms: float, rate_per_s: float) -> Schedule:
        """The schedule with another rate from the next record on."""
        return self.changed(Change(position, now_ms, rate_per_s, self.latest.incident))

    def with_incident(self, position: int, incident: Incident | None) -> Schedule:
        """The schedule with drift injected (or no longer) from the next record on, its pace unchanged."""
        latest = self.latest
        at_ms = latest.at_ms + (position - latest.sequence) * _gap_ms(latest.rate_per_s)
        return self.changed(replace(latest, sequence=position, at_ms=at_ms, incident=incident))


ROUNDING_MS = 1e-6
"""Far below a record's spacing, far above the rounding of a double that holds a time in milliseconds."""


def _gap_ms(rate_per_s: float) -> float:
    return 0.0 if rate_per_s in (0, UNPACED) else 1_000 / rate_per_s


def starting(rate_per_s: float, shard: int, shards: int, at_ms: float) -> Schedule:
    """The schedule of a shard's share of a stream's rate, the shards taking turns.

    Args:
        rate_per_s: the stream's rate; `UNPACED` for as fast as possible.
        shard: which shard, 0 to shards - 1.
        shards: how many shards share the rate.
        at_ms: when the stream starts, milliseconds since the epoch.
    """
    turn_ms = _gap_ms(rate_per_s) * shard
    return Schedule((Change(0, at_ms + turn_ms, rate_per_s / shards),))


def share(count: int, shard: int, shards: int) -> int:
    """How many of `count` records a shard publishes; the remainder goes to the lowest shards.

    >>> [share(10, shard, 4) for shard in range(4)]
    [3, 3, 2, 2]
    """
    return count // shards + (shard < count % shards)
