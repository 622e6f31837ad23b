"""A shard published exactly once: owned by fencing, its progress inside every transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from connectors.kafka import Cluster, Fenced, Outbox, last_record
from schemas.errors import InputError, ServiceError
from schemas.rates import Profile
from stream_app.change_log import CHANGES_KEPT
from stream_app.commits import Commit
from stream_app.contents import Contents
from stream_app.control import Acknowledgement, Desired, State, in_force
from stream_app.drifts import check_pace, running
from stream_app.progress import Progress
from stream_app.publish import ShardPublisher
from stream_app.recipe import Recipe
from stream_app.schedule import UNPACED, Pace, Rate, begun, check_clock, pace_of
from stream_app.topics import Topics

logger = logging.getLogger(__name__)

OWN_S = 10.0
"""How long taking a shard may wait for the broker."""

RACE_PAUSE_S = 0.5
"""How long a worker waits for another that begins the same shard, which takes a few exchanges with the broker."""

RACES = 20
"""So often a shard that is to begin may be taken by others before that is an error."""

FAILURES = 3
"""So often the broker may fail at beginning a shard: one that is asked to fence several owners at once may refuse."""


@dataclass(frozen=True)
class Drain:
    """A drain that goes on.

    Args:
        desired: the command.
        due_by_ms: records that are due by then are still published, milliseconds since the epoch.
    """

    desired: Desired
    due_by_ms: float


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
        InputError: the shard is at another epoch, or its epoch was begun on other terms.
        Fenced: another owner took the shard meanwhile.
        ServiceError: the broker does not answer.
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
        if shard >= topics.shards:
            raise InputError(f"shards={topics.shards}: stream {topics.stream} has a shard {shard}; use its newest file")
        self.shard = shard
        self._initial = initial
        self._drain: Drain | None = None
        self._share = recipe.share(shard)
        self._topics = topics
        self._outbox = Outbox(cluster, topics.data, f"{topics.stream}.{shard}", recipe.gate.batch_bytes)
        self._outbox.own(OWN_S)
        self._progress = _progress(cluster, topics, recipe, shard, initial, now_ms)
        schedule, position, contents = self._progress.schedule, self._progress.position, self._progress.contents
        self.publisher = ShardPublisher(
            recipe, shard, self._outbox, schedule, position, recipe.count(shard, count), contents
        )
        self._commit: Commit | None = None
        self._committed, self._committed_s = self._progress.position, time.monotonic()
        self._early = self._share.phase  # so that the shards of a process do not all commit at once
        self._outbox.begin()
        known = last_record(cluster, topics.commands, shard)
        self._newest_ms = 0.0 if known is None else Desired.from_bytes(known).at_ms
        desired = in_force(known, initial)
        if desired.command:
            self.obey(desired, now_ms)
        if desired.command == self._progress.command and self._follow(desired, now_ms):
            logger.info(
                "the stream's file has another rate: followed from here on",
                extra={"shard": shard, "sequence": self.publisher.position, "rate_per_s": _spelled(desired)},
            )

    @property
    def stopped(self) -> bool:
        """Whether the shard was told to stop."""
        return self._progress.stopped

    @property
    def committed(self) -> int:
        """How many records readers can see: the position of the last commit."""
        return self._committed

    @property
    def committing(self) -> bool:
        """Whether a commit is under way, and the shard waits for it."""
        return self._commit is not None and not self._commit.done

    def overdue(self, now_ms: float) -> bool:
        """See `Publisher.overdue`; nothing can be handed over while a commit is under way."""
        return not self.committing and self.publisher.overdue(now_ms)

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        """Hand over what is due; how late each record was, in seconds, shape (records,).

        A drain is carried out once nothing is left that was due when it was asked for.
        """
        if self.stopped or self.committing:
            return np.zeros(0)
        self._settle()
        drain = self._drain
        if drain is None:
            return self.publisher.publish_due(now_ms)
        late_s = self.publisher.publish_due(drain.due_by_ms) + (now_ms - drain.due_by_ms) / 1_000
        if not self.publisher.owes(drain.due_by_ms):
            self._answer(drain.desired, "", now_ms)
        return late_s

    def obey(self, desired: Desired, now_ms: float) -> None:
        """Carry out a command and acknowledge it, in one transaction; one already in force is only acknowledged.

        One that is older than the newest that is known was delivered again, and is over. A drain goes on while there is
        something to drain, until another command takes its place.
        """
        self._settle()
        if desired.at_ms < self._newest_ms:
            logger.info("an older command is ignored", extra={"shard": self.shard, "command": desired.command})
            return
        self._newest_ms = desired.at_ms
        desired = desired.by_file(self._initial)
        refused = self._refused(desired)
        if refused:
            logger.warning("command refused", extra={"shard": self.shard, "command": desired.command, "why": refused})
        else:
            self._drain = self._begun_drain(desired, now_ms)
        if refused or self._drain is None:
            self._answer(desired, refused, now_ms)

    def _begun_drain(self, desired: Desired, now_ms: float) -> Drain | None:
        """The drain that a command begins; None when it is none, or there is nothing to drain."""
        due_by_ms = min(desired.at_ms, now_ms)
        paced = self.publisher.schedule.latest.rate_per_s != UNPACED
        waits = desired.command != self._progress.command and paced and self.publisher.owes(due_by_ms)
        return Drain(desired, due_by_ms) if desired.state is State.DRAINED and waits else None

    def _answer(self, desired: Desired, refused: str, now_ms: float) -> None:
        """Acknowledge a command, carried out here unless it is in force already or refused."""
        if not refused:
            self._drain = None
            if desired.command != self._progress.command:
                self._carry_out(desired, now_ms)
        answer = Acknowledgement(
            desired.command, self.shard, self.publisher.position, refused, desired.asked, desired.by, desired.at_ms
        )
        self._outbox.send_one(self._topics.acknowledgements, str(self.shard).encode(), answer.to_bytes(), 0)
        self.commit()

    def _refused(self, desired: Desired) -> str:
        """Why a command can not be carried out here; empty when it can."""
        if desired.epoch != self._progress.epoch:
            return f"it is for epoch {desired.epoch}, the stream is at {self._progress.epoch}"
        try:
            check_clock(self.publisher.recipe.event_time, _rate(desired))
            check_pace(desired.drifts, _rate(desired) == UNPACED)
            self.publisher.check(desired.model, desired.steering, desired.drifts, desired.held)
            self._contents(desired)
        except InputError as error:
            return str(error)
        return ""

    def _carry_out(self, desired: Desired, now_ms: float) -> None:
        self._progress = replace(self._progress, command=desired.command, stopped=desired.state.ended)
        self._follow(desired, now_ms)
        self.publisher.change(contents=self._contents(desired))

    def _contents(self, desired: Desired) -> Contents:
        """What the shard draws under a command.

        Raises:
            InputError: more changes than a change stream can remember. An event of an entity shows what the one before
                it left, so whatever that was drawn from must be known.
        """
        contents, position = self.publisher.contents, self.publisher.position
        if desired.model != contents.latest.model:
            contents = contents.changed(max(position, desired.model_from), model=desired.model)
        if (desired.steering, desired.held) != (contents.latest.steering, contents.latest.held):
            contents = contents.changed(position, steering=desired.steering, held=desired.held)
        going = contents.latest.drifts
        drifts = running(desired.drifts, going, position, self.publisher.schedule.latest.clock.shows(desired.at_ms))
        if drifts != going:
            contents = contents.changed(position, drifts=drifts)
        if self.publisher.recipe.changes is not None and contents.oldest > 0:
            raise InputError(
                f"what it draws was changed {CHANGES_KEPT - 1} times in this epoch, more than a stream with `changes` "
                f"remembers; begin the next one (epoch: {self._progress.epoch + 1} in its file)"
            )
        return contents

    def commit_if_due(self, transaction_s: float) -> None:
        """Begin to commit when the transaction is old enough and holds something, or end what was begun."""
        if self.committing:
            return
        self._settle()
        wait_s = transaction_s * (1.0 - self._early)
        if time.monotonic() - self._committed_s >= wait_s and self.publisher.position > self.committed:
            self._begin_commit()

    def commit(self) -> None:
        """Make everything handed over visible, with the progress, and begin the next transaction."""
        self._settle()
        self._begin_commit()
        self._settle()

    def close(self) -> None:
        """Commit and let the shard go."""
        self._settle()
        self._begin_commit()
        self._end_commit()
        self._outbox.flush()

    def abandon(self) -> None:
        """Let the shard go as it was at its last commit."""
        self._outbox.abandon()

    def _follow(self, desired: Desired, now_ms: float) -> bool:
        """Go at the pace that is wanted; whether it is another than so far."""
        publisher, pace = self.publisher, self._pace(desired)
        if desired.state is State.RUNNING:
            self._progress = replace(self._progress, rate_from_ms=desired.rate_from_ms)
        if publisher.schedule.latest.keeps(pace):
            return False
        publisher.change(publisher.schedule.with_rate(publisher.position, now_ms, pace))
        return True

    def _pace(self, desired: Desired) -> Pace:
        if desired.state is not State.RUNNING:
            return 0.0
        rate, schedule = _rate(desired), self.publisher.schedule
        if isinstance(rate, Profile) and desired.rate_from_ms == self._progress.rate_from_ms:
            course = schedule.course(rate)
            if course is not None:  # begun already: were the clock asked again, it may have been shifted since
                return course
        clock = schedule.latest.clock
        from_ms = clock.event_ms if desired.rate_from_ms is None else clock.shows(desired.rate_from_ms)
        return pace_of(rate, self._share, from_ms)

    def _begin_commit(self) -> None:
        self._progress = self._progress.moved(self.publisher.position, self.publisher.schedule, self.publisher.contents)
        self._outbox.send_one(self._topics.progress, str(self.shard).encode(), self._progress.to_bytes(), self.shard)
        self._commit = Commit(self._outbox.commit)

    def _end_commit(self) -> None:
        """Wait for the commit that is under way; raises what it raised."""
        commit, self._commit = self._commit, None
        if commit is not None:
            commit.wait()
            self._committed, self._committed_s, self._early = self._progress.position, time.monotonic(), 0.0

    def _settle(self) -> None:
        """Have no commit under way: wait for one, and begin the next transaction."""
        if self._commit is not None:
            self._end_commit()
            self._outbox.begin()


def enter_epoch(
    cluster: Cluster,
    topics: Topics,
    recipe: Recipe,
    initial: Desired,
    now_ms: float,
    wait: Callable[[], None] = lambda: time.sleep(RACE_PAUSE_S),
) -> None:
    """Begin every shard of a stream that has not begun, or is at an older epoch, all as of one moment.

    Owners in the older epoch are fenced. Where another worker does the same, either begins some of the shards.

    Args:
        cluster: the broker.
        topics: the stream's topics.
        recipe: what the shards share.
        initial: the state of the stream when nobody commanded anything.
        now_ms: the time now, milliseconds since the epoch.
        wait: waits a little for another worker that takes the same shard.

    Raises:
        InputError: the stream is at a newer epoch, or the epoch was begun with something else.
        ServiceError: others keep taking a shard and do not begin it, or the broker keeps failing at it.
    """
    for shard in range(topics.shards):
        failures = 0
        for _ in range(RACES):
            known = _known(cluster, topics, shard)
            if known is not None and known.epoch >= recipe.epoch:
                break
            try:
                OwnedShard(cluster, topics, recipe, shard, initial, None, now_ms).close()
            except Fenced:
                wait()
            except ServiceError as error:
                failures += 1
                if failures == FAILURES:
                    raise
                logger.warning("shard %d: not begun, tried again: %s", shard, error)
                wait()
        else:
            raise ServiceError(
                f"shard={shard}: others took it {RACES} times and did not begin epoch {recipe.epoch}; "
                "look at the other workers' logs"
            )


def _known(cluster: Cluster, topics: Topics, shard: int) -> Progress | None:
    known = last_record(cluster, topics.progress, shard)
    return None if known is None else Progress.from_bytes(known)


def _progress(
    cluster: Cluster, topics: Topics, recipe: Recipe, shard: int, initial: Desired, now_ms: float
) -> Progress:
    """How far the shard's epoch has come: as its last owner committed it, or its beginning."""
    progress = _known(cluster, topics, shard)
    if progress is not None:
        check_epoch(progress, recipe, topics)
        if progress.epoch == recipe.epoch:
            return progress
    first = None if shard == 0 else _known(cluster, topics, 0)
    began_ms = now_ms if first is None or first.epoch != recipe.epoch else first.began_ms
    schedule = begun(_rate(initial), recipe.share(shard), began_ms, recipe.speed)
    return Progress(recipe.epoch, terms(recipe, topics), 0, schedule, recipe.beginning, began_ms=began_ms)


