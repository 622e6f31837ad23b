"""A stream too fast for one reader: members of a group count, each some partitions, and one judge adds up.

What a member counts is committed to the panes topic together with how far it read, so every record is in one delta
whatever becomes of members. The judge takes each range of offsets once, in the order of the topic. It keeps nothing:
after a crash it reads the topic again, and comes to the same windows.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing

from connectors.kafka import LONGEST_NOTE, Cluster, Inbox, Relay
from monitors.alarms import Event
from monitors.delta import Delta, Ledger, Range
from monitors.pane import PaneLayout
from schemas.errors import InputError, ServiceError
from stream_app.backoff import Backoff
from stream_app.topics import Topics
from stream_app.watching.counting import Counter, Strangers
from stream_app.watching.judging import Judges, Judging
from stream_app.watching.watch import MOST_RECORDS, POLL_S, caught_up

logger = logging.getLogger(__name__)

COMMIT_S = 0.25
"""How long counts may wait for others before they are sent."""

MOST_COUNTS = 1 << 20
"""With so many counts a delta is sent at once: most are zeros, and the topic takes messages of 16 MiB."""

DELTAS_AT_ONCE = 200
"""How many deltas the judge reads in one step at the most."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""How long a member that failed waits before another takes its place; every failure in a row doubles it."""


class Member:
    """Reads some of a topic's partitions and sends what it counted.

    Args:
        cluster: the broker.
        topics: the stream's topics; that of panes must exist.
        counter: counts records.
        layout: what they are counted in.
        now_ms: the time now, milliseconds since the epoch.
        start: "earliest" or "latest", where nobody of the group has counted yet.
    """

    def __init__(
        self,
        cluster: Cluster,
        topics: Topics,
        counter: Counter,
        layout: PaneLayout,
        now_ms: Callable[[], float],
        start: str = "latest",
    ) -> None:
        self.records = 0
        self._counter, self._layout, self._now_ms = counter, layout, now_ms
        self._held, self._due_ms, self._strangers = Delta(), 0.0, Strangers()
        name = f"{topics.stream}.monitor.{uuid.uuid4().hex}"
        self._relay = Relay(cluster, topics.data, f"{topics.stream}.monitor", topics.panes, name, self._drop, start)

    @property
    def partitions(self) -> tuple[int, ...]:
        """Those it reads now."""
        return self._relay.assignment

    def run(self, stopped: Callable[[], bool]) -> None:
        """Count until told to stop, and send what is left.

        Raises:
            ServiceError: the broker does not do its part.
        """
        while not stopped():
            self.step()
        self.commit()

    def step(self) -> None:
        """Read and count what has come, and send it once it has waited long enough.

        Raises:
            ServiceError: the broker does not do its part.
        """
        polled = self._relay.poll(MOST_RECORDS, POLL_S)
        now_ms = self._now_ms()
        if polled.values:
            counted = self._counter.count(polled, now_ms)
            self._strangers.see(counted)
            for slot, pane in counted.panes:
                self._held.add(Delta(panes={slot: pane}, read_ms=now_ms))
            self._held.add(Delta(tallies=counted.tallies, read_ms=now_ms))
        full = len(self._held.panes) * self._counter.words >= MOST_COUNTS
        if self._relay.ranges and (full or now_ms >= self._due_ms):
            self.commit()
            self._due_ms = now_ms + 1_000 * COMMIT_S

    def commit(self) -> None:
        """Send what was counted, with how far was read."""
        self._held.ranges = {p: Range(*both) for p, both in self._relay.ranges.items()}
        notes = {p: self._counter.noted(p, LONGEST_NOTE) for p in self._held.ranges}
        if not self._held.ranges or not self._relay.commit(self._held.to_bytes(self._layout), notes):
            return
        self.records += sum(end - start for start, end in self._held.ranges.values())
        self._held = Delta()

    def close(self) -> None:
        """Leave the group; what was not sent is counted again by others."""
        self._relay.close()

    def _drop(self, notes: Mapping[int, bytes]) -> None:
        self._held = Delta()
        self._counter.forget({partition: note.decode("ascii", "replace") for partition, note in notes.items()})


def count(
    first: Member, join: Callable[[], Member], stop: threading.Event, wait: Callable[[float], object] | None = None
) -> int:
    """Count until told to stop; where the broker fails a member is let go whole, and another takes its place.

    Args:
        first: the first member.
        join: a new member of the group; it counts again what the one before did not send.
        stop: set when it is to end.
        wait: waits so many seconds; by default no longer than until `stop`.

    Returns:
        How many records were counted and sent.
    """
    records, backoff, member = 0, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S), [first]
    while True:
        try:
            with closing(member.pop() if member else join()) as counting:
                try:
                    counting.run(stop.is_set)
                    return records + counting.records
                except ServiceError:
                    records += counting.records
                    if counting.records:
                        backoff.succeeded()
                    raise
        except ServiceError as error:
            if stop.is_set():
                return records
            pause_s = backoff.failed(0.0)
            logger.warning("counting was interrupted", extra={"why": str(error), "again_in_s": pause_s})
            (stop.wait if wait is None else wait)(pause_s)


class Merged(Judging):
    """Adds up what members counted and judges it, window by window.

    Args:
        inbox: the panes topic, from its beginning.
        partitions: how many the data's topic has.
        judges: measure and judge.
        now_ms: the time now, milliseconds since the epoch.
    """

    def __init__(self, inbox: Inbox, partitions: int, judges: Judges, now_ms: Callable[[], float]) -> None:
        super().__init__(judges)
        self._inbox, self._partitions, self._now_ms, self.ledger = inbox, range(partitions), now_ms, Ledger()

    def step(self) -> list[Event]:
        """Take in the deltas that have come, and judge every window that is complete.

        Time is that of the deltas while they are old, as it was when they were counted.

        Returns:
            The alarms that opened, were raised or cleared.

        Raises:
            InputError: a record is no delta of this stream.
        """
        events: list[Event] = []
        polled = self._inbox.poll(DELTAS_AT_ONCE, POLL_S)
        for value, offset in zip(polled.values, polled.offsets.tolist(), strict=True):
            try:
                delta = Delta.from_bytes(value or b"", self.judges.layout)
            except InputError as error:
                raise InputError(*(f"topic={self._inbox.topic}, offset {offset}: {f}" for f in error.faults)) from None
            if self.ledger.takes(delta.ranges):
                self.take(delta.panes.items(), delta.tallies)
                self.resets = self.ledger.gaps
                events += self.judge(self._partitions, delta.read_ms)
        if not polled.values and caught_up(self._inbox):
            events += self.judge(self._partitions, self._now_ms())
            self.live = True
        return events
