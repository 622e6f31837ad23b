"""A shard published exactly once: owned by fencing, its progress inside every transaction."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from connectors.kafka import Cluster, Outbox, last_record
from schemas.errors import InputError
from stream_app.control import Acknowledgement, Desired, State
from stream_app.progress import Progress
from stream_app.publish import Recipe, ShardPublisher
from stream_app.schedule import UNPACED, Schedule, share, starting
from stream_app.topics import Topics

logger = logging.getLogger(__name__)

OWN_TIMEOUT_S = 30.0


class OwnedShard:
    """A shard this process owns: its publisher, its transaction and its progress.

    Taking it fences the owner before (`init_transactions`), and only then reads how far that one came.

    Args:
        cluster: the broker.
        topics: the stream's topics.
        recipe: what the shards share.
        shard: which shard.
        initial: the state of the stream when nobody commanded anything.
        count: how many records the whole stream publishes; None for ever.
        now_ms: the time now, milliseconds since the epoch.

    Raises:
        InputError: the progress is of another artifact or seed.
        Fenced: another owner took the shard meanwhile.
    """

    def __init__(
        self,
        cluster: Cluster,
        topics: Topics,
        recipe: Recipe,
        shard: int,
        initial: Desired,
        count: int | None,
        now_ms: float,
    ) -> None:
        self.shard = shard
        self._topics = topics
        self._outbox = Outbox(cluster, topics.data, f"{topics.stream}.{shard}")
        self._outbox.own(OWN_TIMEOUT_S)
        self._progress = _progress(cluster, topics, recipe, shard, initial, now_ms)
        self.publisher = ShardPublisher(
            recipe,
            shard,
            self._outbox,
            self._progress.schedule,
            self._progress.position,
            None if count is None else share(count, shard, topics.shards),
        )
        self._committed_ms = now_ms
        self._outbox.begin()
        known = last_record(cluster, topics.commands, shard)
        if known is not None:
            self.obey(Desired.from_bytes(known), now_ms)

    @property
    def stopped(self) -> bool:
        """Whether the shard was told to stop."""
        return self._progress.stopped

    @property
    def committed(self) -> int:
        """How many records readers can see: the position of the last commit."""
        return self._progress.position

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        """Hand over what is due; how late each record was, in seconds, shape (records,)."""
        return np.zeros(0) if self.stopped else self.publisher.publish_due(now_ms)

    def obey(self, desired: Desired, now_ms: float) -> None:
        """Carry out a command and acknowledge it, in one transaction; one already in force is only acknowledged."""
        if desired.command != self._progress.command:
            self._progress = replace(self._progress, command=desired.command, stopped=desired.state is State.STOPPED)
            rate = _share_of_rate(desired, self._topics.shards)
            if rate != self.publisher.schedule.latest.rate_per_s:
                self.publisher.change(self.publisher.schedule.with_rate(self.publisher.position, now_ms, rate))
        answer = Acknowledgement(desired.command, self.shard, self.publisher.position)
        self._outbox.send_one(self._topics.acknowledgements, str(self.shard).encode(), answer.to_bytes(), 0)
        self.commit(now_ms)

    def commit_if_due(self, now_ms: float, transaction_s: float) -> None:
        """Commit when the transaction is old enough and holds something."""
        if now_ms - self._committed_ms >= transaction_s * 1_000 and self.publisher.position > self.committed:
            self.commit(now_ms)

    def commit(self, now_ms: float) -> None:
        """Make everything handed over visible, with the progress, and begin the next transaction."""
        self._finish(now_ms)
        self._outbox.begin()

    def close(self, now_ms: float) -> None:
        """Commit and let the shard go."""
        self._finish(now_ms)
        self._outbox.flush()

    def _finish(self, now_ms: float) -> None:
        self._progress = self._progress.moved(self.publisher.position, self.publisher.schedule)
        self._outbox.send_one(self._topics.progress, str(self.shard).encode(), self._progress.to_bytes(), self.shard)
        self._outbox.commit()
        self._committed_ms = now_ms


def _share_of_rate(desired: Desired, shards: int) -> float:
    if desired.state is not State.RUNNING:
        return 0.0
    return UNPACED if desired.rate_per_s is None else desired.rate_per_s / shards


def _progress(
    cluster: Cluster, topics: Topics, recipe: Recipe, shard: int, initial: Desired, now_ms: float
) -> Progress:
    known = last_record(cluster, topics.progress, shard)
    if known is None:
        return Progress(
            recipe.epoch, recipe.seed, recipe.artifact.identity, 0, _schedule(initial, shard, topics.shards, now_ms)
        )
    progress = Progress.from_bytes(known)
    for key, here, there in (
        ("artifact", recipe.artifact.identity, progress.artifact),
        ("seed", recipe.seed, progress.seed),
    ):
        if here != there:
            raise InputError(
                f"{key}={here}: stream {topics.stream} was begun with {key}={there}; "
                f"go on with that one, or begin afresh with `synthstream delete {topics.stream}`"
            )
    return progress


def _schedule(initial: Desired, shard: int, shards: int, now_ms: float) -> Schedule:
    rate = UNPACED if initial.rate_per_s is None else initial.rate_per_s
    return starting(rate, shard, shards, now_ms)
