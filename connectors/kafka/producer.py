"""A producer that takes whole columns of records: librdkafka's, called once a record by compiled code.

Source: librdkafka's rdkafka.h, `rd_kafka_produceva` and the transactional producer.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from connectors.kafka.calls import called
from connectors.kafka.librdkafka import INT, POINTER, PRODUCER_TYPE, SIZE, TEXT, Signature, library, made
from connectors.kafka.records import Records
from schemas.blobs import Blobs, Longs
from schemas.secrets import Setting

FUNCTIONS: dict[str, Signature] = {
    "rd_kafka_conf_set_dr_msg_cb": (None, [POINTER, POINTER]),
    "rd_kafka_topic_new": (POINTER, [POINTER, TEXT, POINTER]),
    "rd_kafka_topic_destroy": (None, [POINTER]),
    "rd_kafka_produceva": (POINTER, [POINTER, POINTER, SIZE]),
    "rd_kafka_poll": (INT, [POINTER, INT]),
    "rd_kafka_flush": (INT, [POINTER, INT]),
    "rd_kafka_outq_len": (INT, [POINTER]),
    "rd_kafka_purge": (INT, [POINTER, INT]),
    "rd_kafka_err2str": (TEXT, [INT]),
    "rd_kafka_fatal_error": (INT, [POINTER, TEXT, SIZE]),
    "rd_kafka_init_transactions": (POINTER, [POINTER, INT]),
    "rd_kafka_begin_transaction": (POINTER, [POINTER]),
    "rd_kafka_commit_transaction": (POINTER, [POINTER, INT]),
    "rd_kafka_abort_transaction": (POINTER, [POINTER, INT]),
    "rd_kafka_error_code": (INT, [POINTER]),
    "rd_kafka_error_string": (TEXT, [POINTER]),
    "rd_kafka_error_is_retriable": (INT, [POINTER]),
    "rd_kafka_error_destroy": (None, [POINTER]),
}

QUEUE_FULL, FATAL = -184, -150
PURGE_ALL = 1 | 2 | 4
"""What waits and what is under way, without waiting for either."""

WORDS = 9
"""An `rd_kafka_vu_t` is so many 64-bit words: its type, then its arguments."""

TOPIC, PARTITION, VALUE, KEY, FLAGS, TIMESTAMP, HEADER = 2, 3, 4, 5, 7, 8, 9
"""`rd_kafka_vtype_t`; the topic as a handle."""

COPY = 2
BEFORE_HEADERS = 6

Addresses = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def hand_over(
    call: tuple[int, int, int],
    words: Addresses,
    columns: Addresses,
    starts: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    timestamps_ms: Longs,
    first: int,
) -> tuple[int, int]:
    """Hand records over one by one.

    Args:
        call: the address of `rd_kafka_produceva`, of the producer, and of `words`.
        words: the arguments of a call: topic, partition and flags set, room for the rest, shape (WORDS * most,).
        columns: where the bytes of values, keys and each header are, then where each header's name is.
        starts: where each value, key and header begins, shape (2 + headers, records).
        sizes: how long it is, -1 for none, shape (2 + headers, records).
        timestamps_ms: shape (records,).
        first: the first record.

    Returns:
        How many were handed over, those before the first among them, and the address of the error that stopped it,
        0 for none.
    """
    heads = len(starts) - 2
    for i in range(first, len(timestamps_ms)):
        words[3 * WORDS] = VALUE
        words[3 * WORDS + 1] = columns[0] + starts[0, i] if sizes[0, i] >= 0 else 0
        words[3 * WORDS + 2] = max(sizes[0, i], 0)
        words[4 * WORDS] = TIMESTAMP
        words[4 * WORDS + 1] = timestamps_ms[i]
        count = 5
        if sizes[1, i] >= 0:
            words[5 * WORDS] = KEY
            words[5 * WORDS + 1] = columns[1] + starts[1, i]
            words[5 * WORDS + 2] = sizes[1, i]
            count = 6
        for h in range(heads):
            if sizes[2 + h, i] >= 0:
                at = count * WORDS
                words[at] = HEADER
                words[at + 1] = columns[2 + heads + h]
                words[at + 2] = columns[2 + h] + starts[2 + h, i]
                words[at + 3] = sizes[2 + h, i]
                count += 1
        error: int = called(call[0], (call[1], call[2], count))
        if error != 0:
            return i, error
    return len(timestamps_ms), 0


def warm() -> None:
    """Compile `hand_over`, or load it from numba's cache on disk, so that the first record does not wait for it."""
    none = np.zeros((2, 0), np.int64)
    hand_over((0, 0, 0), np.zeros(1, np.int64), np.zeros(2, np.int64), none, none, none[0], 0)


REPORT = ctypes.CFUNCTYPE(None, POINTER, ctypes.POINTER(INT), POINTER)
"""librdkafka's delivery report: the producer, the message, which begins with its error, and nothing of ours."""


def _reports_to(failures: npt.NDArray[np.int64]) -> Any:
    """A delivery report that counts what was not delivered and keeps the first reason; called for failures only.

    What follows the first failure was dropped because of it.
    """

    def reported(producer: int, message: Any, _: int) -> None:
        if message[0] != 0:
            failures[0] += 1
            failures[1] = failures[1] if failures[1] != 0 else message[0]

    return REPORT(reported)


class ProducerError(Exception):
    """What librdkafka says.

    Args:
        code: its number, as in `confluent_kafka.KafkaError`.
        text: in words.
        retriable: whether the same call may succeed later.
    """

    def __init__(self, code: int, text: str, retriable: bool = False) -> None:
        super().__init__(text)
        self.code, self.text, self.retriable = code, text, retriable


