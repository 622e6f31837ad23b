"""An independent reader of what was really published: consume, count, judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from connectors.kafka import Inbox
from monitors.alarms import Event
from monitors.kept import State
from schemas.errors import ServiceError
from stream_app.watching.counting import Counter, Strangers
from stream_app.watching.judging import Judges, Judging

MOST_RECORDS = 20_000
"""How many records one step reads at the most."""

POLL_S = 0.1
"""How long one step waits for records."""


class Watch(Judging):
    """Reads a topic and judges it, window by window.

    Args:
        inbox: the records.
        counter: counts them.
        judges: measure and judge them.
        now_ms: the time now, milliseconds since the epoch.
    """

    def __init__(self, inbox: Inbox, counter: Counter, judges: Judges, now_ms: Callable[[], float]) -> None:
        super().__init__(judges)
        self.counter = counter
        self._inbox, self._now_ms, self.resets, self._strangers = inbox, now_ms, inbox.resets, Strangers()

    @property
    def positions(self) -> Mapping[int, int]:
        """By partition, the first offset that was not read; those of which nothing was read are left out."""
        return self._inbox.positions

    def state(self, now_ms: float | None = None) -> State:
        """All it knows, as of its positions."""
        return {**super().state(self._now_ms() if now_ms is None else now_ms), "counter": self.counter.state}

    def restore(self, state: State, now_ms: float | None = None) -> None:
        """See `Judging.restore`; its inbox must begin at the positions that the state is of."""
        super().restore(state, self._now_ms() if now_ms is None else now_ms)
        self.counter.restore(state["counter"])

    def run(self, stopped: Callable[[], bool]) -> None:
        """Read and judge until told to stop."""
        while not stopped():
            self.step()

    def step(self) -> list[Event]:
        """Read what has come, count it, and judge every window that is complete.

        Returns:
            The alarms that opened, were raised or cleared.
        """
        polled = self._inbox.poll(MOST_RECORDS, POLL_S)
        now_ms = self._now_ms()
        if self._inbox.resets != self.resets:
            self.resets = self._inbox.resets
            self.counter.begin_anew()
        if polled.values:
            counted = self.counter.count(polled, now_ms)
            self._strangers.see(counted)
            self.take(counted.panes, counted.tallies, counted.newest)
        events = self.judge(self._inbox.assignment, now_ms)
        self.live = self.live or caught_up(self._inbox)
        return events

    def delays(self, due_ms: npt.NDArray[np.int64], late_s: npt.NDArray[np.float64]) -> None:
        """Take in how late records were handed over, where the publisher lives in this process.

        Args:
            due_ms: when each was due, milliseconds since the epoch, shape (n,).
            late_s: how late it was, in seconds, shape (n,).
        """
        self.hand(self.judges.deltas.delays(due_ms, late_s).items())


def caught_up(inbox: Inbox) -> bool:
    """Whether all is read that was there at first; while the broker does not say, it is not known and asked again."""
    try:
        return inbox.at_end()
    except ServiceError:
        return False
