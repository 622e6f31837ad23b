"""The expected number of records since a profile began, and the moment at which a number is reached."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stream_app.pace.segments import Floats, Segments
from stream_app.pace.signals import Signal

CHUNKS_KEPT = 16
"""Chunks whose knots stay in memory; of the others only where they begin."""

STILL_CHUNKS = 20_000
"""After so many chunks without a record none is looked for further on."""

LEAN = 1e-9
"""Records due at the end of a pause in a profile are due at its end, not at its beginning, whatever the rounding."""

NEVER = np.inf


@dataclass(frozen=True)
class Chunk:
    """A stretch of a profile, added up.

    Args:
        segments: its rate.
        total: records expected up to each knot since the stretch began, shape (knots,).
    """

    segments: Segments
    total: Floats

    @classmethod
    def of(cls, segments: Segments) -> Chunk:
        """Add a stretch up."""
        return cls(segments, np.concatenate([[0.0], np.cumsum(segments.masses)]))

    @property
    def mass(self) -> float:
        """Records expected in the whole of it."""
        return float(self.total[-1])

    def reached(self, seconds: Floats) -> Floats:
        """Records expected from its beginning to moments within it, shape (n,)."""
        rate, at = self.segments, np.clip(self._segment(self.segments.edges, seconds), 0, len(self.total) - 2)
        since = seconds - rate.edges[at]
        reached: Floats = self.total[at] + since * (rate.left[at] + self._slope(at) * since / 2)
        return reached

    def moments(self, masses: Floats) -> Floats:
        """When numbers of records are reached, below its mass, shape (n,): the last such moment."""
        rate, at = self.segments, np.clip(self._segment(self.total, masses), 0, len(self.total) - 2)
        missing = np.maximum(masses - self.total[at], 0)
        left = rate.left[at]
        speed = left + np.sqrt(np.maximum(left**2 + 2 * self._slope(at) * missing, 0))
        since = np.divide(2 * missing, speed, out=np.zeros_like(missing), where=speed > 0)
        moments: Floats = np.minimum(rate.edges[at] + since, rate.edges[at + 1])
        return moments

    def _segment(self, borders: Floats, values: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        found: np.ndarray[tuple[int], np.dtype[np.intp]] = np.searchsorted(borders, values, side="right") - 1
        return found

    def _slope(self, at: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Floats:
        rate = self.segments
        length = rate.edges[at + 1] - rate.edges[at]
        slope: Floats = np.divide(rate.right[at] - rate.left[at], length, out=np.zeros_like(length), where=length > 0)
        return slope


Anchor = tuple[int, float]
"""A chunk's number, and the records expected before it."""


class Curve:
    """The integral of a signal, worked out in chunks of fixed length as far as anybody asks.

    What it says depends on nothing but the signal: chunks are added up in order, from the beginning or from an anchor
    that was so found before.

    Args:
        signal: the rate.
    """

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._span_s = signal.span_s if signal.period_s is None else signal.period_s
        self._numbers, self._starts = [0], [0.0]  # chunks whose start is known, in order
        self._chunks: OrderedDict[int, Chunk] = OrderedDict()
        self.anchor: Anchor = (0, 0.0)

    def learn(self, anchor: Anchor) -> None:
        """Take an anchor of the same signal, so that nothing before it has to be added up again."""
        at = bisect_left(self._numbers, anchor[0])
        if at == len(self._numbers) or self._numbers[at] != anchor[0]:
            self._numbers.insert(at, anchor[0])
            self._starts.insert(at, anchor[1])

    def mass(self, seconds: Floats) -> Floats:
        """Records expected from the beginning to moments, shape (n,); none before it."""
        seconds = np.maximum(seconds, 0)
        number = np.floor(seconds / self._span_s)
        if self._signal.period_s is not None:
            once = self._chunk(0)
            return number * once.mass + once.reached(seconds - number * self._span_s)
        masses = np.empty_like(seconds)
        for each in np.unique(number).astype(int).tolist():
            inside = number == each
            masses[inside] = self._start(each) + self._chunk(each).reached(seconds[inside])
        return masses

    def seconds(self, masses: Floats) -> Floats:
        """When numbers of records are reached, seconds since the beginning, shape (n,); `NEVER` where none is."""
        masses = np.maximum(masses, 0) + LEAN
        if self._signal.period_s is not None:
            once = self._chunk(0)
            turns = np.floor(masses / once.mass)
            return turns * self._span_s + once.moments(masses - turns * once.mass)
        moments = np.full(masses.shape, NEVER)
        left = np.ones(masses.shape, np.bool_)
        while left.any():
            number = self._holding(float(masses[left].min()))
            if number is None:
                break
            self.anchor = number, self._start(number)
            inside = left & (masses < self._start(number + 1))
            moments[inside] = self._chunk(number).moments(masses[inside] - self._start(number))
            left &= ~inside
        return moments

    def _holding(self, mass: float) -> int | None:
        """The chunk in which a number of records is reached; None when none is in sight."""
        number = self._numbers[bisect_right(self._starts, mass) - 1]
        still = 0
        while self._start(number + 1) <= mass:
            still = still + 1 if self._start(number + 1) == self._start(number) else 0
            number += 1
            if self._ended(number) or still > STILL_CHUNKS:
                return None
        return number

    def _ended(self, number: int) -> bool:
        return self._signal.end_s is not None and number * self._span_s >= self._signal.end_s

    def _start(self, number: int) -> float:
        """Records expected before a chunk."""
        at = bisect_right(self._numbers, number) - 1
        while self._numbers[at] < number:
            self._numbers.insert(at + 1, self._numbers[at] + 1)
            self._starts.insert(at + 1, self._starts[at] + self._chunk(self._numbers[at]).mass)
            at += 1
        return self._starts[at]

    def _chunk(self, number: int) -> Chunk:
        known = self._chunks.get(number)
        if known is None:
            segments = self._signal.over(number * self._span_s, (number + 1) * self._span_s)
            known = self._chunks[number] = Chunk.of(segments)
            if len(self._chunks) > CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        return known
