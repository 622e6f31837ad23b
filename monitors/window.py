"""Sliding windows by event time: sums of panes, written once for every metric."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from monitors.kept import State, panes_of, panes_state
from monitors.pane import Pane, PaneLayout
from monitors.slots import pane_milliseconds
from monitors.watermark import Watermark
from schemas.errors import InputError
from schemas.row_counts import Moments

MAX_OPEN_PANES = 1_024
"""How many panes may wait to be closed; beyond, the oldest close early, so that memory is bounded."""

MOST_OPEN_BYTES = 64 << 20
"""How much memory they may take, unless the lateness that is allowed asks for more."""

LADDER_S = (60, 3_600)
"""How long the panes of long windows are, in seconds of event time."""


@dataclass(frozen=True)
class Window:
    """The counts of a stretch of event time.

    Args:
        start_s: where it begins, seconds since the epoch.
        end_s: where it ends, exclusive.
        pane: the sum of its panes.
        newest: the pane that closed last.
        newest_s: how long that one is, in seconds.
        asked_s: how long the window is once the stream is as old; None where nobody slid it.
    """

    start_s: float
    end_s: float
    pane: Pane
    newest: Pane
    newest_s: float
    asked_s: float | None = None

    @property
    def length_s(self) -> float:
        """How long it is, in seconds; shorter than asked for while a stream is young."""
        return self.end_s - self.start_s

    @cached_property
    def moments(self) -> Moments:
        """The sums of products of the columns' scores, taken once from the counts."""
        return self.pane.moments

    @property
    def name(self) -> str:
        """The length that was asked for, in words."""
        return f"{self.length_s if self.asked_s is None else self.asked_s:g}s"

    def tip(self) -> Window:
        """The window of the newest pane alone."""
        return Window(self.end_s - self.newest_s, self.end_s, self.newest, self.newest, self.newest_s)


@dataclass
class _Sum:
    """A window's running total.

    Args:
        panes: how many panes it is long.
        asked_s: how long that is, in seconds.
        total: the sum of its panes.
    """

    panes: int
    asked_s: float
    total: Pane


