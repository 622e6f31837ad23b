"""Reading records back: by group or by partition, from wherever one says, committed ones only unless told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError

from connectors.kafka.batches import Fault, Polled
from connectors.kafka.cluster import CONTACT_S, Cluster, topic_partitions
from connectors.kafka.consumer import Consumer
from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting

logger = logging.getLogger(__name__)

STUCK_S = 30.0
"""After so long without a record it is asked whether there are some."""

CONSUMER: Mapping[str, Setting] = {
    "enable.auto.commit": False,
    "fetch.wait.max.ms": 50,
    "queued.min.messages": 500_000,
    # Once its queue is full librdkafka would otherwise fetch nothing for a whole second, and a fast reader starve.
    "fetch.queue.backoff.ms": 5,
    "max.partition.fetch.bytes": 4 << 20,
    "allow.auto.create.topics": False,
    # A member that crashed holds its partitions for so long; monitors wait 30 s for one that is silent.
    "session.timeout.ms": 10_000,
}
"""How consumers are set unless the user's own settings say otherwise."""

STARTS = ("earliest", "latest")
READ_COMMITTED = "read_committed"
READ_UNCOMMITTED = "read_uncommitted"


class Inbox:
    """Reads a topic.

    Args:
        cluster: the broker.
        topic: the topic; it must exist.
        group: a consumer group that shares the partitions; None to read them all here.
        start: "earliest", "latest", or an offset for each partition; a group goes on where it committed, and where it
            has not, `rewind` goes there.
        isolation: `READ_COMMITTED`, or `READ_UNCOMMITTED` to see open and aborted transactions too.
        moved: told, amid a poll, that a group shares the partitions out anew.
        clock_s: a clock that only goes forward, in seconds.

    Raises:
        InputError: the topic does not exist, or offsets were given with a group.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        group: str | None = None,
        start: str | Mapping[int, int] = "earliest",
        isolation: str = READ_COMMITTED,
        moved: Callable[[], None] = lambda: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        partitions = topic_partitions(cluster, topic)
        if partitions is None:
            raise InputError(f"topic={topic}: does not exist at {cluster.bootstrap}")
        if isinstance(start, str) and start not in STARTS:
            raise InputError(f"start={start}: expected {' or '.join(STARTS)}, or an offset for each partition")
        if group is not None and not isinstance(start, str):
            raise InputError(f"start={start}: a group ({group}) goes on where it committed; give earliest or latest")
        self.topic = topic
        self.resets = 0
        self._start = start
        self._begun: Mapping[int, int] = {} if isinstance(start, str) else start
        self._positions: dict[int, int] = {}
        self._clock_s, self._heard_s = clock_s, clock_s()
        self._shares = group is not None
        self._opened = partial(_consumer, cluster, topic, group, isolation, moved)
        self._consumer = self._opened()
        if self._shares:
            self._consumer.subscribe()
            return
        self._consumer.assign({p: _offset(start) for p in range(partitions)} if isinstance(start, str) else start)
        self._ends = self.ends()
        if start == "latest":
            self.seek(self._ends)

    @property
    def assignment(self) -> tuple[int, ...]:
        """The partitions read here."""
        return self._consumer.assignment

    @property
    def positions(self) -> Mapping[int, int]:
        """By partition, the offset after the last record that was read or passed over."""
        return self._positions

    def ends(self) -> dict[int, int]:
        """By partition, the high watermark: the offset that the next record written will have.

        Raises:
            ServiceError: the broker does not answer.
        """
        return {p: high for p, (_, high) in self.bounds().items()}

    def bounds(self) -> dict[int, tuple[int, int]]:
        """By partition, the oldest offset there still is, and the high watermark.

        Raises:
            ServiceError: the broker does not answer.
        """
        return {p: self._consumer.watermarks(p, CONTACT_S) for p in self.assignment}

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on reading from these offsets."""
        self._consumer.assign(offsets)
        self._positions = dict(offsets)

    def at_end(self) -> bool:
        """Whether everything that was on the topic when this inbox was opened has been read or passed over."""
        positions = self._consumer.positions(self._ends)
        return all(
            end in (0, self._begun.get(p))
            or max(positions.get(p, 0), self._positions.get(p, 0)) >= end
            or self._is_empty(p, end)
            for p, end in self._ends.items()
        )

    def _is_empty(self, partition: int, end: int) -> bool:
        return self._consumer.watermarks(partition, CONTACT_S)[0] >= end

    def poll(self, most: int, wait_s: float) -> Polled:
        """Read what has come.

        Args:
            most: how many records at the most.
            wait_s: how long to wait for them, in seconds.

        Raises:
            ServiceError: the broker can not be read.
        """
        polled, faults = self._consumer.poll(most, wait_s)
        for partition in np.unique(polled.partitions).tolist():
            self._positions[partition] = int(polled.offsets[polled.partitions == partition][-1]) + 1
        lost = {fault.partition for fault in faults if not self._is_passing(fault)}
        if lost:
            self._pass_over(lost)
        self._listen(heard=len(polled.values) > 0)
        return polled

    def _listen(self, heard: bool) -> None:
        """Read on with a new client where nothing came for long though there is something.

        Of a topic that was deleted and made again librdkafka reads no more, if its leaders had changed before: their
        epochs begin anew, which it takes for old news.
        """
        if heard:
            self._heard_s = self._clock_s()
        elif self._clock_s() - self._heard_s >= STUCK_S:
            self._heard_s = self._clock_s()
            if self._is_stuck():
                logger.warning(
                    "no records come though there are some; read on with a new client", extra={"topic": self.topic}
                )
                self._reopen()

    def _is_stuck(self) -> bool:
        """Whether the broker has other records than were read; while it does not answer, nobody knows."""
        try:
            bounds = self.bounds()
        except ServiceError:
            return False
        places, known = self._places(), set(self._begun) if self._shares else set(bounds)
        return any(places[p] != high for p, (_, high) in bounds.items() if p in known)

    def _places(self) -> dict[int, int]:
        """By partition, the offset that is to be read next."""
        read = self._consumer.positions(self.assignment)
        return {p: max(at, self._positions.get(p, self._begun.get(p, 0)), 0) for p, at in read.items()}

    def _reopen(self) -> None:
        """Go on from the same places with a new client; a group goes on from what it has committed."""
        places = self._places()
        self._consumer.close()
        self._consumer = self._opened()
        if self._shares:
            self._begun, self._positions = {}, {}
            self._consumer.subscribe()
        else:
            self._begun = places
            self._consumer.assign(places)

    def _is_passing(self, fault: Fault) -> bool:
        """Whether there is nothing to be done; raises ServiceError where nothing can be done but to pass over."""
        if fault.code not in PASSING | {KafkaError._AUTO_OFFSET_RESET}:
            raise ServiceError(f"topic={self.topic}: can not be read: {fault.text}")
        return fault.code in PASSING

    def _pass_over(self, lost: Iterable[int]) -> None:
        """Where the broker dropped what was to be read next, go on with what it still has."""
        for partition in lost:
            low, high = self._consumer.watermarks(partition, CONTACT_S)
            known = partition in self._positions or not isinstance(self._start, str)
            self.resets += known
            self._positions[partition] = high if self._start == "latest" and not known else low
        self._consumer.assign(self._consumer.positions(self._consumer.assignment) | self._positions)

    @property
    def membership(self) -> bytes:
        """What a transaction needs to know of this member of the group, to store offsets for it."""
        return self._consumer.membership()

    def rewind(self) -> dict[int, tuple[int, bytes]]:
        """Go on from what the group has committed, or from where it starts where it has nothing.

        Returns:
            By partition, what it has committed, and what was noted with it.

        Raises:
            ServiceError: the broker does not answer.
        """
        self._positions = {}
        committed = self._consumer.committed(self._consumer.assignment, CONTACT_S)
        self._begun = {p: offset if offset >= 0 else self._beginning(p) for p, (offset, _) in committed.items()}
        self._consumer.seek(self._begun, CONTACT_S)
        self._heard_s = self._clock_s()
        return {p: (offset, note) for p, (offset, note) in committed.items() if offset >= 0}

    def _beginning(self, partition: int) -> int:
        """Where a partition begins that nobody of the group has read."""
        low, high = self._consumer.watermarks(partition, CONTACT_S)
        return high if self._start == "latest" else low

    def close(self) -> None:
        """Leave the group, if any, and end."""
        self._consumer.close()