def terms(recipe: Recipe, topics: Topics) -> dict[str, str]:
    """What an epoch is begun with, in words."""
    return {"topic": topics.data, **recipe.terms}


def check_epoch(known: Progress, recipe: Recipe, topics: Topics) -> None:
    """Refuse to go on with an epoch that is over, or that was begun with something else.

    Raises:
        InputError: says what the epoch was begun with.
    """
    stream = topics.stream
    if known.epoch > recipe.epoch:
        raise InputError(f"epoch={recipe.epoch}: stream {stream} is at epoch {known.epoch}; use the file that began it")
    if known.epoch < recipe.epoch:
        return
    faults = [
        f"{key}={here}: epoch {known.epoch} of stream {stream} was begun with {key}={known.terms.get(key)}; "
        f"go on with that one, or begin anew with epoch: {known.epoch + 1}"
        for key, here in terms(recipe, topics).items()
        if here != known.terms.get(key)
    ]
    if faults:
        raise InputError(*faults)


def _rate(desired: Desired) -> Rate:
    return UNPACED if desired.rate_per_s is None else desired.rate_per_s


def _spelled(desired: Desired) -> str:
    rate = desired.rate_per_s
    return "max" if rate is None else rate.text if isinstance(rate, Profile) else f"{rate:g}"