class _Rung:
    """Panes of one length that have closed, and the windows that are sums of the newest of them.

    Args:
        layout: which count lies where in a pane.
        pane_ms: the length of a pane, in milliseconds.
        lengths: how long the windows are, in panes; at least one.
    """

    def __init__(self, layout: PaneLayout, pane_ms: int, lengths: Sequence[int]) -> None:
        self.pane_ms = pane_ms
        self.longest = max(lengths)
        self._layout = layout
        self._closed: deque[Pane] = deque()
        self._sums = [_Sum(n, n * pane_ms / 1_000, Pane.empty(layout)) for n in lengths]
        self._filling: Pane | None = None
        self._slot: int | None = None
        self._silent = 0

    def forget(self) -> None:
        """Start afresh: what closed before is in no window any more."""
        self._closed.clear()
        self._filling = None
        for each in self._sums:
            each.total = Pane.empty(self._layout)

    @property
    def state(self) -> State:
        """All it remembers; `restore` takes it back."""
        filling = [] if self._filling is None else [self._filling]
        return {
            "closed": panes_state(self._closed, self._layout),
            "filling": panes_state(filling, self._layout),
            "slot": self._slot,
            "silent": self._silent,
        }

    def restore(self, state: State) -> None:
        """Go on from a state; sums are added up anew, to the same whole numbers."""
        self._closed = deque(panes_of(state["closed"], self._layout))
        self._filling = next(iter(panes_of(state["filling"], self._layout)), None)
        self._slot, self._silent = state["slot"], state["silent"]
        for each in self._sums:
            each.total = Pane.empty(self._layout)
            for pane in list(self._closed)[-each.panes :]:
                each.total.add(pane)

    def close(self, slot: int, newest: Pane, since_ms: int) -> Iterator[Window]:
        """Take a pane in.

        Args:
            slot: where it lies; the one behind the last, unless everything was forgotten.
            newest: the pane; it is kept.
            since_ms: the event time before which nothing was counted.
        """
        self._closed.append(newest)
        end_ms = (slot + 1) * self.pane_ms
        for each in self._sums:
            each.total.add(newest)
            if len(self._closed) > each.panes:
                each.total.subtract(self._closed[-1 - each.panes])
        if len(self._closed) > self.longest:
            self._closed.popleft()
        for each in self._sums:
            panes = list(islice(reversed(self._closed), each.panes))[::-1]
            pane = Pane(self._layout, each.total.counts.copy())
            for part in panes:
                pane.note(part)
            start_ms = max(end_ms - len(panes) * self.pane_ms, since_ms)
            newest_ms = min(self.pane_ms, end_ms - since_ms)
            yield Window(start_ms / 1_000, end_ms / 1_000, pane, newest, newest_ms / 1_000, each.asked_s)

    def collect(self, end_ms: int, part: Pane, since_ms: int) -> Iterator[Window]:
        """Take in a shorter pane that ends at some time, in order of time; its own close when it fills them.

        Args:
            end_ms: where the shorter pane ends.
            part: it; it is added, and not kept.
            since_ms: the event time before which nothing was counted.
        """
        slot = (end_ms - 1) // self.pane_ms
        yield from self.pass_by(slot * self.pane_ms, since_ms)
        self._slot = slot
        if self._filling is None:
            self._filling = Pane.empty(self._layout)
        self._filling.add(part)
        if end_ms == (slot + 1) * self.pane_ms:
            yield from self.pass_by(end_ms, since_ms)

    def finish(self, since_ms: int) -> Iterator[Window]:
        """Close the pane that is being filled, full or not."""
        if self._filling is not None and self._slot is not None:
            yield from self.pass_by((self._slot + 1) * self.pane_ms, since_ms)

    def pass_by(self, until_ms: int, since_ms: int) -> Iterator[Window]:
        """Close the panes that end by some time; over a gap that is longer than every window, start afresh behind it.

        Args:
            until_ms: up to where event time has surely come.
            since_ms: the event time before which nothing was counted.
        """
        slot = until_ms // self.pane_ms
        while self._slot is not None and self._slot < slot:
            if self._filling is None and self._silent > self.longest:
                self.forget()
                self._slot = slot
                return
            self._silent = self._silent + 1 if self._filling is None else 0
            newest, self._filling = self._filling, None
            yield from self.close(self._slot, Pane.empty(self._layout) if newest is None else newest, since_ms)
            self._slot += 1


