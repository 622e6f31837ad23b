"""The generator processes of a worker: which publishes what, and a spare that steps in when one ends."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from schemas.errors import ServiceError
from stream_app.control import Desired
from stream_app.generation import Disown, Finish, Obey, Order, Own, Ready, Refused, Report

logger = logging.getLogger(__name__)

STILLBORN = 3
"""So many processes in a row that end before they are ready mean that the next would too."""


@dataclass
class _Child:
    process: BaseProcess
    pipe: Connection
    shards: set[int] = field(default_factory=set)
    ready: bool = False

    def tell(self, order: Order) -> None:
        """Send an order; a process that has ended hears nothing, and the listener says so."""
        with suppress(OSError):
            self.pipe.send(order)


class Pool:
    """The generator processes of one worker, and one to spare that has loaded everything and waits.

    A process that ends has its shards published by the spare at once, and another spare is started.

    Args:
        target: what a process runs, given its end of the pipe; spawned, so it must be importable.
        arguments: passed to it after the pipe.
        size: how many processes publish.
        told: told of everything the processes report but that they are ready.
    """

    def __init__(
        self,
        target: Callable[..., None],
        arguments: tuple[object, ...],
        size: int,
        told: Callable[[Report], None],
    ) -> None:
        self._target, self._arguments, self._told = target, arguments, told
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._size = size
        self._stillborn = 0
        self._closing = False
        self._spare: _Child | None = None
        self._children = [self._started() for _ in range(size)]
        self._listener = threading.Thread(target=self._listen, name="generators", daemon=True)
        self._listener.start()

    def _started(self) -> _Child:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=self._target, args=(theirs, *self._arguments), name="generator")
        process.start()
        theirs.close()
        return _Child(process, ours)

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until every process has loaded what it needs: a worker asks for shards only when it can publish them.

        Raises:
            ServiceError: they end before, or take too long.
        """
        with self._changed:
            settled = self._changed.wait_for(self._settled, timeout_s)
            if self._hopeless:
                raise ServiceError("worker: its generator processes end before they are ready; their error is above")
            if not settled:
                raise ServiceError(f"worker: a generator process was not ready within {timeout_s:g} s")

    def _settled(self) -> bool:
        return self._hopeless or all(child.ready for child in self._children)

    @property
    def _hopeless(self) -> bool:
        return self._stillborn >= STILLBORN

    @property
    def shards(self) -> frozenset[int]:
        """The shards published here."""
        with self._lock:
            return frozenset(shard for child in self._children for shard in child.shards)

    @property
    def children(self) -> Mapping[int, frozenset[int]]:
        """Process id to the shards it publishes; the spare is not among them."""
        with self._lock:
            return {child.process.pid or 0: frozenset(child.shards) for child in self._children}

    def assign(self, shards: frozenset[int]) -> None:
        """Own exactly these shards: let go what is not among them, take what is new, carry on with the rest."""
        with self._lock:
            for child in self._children:
                for shard in sorted(child.shards - shards):
                    child.shards.discard(shard)
                    child.tell(Disown(shard))
            for shard in sorted(shards - self.shards) if self._children else ():
                child = min(self._children, key=lambda child: len(child.shards))
                child.shards.add(shard)
                child.tell(Own(shard))

    def obey(self, shard: int, desired: Desired) -> None:
        """Pass a command on to whoever publishes the shard; nobody does when it is not ours."""
        with self._lock:
            for child in self._children:
                if shard in child.shards:
                    child.tell(Obey(shard, desired))

    def close(self, timeout_s: float = 30.0) -> None:
        """Have every process commit and end; end it the hard way when it does not."""
        with self._lock:
            self._closing = True
            children = self._everyone()
            for child in children:
                child.tell(Finish())
            if self._spare is not None:
                self._spare.process.kill()  # it owns nothing, and may be loading for long
        for child in children:
            child.process.join(timeout_s)
            if child.process.is_alive():
                logger.error("generator did not end in time", extra={"pid": child.process.pid})
                child.process.kill()
                child.process.join()
        self._listener.join(timeout_s)

    def _everyone(self) -> list[_Child]:
        return [*self._children, *([] if self._spare is None else [self._spare])]

    def _listen(self) -> None:
        """Hear every process until all have ended; processes are started here too, since they die with this thread."""
        while True:
            with self._lock:
                pipes = {child.pipe: child for child in self._everyone()}
            if not pipes:
                return
            for ready in wait(list(pipes)):
                child = pipes[ready]  # type: ignore[index]  # only Connections were given to wait
                try:
                    self._hear(child, child.pipe.recv())
                except (EOFError, OSError):
                    self._ended(child)

    def _hear(self, child: _Child, report: Report) -> None:
        if not isinstance(report, Ready):
            self._told(report)
            return
        with self._changed:
            child.ready = True
            self._stillborn = 0
            self._restock()
            self._changed.notify_all()

    def _ended(self, child: _Child) -> None:
        with self._changed:
            orphans: set[int] = set()
            if child is self._spare:
                self._spare = None
            else:
                self._children.remove(child)
                orphans = child.shards
            if self._closing:
                return
            logger.warning("generator process ended", extra={"pid": child.process.pid, "shards": sorted(orphans)})
            self._stillborn = 0 if child.ready else self._stillborn + 1
            if len(self._children) < self._size and not self._hopeless:
                self._succeed(orphans)
            self._restock()
            self._changed.notify_all()
        if self._hopeless:
            for shard in sorted(orphans):
                self._told(Refused(shard, "generator processes end before they are ready; their error is above"))

    def _succeed(self, orphans: set[int]) -> None:
        """Have the spare, or a new process, take the place of one that ended."""
        heir = self._started() if self._spare is None else self._spare
        self._spare = None
        heir.shards = orphans
        self._children.append(heir)
        for shard in sorted(orphans):
            heir.tell(Own(shard))

    def _restock(self) -> None:
        """Start a spare once nobody else has to be waited for."""
        if self._spare is None and not self._closing and not self._hopeless and self._settled():
            self._spare = self._started()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