PASSING = frozenset({KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT})
"""Errors that librdkafka mends by itself."""


def _consumer(
    cluster: Cluster,
    topic: str,
    group: str | None,
    isolation: str,
    moved: Callable[[], None],
) -> Consumer:
    """A consumer. Without a group, an offset that is gone is an error, so that it can be counted.

    A group goes on with the oldest record there still is, wherever it was to begin: one that has read before and finds
    its place dropped would else lose all that is left.
    """
    reset = "error" if group is None else "earliest"
    needed: dict[str, Setting] = {
        "group.id": group or "synthstream-reader",
        "isolation.level": isolation,
        "auto.offset.reset": reset,
    }
    return Consumer(cluster.configured(CONSUMER, needed), topic, moved)


def _offset(start: str) -> int:
    return int(OFFSET_BEGINNING if start == "earliest" else OFFSET_END)


def last_record(cluster: Cluster, topic: str, partition: int, timeout_s: float = 30.0) -> bytes | None:
    """The newest committed value of a partition.

    Reads to the high watermark as it is now, open transactions included, so that a record of one's own that was
    just committed can not hide behind them.

    Args:
        cluster: the broker.
        topic: a topic with one writer a partition.
        partition: the partition.
        timeout_s: how long to wait for transactions that are open.

    Returns:
        The value; None when there is none.

    Raises:
        ServiceError: the end was not reached in time.
    """
    needed: dict[str, Setting] = {"group.id": "synthstream-last", "isolation.level": READ_COMMITTED}
    needed |= {"enable.partition.eof": True, "auto.offset.reset": "earliest"}
    consumer = Consumer(cluster.configured(CONSUMER, needed), topic)
    try:
        low, high = consumer.watermarks(partition, CONTACT_S)
        consumer.assign({partition: low})
        newest: bytes | None = None
        deadline = time.monotonic() + timeout_s
        while low < high and consumer.positions([partition])[partition] < high:
            polled, _ = consumer.poll(1_000, 0.05)
            if len(polled.values):
                newest = polled.values[-1]
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"topic={topic}: partition {partition} is not readable to its end in {timeout_s:g} s"
                )
        return newest
    finally:
        consumer.close()