class Windows:
    """Slides windows over panes: each time a pane closes, the windows that end with it come out.

    Long windows are sums of longer panes: of the lengths in `LADDER_S` the longest that is a tenth of the window or
    less, so that memory stays bounded, and that they slide by. All are exact: whole numbers are added and subtracted.

    Args:
        layout: which count lies where in a pane.
        pane_s: the length of a pane, in seconds.
        window_s: the length of the window; a whole number of panes.
        allowed_lateness_s: how far out of order records may be, in seconds of event time.
        idle_s: after how many seconds without a record a partition no longer holds the others back.
        longer_s: the lengths of further windows, each a whole number of panes.
        finished: told of every pane that is complete, in order, before it is in any window; says whether windows begin
            anew with it.

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
        longer_s: Sequence[float] = (),
        finished: Callable[[Pane], bool] = lambda pane: False,
    ) -> None:
        self.layout = layout
        self.pane_ms = pane_milliseconds(pane_s)
        if allowed_lateness_s < 0:
            raise InputError(f"allowed_lateness_s={allowed_lateness_s}: must be >= 0")
        if idle_s <= 0:
            raise InputError(f"idle_s={idle_s}: must be > 0")
        self.window_s = window_s
        self.late_records = 0
        self._finished = finished
        lengths = {self.pane_ms: [_panes(window_s, self.pane_ms)]}
        for each_s in longer_s:
            rung_ms = _rung_ms(_panes(each_s, self.pane_ms) * self.pane_ms, self.pane_ms)
            lengths.setdefault(rung_ms, []).append(_panes(each_s, rung_ms))
        self._first, *self._longer = (_Rung(layout, ms, lengths[ms]) for ms in sorted(lengths))
        self._watermark = Watermark(allowed_lateness_s, idle_s)
        self._open: dict[int, Pane] = {}
        awaited = round(allowed_lateness_s * 1_000 / self.pane_ms) + 2
        self._most_open = min(MAX_OPEN_PANES, max(awaited, MOST_OPEN_BYTES // (8 * layout.size)))
        self._next: int | None = None
        self._since_ms = 0

    @property
    def watermark_s(self) -> float | None:
        """The event time up to which panes are closed, in seconds; None while nothing is known."""
        at_ms = self._watermark.at_ms
        return None if at_ms is None else at_ms / 1_000

    @property
    def _rungs(self) -> tuple[_Rung, ...]:
        return (self._first, *self._longer)

    @property
    def _lengths(self) -> list[list[int]]:
        """How long panes and windows are, in milliseconds."""
        return [[rung.pane_ms, *(each.panes * rung.pane_ms for each in rung._sums)] for rung in self._rungs]

    def state(self, now_s: float) -> State:
        """All they remember; `restore` takes it back.

        Args:
            now_s: the time on the wall, in seconds.
        """
        return {
            "open": panes_state(list(self._open.values()), self.layout),
            "slots": list(self._open),
            "next": self._next,
            "since_ms": self._since_ms,
            "lengths": self._lengths,
            "rungs": [rung.state for rung in self._rungs],
            "watermark": self._watermark.state(now_s),
        }

    def restore(self, state: State, now_s: float) -> None:
        """Go on from a state, as if no time had passed.

        Args:
            state: of windows of the same lengths.
            now_s: the time on the wall, in seconds.

        Raises:
            InputError: it is of another stream.
        """
        if state["lengths"] != self._lengths:
            raise InputError("windows: are not of this stream; begin without a saved state")
        for rung, each in zip(self._rungs, state["rungs"], strict=True):
            rung.restore(each)
        self._open = dict(zip(state["slots"], panes_of(state["open"], self.layout), strict=True))
        self._next, self._since_ms = state["next"], state["since_ms"]
        self._watermark.restore(state["watermark"], now_s)

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
        self._open[slot].gather(pane)
        if len(self._open) > self._most_open:
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
            for rung in self._longer:
                yield from rung.finish(self._since_ms)

    def _until(self, bound: int) -> Iterator[Window]:
        """Close every slot below a bound; across a gap longer than the shortest windows, start afresh behind it."""
        gap = 0
        if self._next is None and self._open and min(self._open) < bound:
            self._next = min(self._open)
            self._since_ms = self._next * self.pane_ms
        while self._next is not None and self._next < bound:
            gap = 0 if self._next in self._open else gap + 1
            if gap > self._first.longest:
                self._next = min((slot for slot in self._open if slot < bound), default=bound)
                self._first.forget()
                gap = 0
                for rung in self._longer:
                    yield from rung.pass_by(self._next * self.pane_ms, self._since_ms)
            else:
                yield from self._close(self._next)

    def _begin_anew(self, slot: int) -> None:
        """Have windows hold nothing of what was before a slot."""
        self._since_ms = slot * self.pane_ms
        for rung in (self._first, *self._longer):
            rung.forget()

    def _close(self, slot: int) -> Iterator[Window]:
        newest = self._open.pop(slot, None)
        newest = Pane.empty(self.layout) if newest is None else newest
        self._next = slot + 1
        if self._finished(newest):
            self._begin_anew(slot)
        yield from self._first.close(slot, newest, self._since_ms)
        for rung in self._longer:
            yield from rung.collect((slot + 1) * self.pane_ms, newest, self._since_ms)


def _panes(window_s: float, pane_ms: int) -> int:
    """How many panes a window is long.

    Raises:
        InputError: it is not a whole number of them.
    """
    panes = round(window_s * 1_000 / pane_ms)
    if panes < 1 or abs(panes * pane_ms - window_s * 1_000) > 1e-3:
        raise InputError(f"window_s={window_s:g}: must be a whole number of panes of {pane_ms / 1_000:g} s")
    return panes


def _rung_ms(window_ms: int, pane_ms: int) -> int:
    """How long the panes are that a further window is a sum of."""
    fitting = [round(1_000 * s) for s in LADDER_S if 1_000 * s % pane_ms == 0 and 1_000 * s > pane_ms]
    return max((ms for ms in fitting if window_ms % ms == 0 and window_ms >= 10 * ms), default=pane_ms)