class Producer:
    """A producer of librdkafka.

    Args:
        settings: by librdkafka's own names.

    Raises:
        InputError: a setting it does not know or take.
    """

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self._library = lib = library(FUNCTIONS)
        self._failures = np.zeros(2, np.int64)  # how many, and the first one's code
        report = _reports_to(self._failures)
        wired = ctypes.cast(report, POINTER)
        self._handle = made(lib, PRODUCER_TYPE, settings, lambda conf: lib.rd_kafka_conf_set_dr_msg_cb(conf, wired))
        warm()
        self._topics: dict[str, int] = {}
        self._function: int = ctypes.cast(lib.rd_kafka_produceva, ctypes.c_void_p).value or 0
        ending = weakref.finalize(self, _end, lib, self._handle, self._topics, report)
        ending.atexit = False  # the process ends anyway, and nothing may keep it

    @property
    def waiting(self) -> int:
        """How many records were handed over and are neither delivered nor given up."""
        return int(self._library.rd_kafka_outq_len(self._handle))

    @property
    def failures(self) -> tuple[int, str]:
        """How many records were not delivered, and why the first was not."""
        code = int(self._failures[1])
        return int(self._failures[0]), "" if code == 0 else self._library.rd_kafka_err2str(code).decode()

    def forget_failures(self) -> None:
        """Count afresh."""
        self._failures[:] = 0

    def produce(self, records: Records, topic: str, partition: int, timestamps_ms: Longs) -> None:
        """Hand records over, waiting while the queue is full.

        Raises:
            ProducerError: one of them, and so all behind it, could not be handed over.
        """
        words = np.zeros(WORDS * (BEFORE_HEADERS + len(records.heads)), np.int64)
        words[[0, 1]] = TOPIC, self._topic(topic)
        words[[WORDS, WORDS + 1]] = PARTITION, partition
        words[[2 * WORDS, 2 * WORDS + 1]] = FLAGS, COPY
        keys = Blobs.same(None, len(records)) if records.keys is None else records.keys
        blobs = [records.values, keys, *(column for _, column in records.heads)]
        names = [ctypes.create_string_buffer(name.encode()) for name, _ in records.heads]
        held = [np.ascontiguousarray(blob.buffer) for blob in blobs]  # for as long as the calls last
        columns = np.array([*(each.ctypes.data for each in held), *map(ctypes.addressof, names)], np.int64)
        starts, sizes = np.stack([blob.starts for blob in blobs]), np.stack([blob.sizes for blob in blobs])
        timestamps_ms = np.ascontiguousarray(timestamps_ms, np.int64)
        call, sent = (self._function, self._handle, words.ctypes.data), 0
        while sent < len(records):
            sent, error = hand_over(call, words, columns, starts, sizes, timestamps_ms, sent)
            if error:
                self._wait_or_give_up(error)
        self.poll(0.0)

    def _wait_or_give_up(self, error: int) -> None:
        failure = self._failure(error)
        if failure.code != QUEUE_FULL:
            raise failure
        full = self.waiting
        while self.waiting > full * 3 // 4:
            self.poll(0.05)

    def _topic(self, name: str) -> int:
        if name not in self._topics:
            self._topics[name] = self._library.rd_kafka_topic_new(self._handle, name.encode(), None)
        return self._topics[name]

    def poll(self, wait_s: float) -> None:
        """Take in delivery reports."""
        self._library.rd_kafka_poll(self._handle, round(wait_s * 1_000))

    def flush(self, timeout_s: float) -> int:
        """Wait until everything handed over is delivered or given up; how many records are neither by then."""
        late = self._library.rd_kafka_flush(self._handle, round(timeout_s * 1_000))
        return max(self.waiting, 1) if late else 0

    def purge(self) -> None:
        """Give everything up that still waits."""
        self._library.rd_kafka_purge(self._handle, PURGE_ALL)

    def init_transactions(self, timeout_s: float) -> None:
        """Take the transactional id over, see `rd_kafka_init_transactions`; raises ProducerError."""
        self._check(self._library.rd_kafka_init_transactions(self._handle, round(timeout_s * 1_000)))

    def begin_transaction(self) -> None:
        """Begin a transaction; raises ProducerError."""
        self._check(self._library.rd_kafka_begin_transaction(self._handle))

    def commit_transaction(self, timeout_s: float) -> None:
        """Commit it, see `rd_kafka_commit_transaction`; raises ProducerError."""
        self._check(self._library.rd_kafka_commit_transaction(self._handle, round(timeout_s * 1_000)))

    def abort_transaction(self, timeout_s: float) -> None:
        """Drop it, see `rd_kafka_abort_transaction`; raises ProducerError."""
        self._check(self._library.rd_kafka_abort_transaction(self._handle, round(timeout_s * 1_000)))

    def _check(self, error: int | None) -> None:
        if error:
            raise self._failure(error)

    def _failure(self, error: int) -> ProducerError:
        """An error of the library's, which is let go; a fatal one by the reason behind it."""
        lib = self._library
        code, text = lib.rd_kafka_error_code(error), lib.rd_kafka_error_string(error).decode()
        retriable = bool(lib.rd_kafka_error_is_retriable(error))
        lib.rd_kafka_error_destroy(error)
        if code == FATAL:
            reason = ctypes.create_string_buffer(512)
            code = lib.rd_kafka_fatal_error(self._handle, reason, len(reason)) or code
            text = reason.value.decode() or text
        return ProducerError(code, text, retriable)


def _end(lib: ctypes.CDLL, handle: int, topics: dict[str, int], report: Any) -> None:
    """End a producer; what it reports to lives until then."""
    for topic in topics.values():
        lib.rd_kafka_topic_destroy(topic)
    lib.rd_kafka_destroy(handle)
