"""Reading records back: by group or by partition, from wherever one says, committed ones only unless told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from connectors.kafka.cluster import CONTACT_S, Cluster, built, topic_partitions, words
from connectors.kafka.records import Headers
from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting

CONSUMER: Mapping[str, Setting] = {
    "enable.auto.commit": False,
    "fetch.wait.max.ms": 50,
    "queued.min.messages": 500_000,
    # Once its queue is full librdkafka would otherwise fetch nothing for a whole second, and a fast reader starve.
    "fetch.queue.backoff.ms": 5,
    "max.partition.fetch.bytes": 4 << 20,
    "allow.auto.create.topics": False,
}
"""How consumers are set unless the user's own settings say otherwise."""

STARTS = ("earliest", "latest")
READ_COMMITTED = "read_committed"
READ_UNCOMMITTED = "read_uncommitted"


Read = TypeVar("Read")


class Lazily(Sequence[Read]):
    """One thing of each message, fetched when somebody looks: most readers look at few keys and headers.

    Args:
        messages: the messages.
        read: takes the thing from a message.
    """

    def __init__(self, messages: Sequence[Message], read: Callable[[Message], Read]) -> None:
        self._messages = messages
        self._read = read

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Read]:
        return map(self._read, self._messages)

    @overload
    def __getitem__(self, index: int) -> Read: ...
    @overload
    def __getitem__(self, index: slice) -> Lazily[Read]: ...
    def __getitem__(self, index: int | slice) -> Read | Lazily[Read]:
        if isinstance(index, slice):
            return Lazily(self._messages[index], self._read)
        return self._read(self._messages[index])


@dataclass(frozen=True)
class Polled:
    """Records as they were read; every field has one entry a record."""

    values: list[bytes | None]
    keys: Sequence[bytes | None]
    partitions: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    timestamps_ms: npt.NDArray[np.int64]
    headers: Sequence[Headers | None]


