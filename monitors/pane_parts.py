"""What a pane says in a few numbers each: which records it holds, and what they show."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """What a pane holds of one partition: its first and last offset, and its latest event time in milliseconds."""

    first: int
    last: int
    latest_ms: int

    def union(self, other: Span) -> Span:
        """The span of both."""
        return Span(min(self.first, other.first), max(self.last, other.last), max(self.latest_ms, other.latest_ms))


class Sequences(NamedTuple):
    """What records show of the numbers they have in their shards.

    Args:
        followed: records whose number is known.
        missing: numbers that had not come when a higher one came.
        filled: numbers that were missing until they came after all, in this pane or a later one.
        repeated: records whose number had come before, at another offset.
    """

    followed: int
    missing: int
    filled: int
    repeated: int


class Told(NamedTuple):
    """What a classifier made of pairs of a record and a row of the generator (`monitors.classifier`).

    Args:
        right: pairs in which it took the record for the stream's.
        wrong: pairs in which it took the row for it.
        tied: pairs in which it could not say.
    """

    right: int
    wrong: int
    tied: int
