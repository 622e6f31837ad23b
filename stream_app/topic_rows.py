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
        first, last = (
            datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="seconds")
            for ms in (self.first_ms, self.last_ms)
        )
        return f"the newest {self.rows.count:,} records of {self.topic}, from {first} to {last}"


def newest_rows(outside: Outside, topic: str, rows: int, progress: Progress) -> TopicRows:
    """Read back the newest records of a topic: so many, or all that it has now if those are fewer.

    The same share of every partition is read, which is the same stretch of time, and what is older than the newest so
    many by their timestamps is left out. Offsets without a record of ours (ends of transactions, deletes, strangers)
    make that too few; then twice the share is read.

    Args:
        outside: broker and registry.
        topic: where the records are, in registered Avro.
        rows: how many to read.
        progress: told how far reading has come.

    Raises:
        InputError: none of the records is registered Avro, or they have several schemas.
        ServiceError: the broker stays silent before the topic's end.
    """
    decoders, inbox = Decoders(outside.registry), Inbox(outside.cluster, topic, start="latest")
    try:
        bounds = inbox.bounds()
        share = rows / max(sum(high - low for low, high in bounds.values()), 1)
        while True:
            inbox.seek({p: max(low, high - math.ceil((high - low) * share)) for p, (low, high) in bounds.items()})
            batches, times_ms = _read(inbox, decoders, rows, progress)
            if len(times_ms) >= rows or share >= 1:
                break
            share *= 2
    finally:
        inbox.close()
    if len(times_ms) == 0:
        raise InputError(f"topic={topic}: holds no record in registered Avro; publish some first, or name another")
    if any(batch.schema != batches[0].schema for batch in batches):
        raise InputError(f"topic={topic}: its records were written under several schemas; name a topic that has one")
    newest = np.argsort(times_ms, kind="stable")[-rows:]
    table = pa.Table.from_batches(batches).unify_dictionaries().take(newest)
    return TopicRows(topic, Rows.of(table), int(times_ms[newest[0]]), int(times_ms[newest[-1]]))


def _read(inbox: Inbox, decoders: Decoders, rows: int, progress: Progress) -> tuple[list[pa.RecordBatch], Longs]:
    """All from where the inbox stands to its end, and the timestamp of each, milliseconds since the epoch."""
    batches: list[pa.RecordBatch] = []
    times_ms, read, heard = [np.zeros(0, np.int64)], 0, time.monotonic()
    while not inbox.at_end():
        polled = inbox.poll(AT_ONCE, POLL_S)
        if polled.values:
            heard = time.monotonic()
        elif time.monotonic() - heard > READ_TIMEOUT_S:
            raise ServiceError(f"topic={inbox.topic}: {read} records came, then {READ_TIMEOUT_S:g} s of silence")
        decoded = decoders.decode(polled.values, polled.headers)
        for batch, which in zip(decoded.batches, decoded.rows, strict=True):
            batches.append(batch)
            times_ms.append(polled.timestamps_ms[which])
            read += batch.num_rows
        progress(min(1.0, read / rows), f"{read:,} records read")
    return batches, np.concatenate(times_ms)
