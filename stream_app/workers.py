"""Generator processes: each publishes the shards it is told to own, and dies with its parent."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np
import numpy.typing as npt

from connectors.kafka import Fenced
from schemas.errors import Problem, ServiceError
from stream_app.control import Desired
from stream_app.publish import Publisher, run
from stream_app.shards import OwnedShard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Own:
    """Parent to child: take this shard."""

    shard: int


@dataclass(frozen=True)
class Disown:
    """Parent to child: commit this shard and let it go."""

    shard: int


@dataclass(frozen=True)
class Obey:
    """Parent to child: carry out a command on this shard."""

    shard: int
    desired: Desired


@dataclass(frozen=True)
class Finish:
    """Parent to child: commit everything and end."""


@dataclass(frozen=True)
class Ready:
    """Child to parent: everything is loaded, shards may come."""


@dataclass(frozen=True)
class Taken:
    """Child to parent: the shard is owned, and goes on from this position."""

    shard: int
    position: int


@dataclass(frozen=True)
class Moved:
    """Child to parent: records were handed over; how late, in seconds, shape (records,)."""

    shard: int
    late_s: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lost:
    """Child to parent: the shard is no longer published here, and why.

    Args:
        shard: the shard.
        reason: in words.
        fenced: another worker took it, which is a normal end; otherwise nobody publishes it now.
    """

    shard: int
    reason: str
    fenced: bool = False


Take = Callable[[int], OwnedShard]
"""Takes ownership of a shard."""


class Generation:
    """What runs inside a generator process: its shards, and the messages that change them.

    Args:
        take: takes ownership of a shard.
        parent: the pipe to the parent.
        transaction_s: how long a transaction collects records.
    """

    def __init__(self, take: Take, parent: Connection, transaction_s: float) -> None:
        self._take = take
        self._parent = parent
        self._transaction_s = transaction_s
        self._owned: dict[int, OwnedShard] = {}
        self._finished = False

    def run(self) -> None:
        """Publish until told to finish or the parent is gone."""
        self._tell(Ready())
        run(self._publishers, self._sent, lambda: self._finished, between=self._between)
        for shard in list(self._owned):
            self.guarded(shard, lambda owned: owned.close(_now_ms()))

    def _tell(self, message: Ready | Taken | Moved | Lost) -> None:
        try:
            self._parent.send(message)
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
            self.guarded(shard, lambda owned: owned.commit_if_due(now_ms, self._transaction_s))
        try:
            while self._parent.poll():
                self._hear(self._parent.recv())
        except (EOFError, OSError):
            self._finished = True

    def _hear(self, message: Own | Disown | Obey | Finish) -> None:
        match message:
            case Own(shard) if shard not in self._owned:
                self._own(shard)
            case Disown(shard) if shard in self._owned:
                self.guarded(shard, lambda owned: owned.close(_now_ms()))
                self._owned.pop(shard, None)
            case Obey(shard, desired) if shard in self._owned:
                self.guarded(shard, lambda owned: owned.obey(desired, _now_ms()))
            case Finish():
                self._finished = True

    def _own(self, shard: int) -> None:
        try:
            owned = self._owned[shard] = self._take(shard)
            self._tell(Taken(shard, owned.publisher.position))
        except Fenced:
            self._tell(Lost(shard, "another worker took it", fenced=True))
        except Problem as problem:
            self._tell(Lost(shard, str(problem)))

    def guarded(self, shard: int, act: Callable[[OwnedShard], None]) -> None:
        """Being fenced is a normal end of a shard: the new owner redraws what was not committed."""
        try:
            act(self._owned[shard])
        except Fenced:
            del self._owned[shard]
            self._tell(Lost(shard, "another worker took it", fenced=True))
        except Problem as problem:
            del self._owned[shard]
            self._tell(Lost(shard, str(problem)))


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
        return owned is not None and owned.publisher.overdue(now_ms)

    def prepare(self) -> bool:
        owned = self.generation.owned(self.shard)
        return owned is not None and owned.publisher.prepare()


def _now_ms() -> float:
    return time.time() * 1_000


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends, however that happens (Linux)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


@dataclass
class _Child:
    process: BaseProcess
    pipe: Connection
    shards: set[int] = field(default_factory=set)

    def tell(self, message: Own | Disown | Obey | Finish) -> None:
        """Send a message; a process that has ended hears nothing, and the listener says so."""
        with suppress(OSError):
            self.pipe.send(message)


class Pool:
    """The generator processes of one worker, and which of them publishes which shard.

    Args:
        target: what a child runs, given its end of the pipe; spawned, so it must be importable.
        arguments: passed to it after the pipe.
        size: how many processes.
        moved: told of every hand-over.
        lost: told of every shard that is no longer published here.
    """

    def __init__(
        self,
        target: Callable[..., None],
        arguments: tuple[object, ...],
        size: int,
        moved: Callable[[Moved], None],
        lost: Callable[[Lost], None],
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._children: list[_Child] = []
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=target, args=(theirs, *arguments), name=f"generator-{number}")
            process.start()
            theirs.close()
            self._children.append(_Child(process, ours))
        self._moved, self._lost = moved, lost
        self._ready = threading.Semaphore(0)
        self._listener = threading.Thread(target=self._listen, name="generators", daemon=True)
        self._listener.start()

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until every process has loaded what it needs: a worker asks for shards only when it can publish them.

        Raises:
            ServiceError: one ended, or takes too long.
        """
        deadline = time.monotonic() + timeout_s
        for _ in self._children:
            while not self._ready.acquire(timeout=0.1):
                if len(self._living()) < len(self._children):
                    raise ServiceError("worker: a generator process ended before it was ready; its error is above")
                if time.monotonic() > deadline:
                    raise ServiceError(f"worker: a generator process was not ready within {timeout_s:g} s")

    @property
    def shards(self) -> frozenset[int]:
        """The shards published here."""
        return frozenset(shard for child in self._children for shard in child.shards)

    @property
    def children(self) -> Mapping[int, frozenset[int]]:
        """Process id to the shards it publishes."""
        return {child.process.pid or 0: frozenset(child.shards) for child in self._children}

    def assign(self, shards: frozenset[int]) -> None:
        """Own exactly these shards: let go what is not among them, take what is new, carry on with the rest."""
        for child in self._children:
            for shard in sorted(child.shards - shards):
                child.shards.discard(shard)
                child.tell(Disown(shard))
        for shard in sorted(shards - self.shards):
            child = min(self._living(), key=lambda child: len(child.shards))
            child.shards.add(shard)
            child.tell(Own(shard))

    def obey(self, shard: int, desired: Desired) -> None:
        """Pass a command on to whoever publishes the shard; nobody does when it is not ours."""
        for child in self._children:
            if shard in child.shards:
                child.tell(Obey(shard, desired))

    def close(self, timeout_s: float = 30.0) -> None:
        """Have every process commit and end; end it the hard way when it does not."""
        for child in self._living():
            child.shards.clear()
            child.tell(Finish())
        for child in self._children:
            child.process.join(timeout_s)
            if child.process.is_alive():
                logger.error("generator did not end in time", extra={"pid": child.process.pid})
                child.process.kill()
                child.process.join()
        self._listener.join(timeout_s)

    def _living(self) -> list[_Child]:
        return [child for child in self._children if child.process.is_alive()]

    def _listen(self) -> None:
        pipes = {child.pipe: child for child in self._children}
        while pipes:
            for ready in wait(list(pipes)):
                child = pipes[ready]  # type: ignore[index]  # only Connections were given to wait
                try:
                    self._hear(child, child.pipe.recv())
                except (EOFError, OSError):
                    del pipes[child.pipe]
                    for shard in sorted(child.shards):
                        self._lost(Lost(shard, f"generator process {child.process.pid} ended"))
                    child.shards.clear()

    def _hear(self, child: _Child, message: Ready | Taken | Moved | Lost) -> None:
        match message:
            case Ready():
                self._ready.release()
            case Taken(shard, position):
                logger.info("shard taken", extra={"shard": shard, "position": position, "pid": child.process.pid})
            case Moved():
                self._moved(message)
            case Lost(shard, _):
                child.shards.discard(shard)
                self._lost(message)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
