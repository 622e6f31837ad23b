"""Reading a topic as one of a group and writing what comes of it to another, both or neither."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from connectors.kafka.batches import Polled
from connectors.kafka.cluster import Cluster, built, words
from connectors.kafka.inbox import Inbox
from connectors.kafka.outbox import PATIENCE_S
from schemas.errors import ServiceError
from schemas.secrets import Setting

logger = logging.getLogger(__name__)

LARGEST_BYTES = 16 << 20
"""The most bytes of one record that is written; the topic must take as many."""

LONGEST_NOTE = 3_500
"""The most bytes that are noted with an offset: brokers take 4,096 unless told otherwise.
Where one takes fewer nothing is noted."""

GRACE_S = 2.0
"""So much longer than it was told to wait librdkafka may take to say that it did."""

SETTINGS: Mapping[str, Setting] = {
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 0,
    "message.max.bytes": LARGEST_BYTES,
    "transaction.timeout.ms": 30_000,
}
"""How its producer is set unless the user's own settings say otherwise."""


class Relay:
    """One member of a group that shares a topic's partitions; what it writes is committed with how far it read.

    Whenever the group shares the partitions out anew, what was read and not committed is another member's to read
    again: `dropped` is told, and reading goes on from what was committed, with what was noted of it then.

    Args:
        cluster: the broker.
        topic: what is read.
        group: the group's name.
        out: where results go, a topic of one partition.
        name: tells this member's transactions from others'.
        dropped: told that everything since the last commit is void, and by partition what was noted with that.
        start: "earliest" or "latest", where the group has not committed yet.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        group: str,
        out: str,
        name: str,
        dropped: Callable[[Mapping[int, bytes]], None],
        start: str = "earliest",
    ) -> None:
        self._out, self._dropped, self._start = out, dropped, start
        self._moved, self._committed, self._notes = False, dict[int, int](), True
        needed: dict[str, Setting] = {"transactional.id": name}
        self._producer = built(lambda: Producer(cluster.configured(SETTINGS, needed)))
        self._transact(lambda: self._producer.init_transactions(PATIENCE_S))
        self._inbox = Inbox(cluster, topic, group, start, moved=_weakly(self._rebalanced))

    @property
    def assignment(self) -> tuple[int, ...]:
        """The partitions read here."""
        return self._inbox.assignment

    @property
    def ranges(self) -> dict[int, tuple[int, int]]:
        """By partition, from where on and up to where records were read and not committed; empty if none were."""
        read = self._inbox.positions
        return {p: (self._committed[p], end) for p, end in read.items() if self._committed[p] < end}

    def poll(self, most: int, wait_s: float) -> Polled:
        """Read what has come; nothing while partitions change hands.

        Raises:
            ServiceError: the broker can not be read.
        """
        polled = self._inbox.poll(most, wait_s)
        if not self._moved:
            for partition in set(np.unique(polled.partitions).tolist()) - self._committed.keys():
                first = polled.offsets[polled.partitions == partition][0]  # of all that the group reads there
                self._committed[partition] = int(first)
            return polled
        self._void()
        return self._inbox.poll(0, 0.0)

    def commit(self, value: bytes, notes: Mapping[int, str] | None = None) -> bool:
        """Write one record, and how far was read, together.

        Args:
            value: the record's.
            notes: by partition, what whoever reads on there is to know; at most `LONGEST_NOTE` bytes each.

        Returns:
            Whether that was done; if not, nothing of it was, and `dropped` has been told.

        Raises:
            ServiceError: the broker does not do its part.
        """
        said, topic = {} if notes is None or not self._notes else notes, self._inbox.topic
        offsets = [TopicPartition(topic, p, end, said.get(p, "")) for p, (_, end) in self.ranges.items()]
        self._transact(self._producer.begin_transaction)
        try:
            self._producer.produce(self._out, value, partition=0)
            self._in_time(
                lambda: self._producer.send_offsets_to_transaction(offsets, self._inbox.membership, PATIENCE_S)
            )
            self._in_time(lambda: self._producer.commit_transaction(PATIENCE_S))
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise ServiceError(f"topic={self._out}: not committed: {words(error)}") from error
            if self._notes and error.args[0].code() == KafkaError.OFFSET_METADATA_TOO_LARGE:
                self._notes = False
                logger.warning("the broker takes no notes with offsets; gaps may be missed as partitions change hands")
            self._transact(lambda: self._producer.abort_transaction(PATIENCE_S))
            self._void()
            return False
        self._committed |= {place.partition: place.offset for place in offsets}
        return True

    def close(self) -> None:
        """Leave the group; what was not committed is read again by others."""
        self._inbox.close()

    def _rebalanced(self) -> None:
        self._moved = True

    def _void(self) -> None:
        """Forget what was not committed, and read it again where it is still ours."""
        self._moved = False
        found = self._inbox.rewind()
        self._committed = {p: offset for p, (offset, _) in found.items()}
        self._dropped({p: note for p, (_, note) in found.items()})

    def _transact(self, act: Callable[[], Any]) -> None:
        try:
            self._in_time(act)
        except KafkaException as error:
            raise ServiceError(f"topic={self._out}: no transaction: {words(error)}") from error

    def _in_time(self, act: Callable[[], Any]) -> None:
        """Act, and wait no longer than it was told to: librdkafka may never come back once a broker was started again.

        Raises:
            ServiceError: it did not; this relay can not be used any more.
        """
        answers: list[KafkaException | None] = []

        def run() -> None:
            try:
                act()
                answers.append(None)
            except KafkaException as error:
                answers.append(error)

        thread = threading.Thread(target=run, name="relay", daemon=True)  # one that hangs must not keep the process
        thread.start()
        thread.join(PATIENCE_S + GRACE_S)
        if not answers:
            raise ServiceError(f"topic={self._out}: the broker does not answer: nothing came of a transaction")
        if answers[0] is not None:
            raise answers[0]


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """The same for as long as its object lives: what a consumer tells must not keep alive what holds the consumer."""
    told = weakref.WeakMethod(method)

    def tell() -> None:
        alive = told()
        if alive is not None:
            alive()

    return tell
