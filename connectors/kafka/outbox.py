"""Handing records to the broker: idempotent, or in transactions that fence every other owner."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NoReturn

import numpy as np
from confluent_kafka import KafkaError

from connectors.kafka.cluster import Cluster
from connectors.kafka.producer import Producer, ProducerError
from connectors.kafka.records import Records
from schemas.blobs import Longs
from schemas.errors import ServiceError
from schemas.secrets import Setting

PRODUCER: Mapping[str, Setting] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 5,  # so much later than due a record may go out: paced streams are even down to tenths of a second
    "batch.size": 1 << 20,
    "batch.num.messages": 100_000,
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 1 << 17,
    "delivery.report.only.error": True,
    "message.timeout.ms": 300_000,
}
"""How producers are set unless the user's own settings say otherwise."""

TRANSACTIONAL: Mapping[str, Setting] = {
    **PRODUCER,
    "linger.ms": 20,  # nobody sees a record before the commit, and fewer requests are less work
    "transaction.timeout.ms": 30_000,
    "message.timeout.ms": 25_000,  # must be less than the transaction's
}
"""The same for producers with a transactional id."""

FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})
"""What librdkafka says when another producer took the transactional id."""

PATIENCE_S = 30.0
"""How long a transaction may take to commit."""


class Fenced(Exception):
    """Another owner took the transactional id: a normal end of a shard, its new owner goes on."""


class Outbox:
    """Hands records to the broker: idempotent, or inside transactions when it has a transactional id.

    Args:
        cluster: the broker.
        topic: where `send` puts records.
        transactional_id: fences every other outbox of that id; None for no transactions.
        largest_batch: the most bytes that the topics take in one batch of records; None for librdkafka's own limit.

    After a ServiceError the outbox is done with: librdkafka may lose count of its own sequence numbers when the
    broker refused a record, so a new outbox takes the id over, which also drops what was left open.

    Raises:
        InputError: a setting librdkafka does not know or take.
    """

    def __init__(
        self, cluster: Cluster, topic: str, transactional_id: str | None, largest_batch: int | None = None
    ) -> None:
        needed: dict[str, Setting] = {} if transactional_id is None else {"transactional.id": transactional_id}
        ours = dict(PRODUCER if transactional_id is None else TRANSACTIONAL)
        if largest_batch is not None:
            ours["batch.size"] = min(int(ours["batch.size"]), largest_batch)
        self._producer = Producer(cluster.configured(ours, needed))
        self._topic = topic
        self._transactional = transactional_id is not None
        self._fenced = ""

    def send(self, records: Records, partition: int, timestamps_ms: Longs, topic: str | None = None) -> None:
        """Hand records over, all to one partition; waits while the queue is full.

        Args:
            records: the encoded records.
            partition: where they go.
            timestamps_ms: a Kafka timestamp each, shape (records,); 0 for now.
            topic: where to put them, in the same transaction; None for the outbox's own topic.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: this or an earlier record could not be delivered.
            ValueError: not as many timestamps as records.
        """
        if len(timestamps_ms) != len(records):
            raise ValueError(f"timestamps_ms: {len(timestamps_ms)} for {len(records)} records; expected one each")
        try:
            self._producer.produce(records, self._topic if topic is None else topic, partition, timestamps_ms)
        except ProducerError as error:
            self._give_up(error)
        self._raise_failures()

    def send_one(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        """Hand over one record to any topic, in the same transaction.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: it could not be handed over.
        """
        try:
            self._producer.produce(Records.of([value], [key]), topic, partition, np.zeros(1, np.int64))
        except ProducerError as error:
            self._give_up(error)

    @property
    def waiting(self) -> int:
        """How many records were handed over and are neither delivered nor given up."""
        return self._producer.waiting

    def _raise_failures(self) -> None:
        failed, reason = self._producer.failures
        if failed and not self._transactional:
            raise ServiceError(f"topic={self._topic}: {failed} records were not delivered: {reason}")

    def _give_up(self, error: ProducerError) -> NoReturn:
        """Say why nothing more can be handed over."""
        self._raise_if_fenced(error)
        raise ServiceError(f"topic={self._topic}: a record could not be handed over: {error.text}") from error

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait until everything handed over is delivered.

        Raises:
            ServiceError: some records were not.
        """
        left = self._producer.flush(timeout_s)
        if left:
            raise ServiceError(f"topic={self._topic}: {left} records were still not delivered after {timeout_s:g} s")
        self._raise_failures()

    def own(self, timeout_s: float = PATIENCE_S) -> None:
        """Fence whoever else has the transactional id, and finish what it left open.

        Raises:
            Fenced: another owner did the same at the same time.
            ServiceError: the broker did not answer in time.
        """
        self._transact(self._producer.init_transactions, timeout_s)

    def begin(self) -> None:
        """Begin a transaction.

        Raises:
            Fenced: another owner took the transactional id.
            ServiceError: the last transaction neither committed nor aborted.
        """
        self._transact(lambda _: self._producer.begin_transaction(), PATIENCE_S)
        self._producer.forget_failures()

    def commit(self, timeout_s: float = PATIENCE_S) -> None:
        """Make everything since `begin` visible at once.

        Raises:
            Fenced: another owner took the transactional id; nothing since `begin` is visible.
            ServiceError: the broker did not commit; nothing since `begin` is visible.
        """
        self._transact(self._producer.commit_transaction, timeout_s)

    def abort(self, timeout_s: float = PATIENCE_S) -> None:
        """Drop everything since `begin`."""
        self._transact(self._producer.abort_transaction, timeout_s)

    def abandon(self) -> None:
        """Let everything go that still waits, without a word to the broker; the outbox is done with."""
        self._producer.purge()

    def _raise_if_fenced(self, error: ProducerError) -> None:
        if error.code in FENCED:
            self._fenced = error.text
            raise Fenced(self._fenced) from error

    def _transact(self, act: Callable[[float], None], timeout_s: float) -> None:
        if self._fenced:  # librdkafka may be left amid a commit, and would ask for it again for ever
            raise Fenced(self._fenced)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return act(max(deadline - time.monotonic(), 0.1))
            except ProducerError as error:
                self._raise_if_fenced(error)
                if not error.retriable or time.monotonic() > deadline:
                    reason = self._producer.failures[1]
                    why = f"{error.text} ({reason})" if reason else error.text
                    raise ServiceError(f"topic={self._topic}: transaction not committed: {why}") from error
