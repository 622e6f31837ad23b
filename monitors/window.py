"""Sliding windows by event time: sums of panes, written once for every metric."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitors.pane import Pane, PaneLayout, pane_milliseconds
from monitors.watermark import Watermark
from schemas.errors import InputError

MAX_OPEN_PANES = 1_024
"""How many panes may wait to be closed; beyond, the oldest close early, so that memory is bounded."""


@dataclass(frozen=True)
class Window:
    """The counts of a stretch of event time.

    Args:
        start_s: where it begins, seconds since the epoch.
        end_s: where it ends, exclusive.
        pane: the sum of its panes.
        newest: the pane that closed last.
        newest_s: how long that one is, in seconds.
    """

    start_s: float
    end_s: float
    pane: Pane
    newest: Pane
    newest_s: float

    @property
    def length_s(self) -> float:
        """How long it is, in seconds; shorter than asked for while a stream is young."""
        return self.end_s - self.start_s

    def tip(self) -> Window:
        """The window of the newest pane alone."""
        return Window(self.end_s - self.newest_s, self.end_s, self.newest, self.newest, self.newest_s)


class Windows:
    """Slides a window over panes: each time a pane closes, the window that ends with it comes out.

    Args:
        layout: which count lies where in a pane.
        pane_s: the length of a pane, in seconds.
        window_s: the length of the window; a whole number of panes.
        allowed_lateness_s: how far out of order records may be, in seconds of event time.
        idle_s: after how many seconds without a record a partition no longer holds the others back.

    Raises:
        InputError: lengths that do not fit each other, or negative ones.
    """

    def __init__(
        self,
        layout: PaneLayout,
        pane_s: float = 1.0,
        window_s: float = 10.0,
        allowed_lateness_s: float = 5.0,
        idle_s: float = 30.0,
    ) -> None:
        self.layout = layout
        self.pane_ms = pane_milliseconds(pane_s)
        self.length = round(window_s / pane_s)
        if self.length < 1 or abs(self.length * pane_s - window_s) > 1e-6:
            raise InputError(f"window_s={window_s}: must be a whole number of panes of {pane_s} s")
        if allowed_lateness_s < 0:
            raise InputError(f"allowed_lateness_s={allowed_lateness_s}: must be >= 0")
        if idle_s <= 0:
            raise InputError(f"idle_s={idle_s}: must be > 0")
        self.late_records = 0
        self._watermark = Watermark(allowed_lateness_s, idle_s)
        self._open: dict[int, Pane] = {}
        self._closed: deque[Pane] = deque()
        self._total = Pane.empty(layout)
        self._next: int | None = None

    @property
    def watermark_s(self) -> float | None:
        """The event time up to which panes are closed, in seconds; None while nothing is known."""
        at_ms = self._watermark.at_ms
        return None if at_ms is None else at_ms / 1_000

    def expect(self, partitions: Iterable[int], now_s: float) -> None:
        """Close no pane before each of these partitions has passed it or is silent; call it on every assignment.

        Args:
            partitions: what this reader reads.
            now_s: the time on the wall, in seconds.
        """
        self._watermark.expect(partitions, now_s)

    def add(self, slot: int, pane: Pane) -> None:
        """Add counts to a slot; when the slot is closed its records are late: counted, and left out.

        Args:
            slot: event time divided by the pane's length.
            pane: what to add; it is not kept, nor changed.
        """
        for partition, span in pane.spans.items():
            self._watermark.hear(partition, span.latest_ms)
        if self._next is not None and slot < self._next:
            self.late_records += pane.records
            return
        if slot not in self._open:
            self._open[slot] = Pane.empty(self.layout)
        self._open[slot].add(pane)
        if len(self._open) > MAX_OPEN_PANES:
            self._watermark.raise_to((min(self._open) + 1) * self.pane_ms)

    def closed(self, now_s: float) -> Iterator[Window]:
        """The windows that are complete and have not come out yet, oldest first.

        Args:
            now_s: the time on the wall, in seconds; it matters only while partitions are silent.
        """
        at_ms = self._watermark.advance(now_s)
        if at_ms is not None:
            yield from self._until(int(at_ms // self.pane_ms))

    def flush(self) -> Iterator[Window]:
        """The windows of everything that was added, complete or not: the end of a stream."""
        if self._open:
            yield from self._until(max(self._open) + 1)

    def _until(self, bound: int) -> Iterator[Window]:
        """Close every slot below a bound; across a gap longer than the window, start afresh behind it."""
        gap = 0
        if self._next is None and self._open and min(self._open) < bound:
            self._next = min(self._open)
        while self._next is not None and self._next < bound:
            gap = 0 if self._next in self._open else gap + 1
            if gap > self.length:
                self._next = min((slot for slot in self._open if slot < bound), default=bound)
                self._closed.clear()
                self._total = Pane.empty(self.layout)
                gap = 0
            else:
                yield self._close(self._next)

    def _close(self, slot: int) -> Window:
        newest = self._open.pop(slot, None)
        newest = Pane.empty(self.layout) if newest is None else newest
        self._closed.append(newest)
        self._total.add(newest)
        if len(self._closed) > self.length:
            self._total.subtract(self._closed.popleft())
        self._next = slot + 1
        pane_s = self.pane_ms / 1_000
        start_s = (slot + 1 - len(self._closed)) * self.pane_ms / 1_000
        return Window(start_s, (slot + 1) * self.pane_ms / 1_000, self._sum(), newest, pane_s)

    def _sum(self) -> Pane:
        """The running total with the spans and examples of the panes in it."""
        pane = Pane(self.layout, self._total.counts.copy())
        for part in self._closed:
            pane.note(part)
        return pane
