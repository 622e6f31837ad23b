"""The newest records of a topic as a table: what a generator is trained on that is to stand for the topic now."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from connectors.kafka import Inbox
from generators.task import Progress
from schemas.blobs import Longs
from schemas.errors import InputError, ServiceError
from schemas.rows import Rows
from stream_app.assemble import Outside
from stream_app.decoding import Decoders

READ_TIMEOUT_S = 30.0
"""How long a topic may stay silent before reading it gives up."""

POLL_S = 0.2
"""How long one look for records waits."""

AT_ONCE = 20_000
"""How many records are read in one go."""

ROOM = 1.05
"""So many more offsets than records are read: each transaction's end takes one, and reading again costs more."""


@dataclass(frozen=True, eq=False)
class TopicRows:
    """What was read of a topic.

    Args:
        topic: the topic.
        rows: the records, oldest first.
        first_ms: the timestamp of the oldest, milliseconds since the epoch; last_ms: that of the newest.
    """

    topic: str
    rows: Rows
    first_ms: int
    last_ms: int

    @property
    def words(self) -> str:
        """What it is, for people."""
        first, last = _moment(self.first_ms), _moment(self.last_ms)
        return f"the newest {self.rows.count:,} records of {self.topic}, from {first} to {last}"


def _moment(ms: int) -> str:
    """When that was; producers may write what no calendar has."""
    try:
        return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{ms:,} ms after 1970"


def newest_rows(outside: Outside, topic: str, rows: int, progress: Progress) -> TopicRows:
    """Read back the newest records of a topic: so many, or all that it has now if those are fewer.

    The same share of every partition is read, which is the same stretch of time, and what is older than the newest so
    many by their timestamps is left out. Offsets without a record of ours (ends of transactions, deletes, strangers)
    may make that too few; then twice the share is read.

    Args:
        outside: broker and registry.
        topic: where the records are, in registered Avro.
        rows: how many to read.
        progress: told how far reading has come.

    Raises:
        InputError: none of the records is registered Avro, or the newest have several schemas.
        ServiceError: the broker stays silent before the topic's end.
    """
    decoders, bounds = Decoders(outside.registry), _bounds(outside, topic)
    share = ROOM * rows / max(sum(high - low for low, high in bounds.values()), 1)
    while True:
        start = {p: max(low, high - math.ceil((high - low) * share)) for p, (low, high) in bounds.items()}
        inbox = Inbox(outside.cluster, topic, start=start)  # one that had come to the end might think it is there yet
        try:
            batches, places = _read(inbox, decoders, rows, progress)
        finally:
            inbox.close()
        if places.shape[1] >= rows or share >= 1:
            break
        share *= 2
    if places.shape[1] == 0:
        raise InputError(f"topic={topic}: holds no record in registered Avro; publish some first, or name another")
    wanted = np.zeros(places.shape[1], np.bool_)
    wanted[np.lexsort(places)[-rows:]] = True
    own = np.split(wanted, np.cumsum([batch.num_rows for batch in batches])[:-1])
    chosen = [batch.filter(pa.array(mine)) for batch, mine in zip(batches, own, strict=True) if mine.any()]
    if any(batch.schema != chosen[0].schema for batch in chosen):
        raise InputError(
            f"topic={topic}: its newest records were written under several schemas; read fewer, or name another topic"
        )
    places = places[:, wanted]
    order = np.lexsort(places)
    table = pa.Table.from_batches(chosen).unify_dictionaries().take(order)
    return TopicRows(topic, Rows.of(table), int(places[-1].min()), int(places[-1].max()))


def _bounds(outside: Outside, topic: str) -> dict[int, tuple[int, int]]:
    """By partition, the oldest offset there still is, and the one behind the newest."""
    inbox = Inbox(outside.cluster, topic, start="latest")
    try:
        return inbox.bounds()
    finally:
        inbox.close()


def _read(inbox: Inbox, decoders: Decoders, rows: int, progress: Progress) -> tuple[list[pa.RecordBatch], Longs]:
    """All from where the inbox stands to its end, and of each its offset, partition and timestamp, shape (3, rows)."""
    batches: list[pa.RecordBatch] = []
    places, read, heard = [np.zeros((3, 0), np.int64)], 0, time.monotonic()
    while not inbox.at_end():
        polled = inbox.poll(AT_ONCE, POLL_S)
        if polled.values:
            heard = time.monotonic()
        elif time.monotonic() - heard > READ_TIMEOUT_S:
            raise ServiceError(f"topic={inbox.topic}: {read} records came, then {READ_TIMEOUT_S:g} s of silence")
        decoded = decoders.decode(polled.values, polled.headers)
        for batch, which in zip(decoded.batches, decoded.rows, strict=True):
            batches.append(batch)
            places.append(np.stack([polled.offsets, polled.partitions, polled.timestamps_ms])[:, which])
            read += batch.num_rows
        progress(min(1.0, read / rows), f"{read:,} records read")
    return batches, np.concatenate(places, axis=1)
