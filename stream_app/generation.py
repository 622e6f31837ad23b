"""What runs inside a generator process: its shards, and the words it and its worker exchange."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection

import numpy as np
import numpy.typing as npt

from connectors.kafka import Fenced
from schemas.errors import InputError, ServiceError
from stream_app.control import Desired
from stream_app.publish import Publisher, run
from stream_app.shards import OwnedShard


@dataclass(frozen=True)
class Own:
    """Worker to process: take this shard, and take it again whenever it is lost."""

    shard: int


@dataclass(frozen=True)
class Disown:
    """Worker to process: commit this shard and let it go."""

    shard: int


@dataclass(frozen=True)
class Obey:
    """Worker to process: carry out a command on this shard."""

    shard: int
    desired: Desired


@dataclass(frozen=True)
class Finish:
    """Worker to process: commit everything and end."""


@dataclass(frozen=True)
class Ready:
    """Process to worker: everything is loaded, shards may come."""


@dataclass(frozen=True)
class Taken:
    """Process to worker: the shard is owned, and goes on from this position."""

    shard: int
    position: int


@dataclass(frozen=True)
class Moved:
    """Process to worker: records were handed over; how late, in seconds, shape (records,)."""

    shard: int
    late_s: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Waiting:
    """Process to worker: the shard is not published for now, and why; it will be taken again.

    Args:
        shard: the shard.
        reason: in words.
        fenced: another owner took it; it is left alone for a while, by when it may be assigned elsewhere.
    """

    shard: int
    reason: str
    fenced: bool = False


@dataclass(frozen=True)
class Released:
    """Process to worker: the shard was committed and let go, as ordered."""

    shard: int


@dataclass(frozen=True)
class Refused:
    """Process to worker: the shard can not be published here until a person mends something."""

    shard: int
    reason: str


Order = Own | Disown | Obey | Finish
Report = Ready | Taken | Moved | Waiting | Released | Refused

Take = Callable[[int], OwnedShard]
"""Takes ownership of a shard."""

FENCED_PAUSE_S = 3.0
"""How long a fenced shard is left to whoever took it: by then the worker knows whether it is still assigned."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
"""How long a shard that failed waits before it is taken again; every failure in a row doubles it."""

IDLE_S = 0.05
"""How long a process without shards waits for word."""


@dataclass
class _Wanted:
    """A shard that is to be owned and is not: from when to try, and how long to wait after the next failure."""

    at_s: float = 0.0
    pause_s: float = FIRST_PAUSE_S


class Generation:
    """The shards of a generator process: published in turn, taken again when lost, commanded by the worker.

    A shard that fails is let go whole and taken again: its new transaction goes on after the last one that
    committed, and draws what was not committed anew, to the same bytes.

    Args:
        take: takes ownership of a shard.
        worker: the pipe to the worker.
        transaction_s: how long a transaction collects records.
        clock_s: a clock that only goes forward, in seconds.
    """

    def __init__(
        self, take: Take, worker: Connection, transaction_s: float, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._take = take
        self._worker = worker
        self._transaction_s = transaction_s
        self._clock_s = clock_s
        self._owned: dict[int, OwnedShard] = {}
        self._wanted: dict[int, _Wanted] = {}
        self._finished = False

    def run(self) -> None:
        """Publish until told to finish or the worker is gone."""
        self._tell(Ready())
        run(self._publishers, self._sent, lambda: self._finished, between=self._between)
        for shard in list(self._owned):
            self.guarded(shard, lambda owned: owned.close())

    def _tell(self, report: Report) -> None:
        try:
            self._worker.send(report)
        except OSError:
            self._finished = True

    def _publishers(self) -> list[Publisher]:
        return [_Guarded(self, shard) for shard, owned in self._owned.items() if not owned.stopped]

    def owned(self, shard: int) -> OwnedShard | None:
        """The shard, unless it was lost meanwhile."""
        return self._owned.get(shard)

    def _sent(self, shard: int, late_s: npt.NDArray[np.float64]) -> None:
        self._tell(Moved(shard, late_s))

    def _between(self, now_ms: float) -> None:
        for shard in list(self._owned):
            self.guarded(shard, lambda owned: owned.commit_if_due(self._transaction_s))
        due = [shard for shard, wanted in self._wanted.items() if wanted.at_s <= self._clock_s()]
        for shard in due[:1]:  # taking one may last, so words are heard in between
            self._own(shard)
        try:
            while self._worker.poll(0 if self._owned or due else IDLE_S):
                self._hear(self._worker.recv())
        except (EOFError, OSError):
            self._finished = True

    def _hear(self, order: Order) -> None:
        match order:
            case Own(shard) if shard not in self._owned:
                self._wanted.setdefault(shard, _Wanted())
            case Disown(shard):
                self.guarded(shard, lambda owned: owned.close())
                self._owned.pop(shard, None)
                self._wanted.pop(shard, None)
                self._tell(Released(shard))
            case Obey(shard, desired):
                self.guarded(shard, lambda owned: owned.obey(desired, _now_ms()))
            case Finish():
                self._finished = True

    def _own(self, shard: int) -> None:
        def take() -> None:
            owned = self._owned[shard] = self._take(shard)
            del self._wanted[shard]
            self._tell(Taken(shard, owned.publisher.position))

        self._attempt(shard, take)

    def guarded(self, shard: int, act: Callable[[OwnedShard], None]) -> None:
        """Do something to a shard that is owned; one that fails is taken again later."""
        owned = self._owned.get(shard)
        if owned is not None:
            self._attempt(shard, lambda: act(owned))

    def _attempt(self, shard: int, act: Callable[[], None]) -> None:
        try:
            act()
        except Fenced:
            self._lose(shard, Waiting(shard, "another owner took it", fenced=True))
        except ServiceError as error:
            self._lose(shard, Waiting(shard, str(error)))
        except InputError as error:
            self._wanted.pop(shard, None)
            owned = self._owned.pop(shard, None)
            if owned is not None:
                owned.abandon()
            self._tell(Refused(shard, str(error)))

    def _lose(self, shard: int, report: Waiting) -> None:
        owned = self._owned.pop(shard, None)
        if owned is not None:
            owned.abandon()
        wanted = self._wanted.setdefault(shard, _Wanted())
        wanted.at_s = self._clock_s() + (FENCED_PAUSE_S if report.fenced else wanted.pause_s)
        wanted.pause_s = min(2 * wanted.pause_s, LONGEST_PAUSE_S)
        self._tell(report)


@dataclass(frozen=True)
class _Guarded:
    """A shard as the loop sees it: one that is lost while it publishes ends alone, and none is ever done.

    A stream that published its whole count still listens for commands.
    """

    generation: Generation
    shard: int
    done: bool = False

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        late_s: list[npt.NDArray[np.float64]] = []
        self.generation.guarded(self.shard, lambda owned: late_s.append(owned.publish_due(now_ms)))
        return late_s[0] if late_s else np.zeros(0)

    def overdue(self, now_ms: float) -> bool:
        owned = self.generation.owned(self.shard)
        return owned is not None and owned.overdue(now_ms)

    def prepare(self) -> bool:
        drawn: list[bool] = []
        self.generation.guarded(self.shard, lambda owned: drawn.append(owned.publisher.prepare()))
        return any(drawn)


def _now_ms() -> float:
    return time.time() * 1_000


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends, however that happens (Linux, prctl(2))."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        parent = parent_process()
        if parent is not None and parent.pid != os.getppid():
            sys.exit(f"process {parent.pid}, which started this one, has ended")
