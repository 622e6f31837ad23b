"""The loop: draw blocks, encode them, hand them to the broker when they are due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka import Headers, Outbox
from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from schemas.codec import Codec
from schemas.errors import InputError
from schemas.table import Kind, TableSchema
from stream_app import lineage
from stream_app.incident import Incident
from stream_app.schedule import UNPACED, Schedule

TICK_S = 0.005
"""How long the loop rests between turns that keep up; records are handed over about this long after their time."""


@dataclass(frozen=True)
class Clock:
    """The time and how to wait, as arguments: rate code is tested without sleeping.

    Args:
        now_ms: milliseconds since the epoch.
        sleep: waits for some seconds.
    """

    now_ms: Callable[[], float] = field(default=lambda: time.time() * 1_000)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Recipe:
    """What all shards of a stream share.

    Args:
        artifact: the trained generator.
        codec: encodes its batches.
        schema_id: the schema's id in the registry.
        seed: the stream's seed.
        shards: into how many shards, that is partitions, the stream is split.
        epoch: the stream's epoch.
        keyed: whether records carry a surrogate key that hashes to their partition.
        event_time: the timestamp column filled from the stream's clock, if any.

    Raises:
        InputError: the event time is no timestamp column.
    """

    artifact: Artifact
    codec: Codec
    schema_id: int
    seed: int
    shards: int
    epoch: int = 0
    keyed: bool = True
    event_time: str | None = None

    def __post_init__(self) -> None:
        if self.event_time is not None:
            check_event_time(self.artifact.schema, self.event_time)


def check_event_time(schema: TableSchema, name: str) -> None:
    """Refuse an event time that can not carry the stream's clock.

    Raises:
        InputError: names the column and what would do.
    """
    if name not in schema.names:
        raise InputError(f"event_time={name}: table {schema.name!r} has no such column; choose a timestamp column")
    column = schema[name]
    if column.kind is not Kind.TIMESTAMP:
        raise InputError(f"event_time={name}: is a {column.kind}; choose a timestamp column")


@dataclass(frozen=True)
class Page:
    """Consecutive records of a shard, encoded and ready to hand over: a block, or the part of it under one change."""

    start: int
    values: list[bytes]
    keys: list[bytes] | None
    marks: list[bytes]
    incident: Incident | None
    due_ms: npt.NDArray[np.int64]

    @property
    def stop(self) -> int:
        """The sequence number after the last record."""
        return self.start + len(self.values)


def draw_page(recipe: Recipe, source: Source, shard: int, schedule: Schedule, sequence: int) -> Page:
    """Draw and encode the page that a record lies in.

    Args:
        recipe: what the shards share.
        source: draws the shard's blocks.
        shard: the shard.
        schedule: the shard's change log.
        sequence: the first record wanted; the page starts there.
    """
    block, within = divmod(sequence, BLOCK_ROWS)
    stop = (block + 1) * BLOCK_ROWS
    until = schedule.holds_until(sequence)
    if until is not None:
        stop = min(stop, until)
    change = schedule.at(sequence)
    due_ms = schedule.due_ms(np.arange(sequence, stop))
    batch = source.block(block).slice(within, stop - sequence)
    if change.incident is not None:
        batch = change.incident.applied(batch)
    if recipe.event_time is not None:
        batch = _stamped(batch, recipe.event_time, due_ms)
    marks = lineage.headers(recipe.artifact.identity, recipe.epoch, shard, sequence, stop)
    keys = source.keys(sequence, stop - sequence) if recipe.keyed else None
    return Page(
        sequence,
        recipe.codec.encode(batch, recipe.schema_id).values(),
        keys,
        marks,
        change.incident,
        due_ms,
    )


def _stamped(batch: pa.RecordBatch, event_time: str, due_ms: npt.NDArray[np.int64]) -> pa.RecordBatch:
    index = batch.schema.get_field_index(event_time)
    target = batch.schema.field(index)
    instants = pa.array(due_ms).cast(pa.timestamp("ms", tz=target.type.tz)).cast(target.type)
    return batch.set_column(index, target, instants)


def _headers(marks: list[bytes], incident: Incident | None) -> Iterator[Headers]:
    if incident is None:
        return ([(lineage.HEADER, mark)] for mark in marks)
    label = (lineage.INCIDENT_HEADER, incident.name.encode())
    return ([(lineage.HEADER, mark), label] for mark in marks)


class ShardPublisher:
    """One shard on its way: where it is, what it publishes next.

    Args:
        recipe: what the shards share.
        shard: the shard, which is the partition.
        outbox: takes the encoded records.
        schedule: the shard's change log.
        position: the first record to publish.
        count: publish up to this sequence number; None for ever.
    """

    def __init__(
        self,
        recipe: Recipe,
        shard: int,
        outbox: Outbox,
        schedule: Schedule,
        position: int = 0,
        count: int | None = None,
    ) -> None:
        self.recipe = recipe
        self.shard = shard
        self.outbox = outbox
        self.schedule = schedule
        self.position = position
        self.count = count
        self._source = Source(recipe.artifact, recipe.seed, recipe.epoch, shard, recipe.shards)
        self._page: Page | None = None
        self._ahead: Page | None = None

    @property
    def done(self) -> bool:
        """Whether every record asked for was handed over."""
        return self.count is not None and self.position >= self.count

    def change(self, schedule: Schedule) -> None:
        """Take another change log; records already handed over keep theirs."""
        self.schedule = schedule
        self._page = self._ahead = None

    def prepare(self) -> bool:
        """Draw the page that comes next, so that it is there when its first record is due.

        Returns:
            Whether there was anything to draw.
        """
        if self._ahead is not None:
            return False
        following = self.position if self._page is None else self._page.stop
        if self.count is not None and following >= self.count:
            return False
        self._ahead = self._draw(following)
        return True

    def _draw(self, sequence: int) -> Page:
        return draw_page(self.recipe, self._source, self.shard, self.schedule, sequence)

    def _current(self) -> Page:
        """The page the next record lies in."""
        page = self._page
        if page is None or not page.start <= self.position < page.stop:
            ahead, self._ahead = self._ahead, None
            page = ahead if ahead is not None and ahead.start == self.position else self._draw(self.position)
            self._page = page
        return page

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        """Hand over what is due, at most a block.

        Args:
            now_ms: the time now, milliseconds since the epoch.

        Returns:
            How late each record was handed over, in seconds, shape (records,).
        """
        bound = self._bound(now_ms)
        if bound <= self.position:
            return np.zeros(0)
        page = self._current()
        first, last = self.position - page.start, min(bound, page.stop) - page.start
        unpaced = self.schedule.at(self.position).rate_per_s == UNPACED
        due_ms = np.full(last - first, int(now_ms)) if unpaced else page.due_ms[first:last]
        self.outbox.send(
            page.values[first:last],
            None if page.keys is None else page.keys[first:last],
            self.shard,
            due_ms.tolist(),
            _headers(page.marks[first:last], page.incident),
        )
        self.position += last - first
        late: npt.NDArray[np.float64] = np.maximum(now_ms - due_ms, 0) / 1_000
        return late

    def overdue(self, now_ms: float) -> bool:
        """See `Publisher.overdue`."""
        return self._bound(now_ms - TICK_S * 1_000) > self.position

    def _bound(self, now_ms: float) -> int:
        due = self.schedule.due_until(now_ms, self.position)
        bound = self.position + BLOCK_ROWS if due is None else due
        return bound if self.count is None else min(bound, self.count)


class Publisher(Protocol):
    """What the loop asks of a shard."""

    @property
    def shard(self) -> int:
        """Which shard."""
        ...

    @property
    def done(self) -> bool:
        """Whether every record asked for was handed over."""
        ...

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        """Hand over what is due; how late each record was, in seconds."""
        ...

    def overdue(self, now_ms: float) -> bool:
        """Whether a record that was due a tick ago still waits; always so for a shard that is not paced."""
        ...

    def prepare(self) -> bool:
        """Draw what comes next; whether there was anything to draw."""
        ...


Sent = Callable[[int, npt.NDArray[np.float64]], None]
"""Told, after every hand-over, the shard and how late each record was in seconds."""


def run(
    publishers: Callable[[], Sequence[Publisher]],
    sent: Sent,
    stopped: Callable[[], bool],
    clock: Clock | None = None,
    between: Callable[[float], None] = lambda now_ms: None,
) -> None:
    """Publish turn by turn until every shard is done or somebody says stop.

    Args:
        publishers: the shards published now; it may change between turns.
        sent: told what was handed over.
        stopped: asked before every turn.
        clock: the time and how to wait.
        between: called once a turn with the time in milliseconds: commits, commands.
    """
    clock = Clock() if clock is None else clock
    while not stopped():
        for publisher in publishers():
            late_s = publisher.publish_due(clock.now_ms())
            if len(late_s):
                sent(publisher.shard, late_s)
        between(clock.now_ms())
        shards = publishers()
        if shards and all(publisher.done for publisher in shards):
            return
        if any(publisher.overdue(clock.now_ms()) for publisher in shards):
            continue
        if not any(publisher.prepare() for publisher in shards):
            clock.sleep(TICK_S)
