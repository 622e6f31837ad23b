"""A log of what holds from which record on: what a shard's schedule and its contents have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from schemas.errors import InputError

CHANGES_KEPT = 200
"""So many changes a log holds. It is written with every transaction, and a message takes a megabyte: under a profile in
many words a change is some kilobytes. A shard that falls behind again and again (`behind`) would add to it for ever."""


class FromRecord(Protocol):
    """What holds from one record on."""

    @property
    def sequence(self) -> int:
        """The first record of the shard it applies to."""
        ...


C = TypeVar("C", bound=FromRecord)


@dataclass(frozen=True)
class ChangeLog(Generic[C]):
    """The change log of one shard: at least one change, in order of sequence; the oldest are forgotten in time.

    What is older than the oldest kept is as if that had always held; nobody publishes it again.

    Raises:
        InputError: no change, or changes out of order.
    """

    changes: tuple[C, ...]

    def __post_init__(self) -> None:
        if not self.changes:
            raise InputError("changes=(): a log needs at least one change, the start")
        sequences = [change.sequence for change in self.changes]
        if sequences != sorted(sequences):
            raise InputError(f"changes at sequences {sequences}: must be in order")

    @property
    def latest(self) -> C:
        """What holds for the newest records, or will."""
        return self.changes[-1]

    @property
    def oldest(self) -> int:
        """The first record whose change is kept."""
        return self.changes[0].sequence

    def at(self, sequence: int) -> C:
        """The change that holds for one record (the last of those that start at or before it)."""
        return next((change for change in reversed(self.changes) if change.sequence <= sequence), self.changes[0])

    def holds_until(self, sequence: int) -> int | None:
        """The first later sequence at which another change takes over; None when there is none."""
        return next((change.sequence for change in self.changes if change.sequence > sequence), None)

    def replaced(self, *changes: C) -> Self:
        """The log with changes in place of those that start at the first of them or later; the newest are kept."""
        before = (change for change in self.changes if change.sequence < changes[0].sequence)
        return type(self)((*before, *changes)[-CHANGES_KEPT:])