class Inbox:
    """Reads a topic.

    Args:
        cluster: the broker.
        topic: the topic; it must exist.
        group: a consumer group that shares the partitions; None to read them all here.
        start: "earliest", "latest", or an offset for each partition; a group goes on where it committed.
        isolation: `READ_COMMITTED`, or `READ_UNCOMMITTED` to see open and aborted transactions too.
        moved: told, amid a poll, that a group shares the partitions out anew.

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
        moved: Callable[[], None] | None = None,
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
        self._positions: dict[int, int] = {}
        self._consumer = _consumer(cluster, group, start, isolation)
        if group is not None:
            told = {} if moved is None else dict.fromkeys(("on_assign", "on_revoke", "on_lost"), lambda *_: moved())
            self._consumer.subscribe([topic], **told)
            return
        given = {p: _offset(start) for p in range(partitions)} if isinstance(start, str) else start
        self._consumer.assign([TopicPartition(topic, p, offset) for p, offset in given.items()])
        self._ends = self.ends()
        if start == "latest":
            self.seek(self._ends)

    @property
    def assignment(self) -> tuple[int, ...]:
        """The partitions read here."""
        return tuple(tp.partition for tp in self._consumer.assignment())

    @property
    def positions(self) -> Mapping[int, int]:
        """By partition, the offset after the last record that was read."""
        return self._positions

    def ends(self) -> dict[int, int]:
        """By partition, the high watermark: the offset that the next record written will have.

        Raises:
            ServiceError: the broker does not answer.
        """
        try:
            return {
                p: self._consumer.get_watermark_offsets(TopicPartition(self.topic, p), timeout=CONTACT_S)[1]
                for p in self.assignment
            }
        except KafkaException as error:
            raise ServiceError(f"topic={self.topic}: the broker does not answer: {words(error)}") from error

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on reading from these offsets."""
        self._consumer.assign([TopicPartition(self.topic, p, offset) for p, offset in offsets.items()])
        self._positions = dict(offsets)

    def at_end(self) -> bool:
        """Whether everything that was on the topic when this inbox was opened has been read or passed over."""
        positions = {tp.partition: tp.offset for tp in self._consumer.position(self._whole())}
        return all(
            end == 0 or max(positions.get(p, 0), self._positions.get(p, 0)) >= end or self._is_empty(p, end)
            for p, end in self._ends.items()
        )

    def _whole(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, p) for p in self._ends]

    def _is_empty(self, partition: int, end: int) -> bool:
        low, _ = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=CONTACT_S)
        return bool(low >= end)

    def poll(self, most: int, wait_s: float) -> Polled:
        """Read what has come.

        Args:
            most: how many records at the most.
            wait_s: how long to wait for them, in seconds.

        Raises:
            ServiceError: the broker can not be read.
        """
        messages = self._consumer.consume(most, wait_s)
        good = [m for m in messages if m.error() is None]
        n = len(good)
        polled = Polled(
            [m.value() for m in good],
            Lazily(good, Message.key),
            np.fromiter(map(Message.partition, good), np.int32, n),
            np.fromiter(map(Message.offset, good), np.int64, n),
            np.fromiter((ms for _, ms in map(Message.timestamp, good)), np.int64, n),
            Lazily(good, Message.headers),  # type: ignore[arg-type]  # a list of pairs, though the stub allows a dict
        )
        for partition in np.unique(polled.partitions).tolist():
            self._positions[partition] = int(polled.offsets[polled.partitions == partition][-1]) + 1
        if len(good) != len(messages):
            for message in messages:
                self._look_at(message)
        return polled

    def _look_at(self, message: Message) -> None:
        """Mend what can be mended: where the broker dropped what was to be read next, go on with what it still has."""
        error = message.error()
        if error is None or error.code() in PASSING:
            return
        if error.code() != KafkaError._AUTO_OFFSET_RESET:
            raise ServiceError(f"topic={self.topic}: can not be read: {words(error)}")
        partition = message.partition() or 0
        low, high = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=CONTACT_S)
        known = partition in self._positions or not isinstance(self._start, str)
        self.resets += known
        going_on = {tp.partition: tp.offset for tp in self._consumer.position(self._consumer.assignment())}
        going_on |= self._positions | {partition: high if self._start == "latest" and not known else low}
        self._consumer.assign([TopicPartition(self.topic, p, offset) for p, offset in going_on.items()])

    @property
    def membership(self) -> Any:
        """What a transaction needs to know of this member of the group, to store offsets for it."""
        return self._consumer.consumer_group_metadata()

    def rewind(self) -> dict[int, int]:
        """Go on from what the group has committed, or from where it starts where it has nothing.

        Returns:
            By partition, what it has committed.

        Raises:
            ServiceError: the broker does not answer.
        """
        self._positions = {}
        try:
            committed = self._consumer.committed(self._consumer.assignment(), timeout=CONTACT_S)
            for place in committed:
                offset = place.offset if place.offset >= 0 else _offset(str(self._start))
                self._consumer.seek(TopicPartition(self.topic, place.partition, offset))
            return {place.partition: place.offset for place in committed if place.offset >= 0}
        except KafkaException as error:
            raise ServiceError(f"topic={self.topic}: the broker does not answer: {words(error)}") from error

    def commit(self) -> None:
        """Store how far the group has read."""
        if self._positions:
            offsets = [TopicPartition(self.topic, p, offset) for p, offset in self._positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        """Leave the group, if any, and end."""
        self._consumer.close()


PASSING = frozenset({KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT})
"""Errors that librdkafka mends by itself."""


def _consumer(cluster: Cluster, group: str | None, start: str | Mapping[int, int], isolation: str) -> Consumer:
    """A consumer; without a group, an offset that is gone is an error, so that it can be counted."""
    reset = "error" if group is None else str(start)
    needed: dict[str, Setting] = {
        "group.id": group or "synthstream-reader",
        "isolation.level": isolation,
        "auto.offset.reset": reset,
    }
    return built(lambda: Consumer(cluster.configured(CONSUMER, needed)))


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
    consumer = built(lambda: Consumer(cluster.configured(CONSUMER, needed)))
    place = TopicPartition(topic, partition)
    try:
        low, high = consumer.get_watermark_offsets(place, timeout=CONTACT_S)
        consumer.assign([TopicPartition(topic, partition, low)])
        newest: bytes | None = None
        deadline = time.monotonic() + timeout_s
        while low < high and consumer.position([place])[0].offset < high:
            for message in consumer.consume(1_000, 0.05):
                if message.error() is None:
                    newest = message.value()
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"topic={topic}: partition {partition} is not readable to its end in {timeout_s:g} s"
                )
        return newest
    except KafkaException as error:
        raise ServiceError(f"topic={topic}: can not be read: {words(error)}") from error
    finally:
        consumer.close()
