"""What a monitor knows, kept in Kafka: a compacted record of where it had read to and all it had made of that.

What is too large for one record is several, written in one transaction, each under a key of its own. All of them say
which keeping they are part of, so that nobody goes on from parts of two.
"""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np

from connectors.kafka import LARGEST_BYTES, Cluster, Fenced, Inbox, Outbox, Records
from monitors.kept import State, from_bytes, to_bytes
from schemas.errors import InputError, ServiceError
from stream_app.commits import Commit
from stream_app.watching.watch import Watch

logger = logging.getLogger(__name__)

KEEP_S = 5.0
"""How long a monitor goes on at least before it keeps what it knows once more."""

MOST_OF_TIME = 0.02
"""Keeping takes at most this share of the time: where much is known, it is done less often."""

STATE_FORMAT = 2
"""Version of what is kept."""


MOST_PARTS = 16
"""What would take more records than so many is not kept."""

PART = b"part"
"""How the value of one record of several begins; what is whole begins with a length, whose first byte is 0."""

_PART_HEAD = struct.Struct(">4s16sII")
"""`PART`, which keeping it is part of, the part's number, and how many there are."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What a monitor knew.

    Args:
        positions: by partition, the first offset that it had not read.
        at_ms: when that was, milliseconds since the epoch.
        state: what it had made of all that it had read.
    """

    positions: Mapping[int, int]
    at_ms: float
    state: State

    def to_bytes(self) -> bytes:
        """The record's value."""
        about = {"format": STATE_FORMAT, "at_ms": self.at_ms, "positions": list(self.positions.items())}
        return to_bytes({**about, "state": self.state})

    @classmethod
    def from_bytes(cls, value: bytes) -> Kept:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: it is something else, or of another format.
        """
        form = from_bytes(value)
        if form.get("format") != STATE_FORMAT:
            raise InputError(f"state format={form.get('format')}: this program reads {STATE_FORMAT}")
        return cls(dict(form["positions"]), form["at_ms"], form["state"])


def last_kept(cluster: Cluster, topic: str, judge: str) -> Kept | None:
    """What a monitor knew that judged alike; None where there is none.

    Says so where others kept something there: they had another artifact or other settings.

    Args:
        cluster: the broker.
        topic: where it is kept; it must exist.
        judge: names the judgement.

    Raises:
        InputError: it is not one of ours.
        ServiceError: the broker does not answer.
    """
    inbox, newest, others = Inbox(cluster, topic), dict[bytes, bytes | None](), False
    mine = {_key(judge, part) for part in range(MOST_PARTS)}
    try:
        while not inbox.at_end():
            polled = inbox.poll(MOST_PARTS, 0.2)
            for key, value in zip(polled.keys, polled.values, strict=True):
                if key in mine:
                    newest[key] = value
                else:
                    others = True
    finally:
        inbox.close()
    if not newest and others:
        logger.warning(
            "begun anew: what is kept is of another artifact, another file or other settings", extra={"topic": topic}
        )
    value = _whole(judge, newest)
    return None if value is None else Kept.from_bytes(value)


def _key(judge: str, part: int = 0) -> bytes:
    return (judge if part == 0 else f"{judge}.{part}").encode()


def _parts(value: bytes, most_bytes: int) -> list[bytes]:
    """The values of the records that hold a value."""
    room = most_bytes - _PART_HEAD.size
    if len(value) <= room:
        return [value]
    pieces = [value[start : start + room] for start in range(0, len(value), room)]
    keeping = uuid4().bytes
    return [_PART_HEAD.pack(PART, keeping, i, len(pieces)) + piece for i, piece in enumerate(pieces)]


def _whole(judge: str, newest: Mapping[bytes, bytes | None]) -> bytes | None:
    """What a monitor kept last, from the newest record of every key; None where there is nothing, or not all of it."""
    first = newest.get(_key(judge))
    if first is None or not first.startswith(PART) or len(first) < _PART_HEAD.size:
        return first
    count = _PART_HEAD.unpack_from(first)[3]
    parts = [newest.get(_key(judge, i)) or b"" for i in range(count)]
    head = first[: len(PART) + 16]
    if any(len(part) < _PART_HEAD.size or not part.startswith(head) for part in parts):
        logger.warning("begun anew: parts of what is kept are missing", extra={"parts": count})
        return None
    return b"".join(part[_PART_HEAD.size :] for part in parts)


class Keeper:
    """Keeps what a monitor knows, every few seconds and when it ends; several that judge alike may do so.

    Whatever is the newest is whole: positions and all that was made of what lies before them. So it does not
    matter when a monitor ends: what it read since is read once more, and judged alike.

    Args:
        cluster: the broker.
        topic: where it is kept; it must exist.
        judge: names the judgement.
        watch: the monitor.
        now_ms: the time now, milliseconds since the epoch.
        clock_s: a clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        judge: str,
        watch: Watch,
        now_ms: Callable[[], float],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = replace(cluster, settings={**cluster.settings, "message.max.bytes": LARGEST_BYTES})
        self._topic, self._judge, self._watch = topic, judge, watch
        self._now_ms, self._clock_s = now_ms, clock_s
        self._outbox: Outbox | None = None
        self._several: Outbox | None = None
        self._commit: Commit | None = None
        self._last: Any = None
        self._due_s = clock_s() + KEEP_S
        self._too_large = False

    def see(self) -> None:
        """Keep what the monitor knows, if it is time; never waits."""
        if self._clock_s() < self._due_s:
            return
        began_s = self._clock_s()
        self._keep()
        self._due_s = self._clock_s() + max(KEEP_S, (self._clock_s() - began_s) / MOST_OF_TIME)

    def close(self) -> None:
        """Keep what the monitor knows at its end; not after a step that failed, amid which it may know half of it."""
        self._attempt(self._arrived)
        self._keep()
        if self._outbox is not None:
            self._attempt(self._outbox.flush)
        self._attempt(self._arrived)

    def _keep(self) -> None:
        if self._commit is not None and self._commit.done:
            self._attempt(self._arrived)
        new = (dict(self._watch.positions), self._watch.judged_s)
        if self._too_large or new == self._last or self._on_its_way:
            return
        value = Kept(new[0], self._now_ms(), self._watch.state()).to_bytes()
        parts = _parts(value, LARGEST_BYTES - 1_024)
        if len(parts) > MOST_PARTS:
            logger.warning("what the monitor knows is too large to be kept", extra={"bytes": len(value)})
            self._too_large = True
            return
        if self._attempt(lambda: self._send(parts)):
            self._last = new

    @property
    def _on_its_way(self) -> bool:
        """Whether what was kept last is not at the broker yet."""
        return self._commit is not None or (self._outbox is not None and self._outbox.waiting > 0)

    def _send(self, parts: list[bytes]) -> None:
        if len(parts) > 1:
            self._commit = Commit(lambda: self._send_together(parts))
            return
        if self._outbox is None:
            self._outbox = Outbox(self._cluster, self._topic, None)
        self._outbox.send(Records.of(parts, [_key(self._judge)]), 0, np.zeros(1, np.int64))

    def _send_together(self, parts: list[bytes]) -> None:
        """Send all or none; waits for the broker, so it has a thread of its own."""
        if self._several is None:
            outbox = Outbox(self._cluster, self._topic, f"{self._topic}.{uuid4().hex}")
            outbox.own()
            self._several = outbox
        self._several.begin()
        for i, part in enumerate(parts):
            self._several.send(Records.of([part], [_key(self._judge, i)]), 0, np.zeros(1, np.int64))
        self._several.commit()

    def _arrived(self) -> None:
        """Wait for several records that are on their way; raises what was wrong."""
        commit, self._commit = self._commit, None
        if commit is not None:
            commit.wait()

    def _attempt(self, act: Callable[[], None]) -> bool:
        """Whether that went well; if not, that is said and there are new outboxes next time."""
        try:
            act()
        except (Fenced, ServiceError) as error:
            logger.warning("what the monitor knows could not be kept; tried again later", extra={"why": str(error)})
            self._outbox = self._several = self._last = None
            return False
        return True
