"""Handing records to the broker: idempotent, or in transactions that fence every other owner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import NoReturn

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.kafka.cluster import Cluster, Setting, built, words
from schemas.errors import ServiceError

Headers = list[tuple[str, str | bytes | None]]
"""The headers of one record."""

POLL_EVERY = 1_000
"""How many records are handed over between two looks at delivery reports."""

PRODUCER: Mapping[str, Setting] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 1 << 20,
    "batch.num.messages": 100_000,
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 1 << 19,
    "delivery.report.only.error": True,
    "transaction.timeout.ms": 30_000,
    "message.timeout.ms": 25_000,
}
"""How producers are set unless the user's own settings say otherwise."""

FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})
"""What librdkafka says when another producer took the transactional id."""

RAISED = (KafkaException, SystemError)
"""What handing over raises; Python wraps into the second a fatal error that came amid delivery reports."""


class Fenced(Exception):
    """Another owner took the transactional id: a normal end of a shard, its new owner goes on."""


class Outbox:
    """Hands records to the broker: idempotent, or inside transactions when it has a transactional id.

    Args:
        cluster: the broker.
        topic: where `send` puts records.
        transactional_id: fences every other outbox of that id; None for no transactions.

    After a ServiceError the outbox is done with: librdkafka may lose count of its own sequence numbers when the
    broker refused a record, so a new outbox takes the id over, which also drops what was left open.
    """

    def __init__(self, cluster: Cluster, topic: str, transactional_id: str | None) -> None:
        settings: dict[str, Setting] = {} if transactional_id is None else {"transactional.id": transactional_id}
        reports = {"on_delivery": self._report}
        self._producer = built(lambda: Producer(cluster.configured(PRODUCER, settings) | reports))
        self._topic = topic
        self._transactional = transactional_id is not None
        self._failed = 0
        self._reason = ""
        self._fenced: Fenced | None = None

    def send(
        self,
        values: Sequence[bytes],
        keys: Sequence[bytes] | None,
        partition: int,
        timestamps_ms: Sequence[int],
        headers: Iterable[Headers],
    ) -> None:
        """Hand records over, all to one partition; waits while the queue is full.

        Args:
            values: the encoded records.
            keys: a key each; None for null keys.
            partition: where they go.
            timestamps_ms: a Kafka timestamp each.
            headers: headers each; made as they are needed, they cost the garbage collector nothing.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: this or an earlier record could not be delivered.
        """
        each_key: Iterable[bytes | None] = repeat(None, len(values)) if keys is None else keys
        records = zip(values, each_key, timestamps_ms, headers, strict=True)
        try:
            for _ in range(0, len(values) + 1, POLL_EVERY):
                self._hand_over(islice(records, POLL_EVERY), partition)
                self._producer.poll(0)
        except RAISED as error:
            self._give_up(error)
        self._raise_failures()

    def _hand_over(self, records: Iterable[tuple[bytes, bytes | None, int, Headers]], partition: int) -> None:
        """The hot loop: one call a record, nothing else."""
        produce, topic = self._producer.produce, self._topic
        for value, key, timestamp, marks in records:
            try:
                produce(topic, value, key, partition, None, None, timestamp, marks)
            except BufferError:
                self._wait_for_room()
                produce(topic, value, key, partition, None, None, timestamp, marks)

    def _wait_for_room(self) -> None:
        full = len(self._producer)
        while len(self._producer) > full * 3 // 4:
            self._producer.poll(0.05)

    def send_one(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        """Hand over one record to any topic, in the same transaction.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: it could not be handed over.
        """
        try:
            try:
                self._producer.produce(topic, value, key, partition)
            except BufferError:
                self._wait_for_room()
                self._producer.produce(topic, value, key, partition)
        except RAISED as error:
            self._give_up(error)

    def _report(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed += 1
            self._reason = self._reason or words(error)  # the first; those that follow were dropped because of it

    def _raise_failures(self) -> None:
        if self._failed and not self._transactional:
            raise ServiceError(f"topic={self._topic}: {self._failed} records were not delivered: {self._reason}")

    def _give_up(self, raised: KafkaException | SystemError) -> NoReturn:
        """Say why nothing more can be handed over."""
        error = _cause(raised)
        if self._transactional and error.args[0].code() == KafkaError._FATAL:
            self.begin()  # raises the fatal error itself, which the one at hand does not name
        self._raise_if_fenced(error)
        raise ServiceError(f"topic={self._topic}: a record could not be handed over: {words(error)}") from error

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait until everything handed over is delivered.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: some records were not.
        """
        try:
            left = self._producer.flush(timeout_s)
        except RAISED as error:
            self._give_up(error)
        if left:
            raise ServiceError(f"topic={self._topic}: {left} records were still not delivered after {timeout_s:g} s")
        self._raise_failures()

    def own(self, timeout_s: float) -> None:
        """Fence whoever else has the transactional id, and finish what it left open."""
        self._transact(lambda: self._producer.init_transactions(timeout_s))

    def begin(self) -> None:
        """Begin a transaction.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: the last transaction neither committed nor aborted.
        """
        self._transact(self._producer.begin_transaction)
        self._failed, self._reason = 0, ""

    def commit(self, timeout_s: float = 30.0) -> None:
        """Make everything since `begin` visible at once.

        Raises:
            Fenced: another owner took the transactional id; nothing since `begin` is visible.
            ServiceError: the broker did not commit; nothing since `begin` is visible.
        """
        self._transact(lambda: self._producer.commit_transaction(timeout_s))

    def abort(self, timeout_s: float = 30.0) -> None:
        """Drop everything since `begin`."""
        self._transact(lambda: self._producer.abort_transaction(timeout_s))

    def _raise_if_fenced(self, error: KafkaException) -> None:
        if error.args[0].code() in FENCED:
            self._fenced = Fenced(words(error))
            raise self._fenced from error

    def _transact(self, act: Callable[[], None]) -> None:
        if self._fenced is not None:  # librdkafka may be left amid a commit, and would ask for it again for ever
            raise self._fenced
        deadline = time.monotonic() + 60.0
        while True:
            try:
                return act()
            except RAISED as raised:
                error = _cause(raised)
                self._raise_if_fenced(error)
                reason: KafkaError = error.args[0]
                if not reason.retriable() or time.monotonic() > deadline:
                    why = f"{reason.str()} ({self._reason})" if self._reason else reason.str()
                    raise ServiceError(f"topic={self._topic}: transaction not committed: {why}") from error


def _cause(raised: KafkaException | SystemError) -> KafkaException:
    if isinstance(raised, KafkaException):
        return raised
    if isinstance(raised.__cause__, KafkaException):
        return raised.__cause__
    raise raised
