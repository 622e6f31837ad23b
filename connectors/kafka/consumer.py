"""A consumer that gives whole columns of records: librdkafka's own, without a Python object for each record.

Source: librdkafka's rdkafka.h, the high-level consumer.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from confluent_kafka import OFFSET_INVALID, KafkaError

from connectors.kafka import batches
from connectors.kafka.batches import Fault, Polled, Taker
from connectors.kafka.librdkafka import CONSUMER_TYPE, INT, POINTER, SIZE, TEXT, Signature, library, made
from schemas.errors import ServiceError
from schemas.secrets import Setting

LONG = ctypes.c_int64


class _Place(ctypes.Structure):
    """An `rd_kafka_topic_partition_t`."""

    _fields_ = (
        ("topic", TEXT),
        ("partition", ctypes.c_int32),
        ("offset", LONG),
        ("metadata", POINTER),
        ("metadata_size", SIZE),
        ("opaque", POINTER),
        ("error", INT),
        ("private", POINTER),
    )


class _Places(ctypes.Structure):
    """An `rd_kafka_topic_partition_list_t`."""

    _fields_ = (("count", INT), ("size", INT), ("places", ctypes.POINTER(_Place)))


LIST = ctypes.POINTER(_Places)

FUNCTIONS: dict[str, Signature] = {
    **batches.FUNCTIONS,
    "rd_kafka_conf_set_rebalance_cb": (None, [POINTER, POINTER]),
    "rd_kafka_poll_set_consumer": (INT, [POINTER]),
    "rd_kafka_queue_get_consumer": (POINTER, [POINTER]),
    "rd_kafka_queue_destroy": (None, [POINTER]),
    "rd_kafka_consume_batch_queue": (ctypes.c_ssize_t, [POINTER, INT, POINTER, SIZE]),
    "rd_kafka_consumer_close": (INT, [POINTER]),
    "rd_kafka_topic_partition_list_new": (LIST, [INT]),
    "rd_kafka_topic_partition_list_add": (ctypes.POINTER(_Place), [LIST, TEXT, ctypes.c_int32]),
    "rd_kafka_topic_partition_list_destroy": (None, [LIST]),
    "rd_kafka_subscribe": (INT, [POINTER, LIST]),
    "rd_kafka_rebalance_protocol": (TEXT, [POINTER]),
    "rd_kafka_assign": (INT, [POINTER, LIST]),
    "rd_kafka_incremental_assign": (POINTER, [POINTER, LIST]),
    "rd_kafka_incremental_unassign": (POINTER, [POINTER, LIST]),
    "rd_kafka_assignment": (INT, [POINTER, ctypes.POINTER(LIST)]),
    "rd_kafka_position": (INT, [POINTER, LIST]),
    "rd_kafka_committed": (INT, [POINTER, LIST, INT]),
    "rd_kafka_seek_partitions": (POINTER, [POINTER, LIST, INT]),
    "rd_kafka_query_watermark_offsets": (
        INT,
        [POINTER, TEXT, ctypes.c_int32, ctypes.POINTER(LONG), ctypes.POINTER(LONG), INT],
    ),
    "rd_kafka_consumer_group_metadata": (POINTER, [POINTER]),
    "rd_kafka_consumer_group_metadata_write": (POINTER, [POINTER, ctypes.POINTER(POINTER), ctypes.POINTER(SIZE)]),
    "rd_kafka_consumer_group_metadata_destroy": (None, [POINTER]),
    "rd_kafka_mem_free": (None, [POINTER, POINTER]),
    "rd_kafka_err2str": (TEXT, [INT]),
    "rd_kafka_error_code": (INT, [POINTER]),
    "rd_kafka_error_destroy": (None, [POINTER]),
}

ASSIGNED = KafkaError._ASSIGN_PARTITIONS
"""What a group says to a member that is given partitions; all else takes them from it."""

NUL = b"\0"
"""With it ends, as all of C's strings do, what librdkafka's Python binding notes with an offset."""

UNKNOWN = OFFSET_INVALID
"""The offset of what was not read, or not committed."""

SILENT = frozenset({KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE})
"""What is wrong where nobody answers."""

REBALANCED = ctypes.CFUNCTYPE(None, POINTER, INT, LIST, POINTER)


class Consumer:
    """A consumer of one topic.

    Args:
        settings: by librdkafka's own names.
        topic: the topic.
        moved: told, amid a poll, that a group shares the partitions out anew.

    Raises:
        InputError: a setting it does not know or take.
    """

    def __init__(self, settings: Mapping[str, Setting], topic: str, moved: Callable[[], None] = lambda: None) -> None:
        lib = library(FUNCTIONS)
        self._library: Any = lib
        self._topic = topic
        answer = _answers(lib, moved)
        wired = ctypes.cast(answer, POINTER)
        self._handle = made(lib, CONSUMER_TYPE, settings, lambda conf: lib.rd_kafka_conf_set_rebalance_cb(conf, wired))
        lib.rd_kafka_poll_set_consumer(self._handle)
        self._queue = lib.rd_kafka_queue_get_consumer(self._handle)
        self._taker = Taker(lib)
        self._ending = weakref.finalize(self, _end, lib, self._handle, self._queue, answer)
        self._ending.atexit = False  # the process ends anyway, and nothing may keep it

    def poll(self, most: int, wait_s: float) -> tuple[Polled, list[Fault]]:
        """Read what has come: at most so many records, and no longer than some seconds."""
        messages = np.empty(most, np.int64)
        count = self._library.rd_kafka_consume_batch_queue(
            self._queue, round(wait_s * 1_000), messages.ctypes.data, most
        )
        return self._taker.take(messages[: max(count, 0)])

    def subscribe(self) -> None:
        """Share the partitions with a group; raises ServiceError."""
        with _Listed(self._library, self._topic, {-1: UNKNOWN}) as places:
            self._check(self._library.rd_kafka_subscribe(self._handle, places))

    def assign(self, offsets: Mapping[int, int]) -> None:
        """Read these partitions from these offsets on; raises ServiceError."""
        with _Listed(self._library, self._topic, offsets) as places:
            self._check(self._library.rd_kafka_assign(self._handle, places))

    @property
    def assignment(self) -> tuple[int, ...]:
        """The partitions that are read."""
        places = LIST()
        self._check(self._library.rd_kafka_assignment(self._handle, ctypes.byref(places)))
        found = tuple(_read(places))
        self._library.rd_kafka_topic_partition_list_destroy(places)
        return found

    def positions(self, partitions: Iterable[int]) -> dict[int, int]:
        """By partition, the offset behind the last record that was read; below 0 where none was."""
        with _Listed(self._library, self._topic, dict.fromkeys(partitions, UNKNOWN)) as places:
            self._check(self._library.rd_kafka_position(self._handle, places))
            return _read(places)

    def committed(self, partitions: Iterable[int], timeout_s: float) -> dict[int, tuple[int, bytes]]:
        """By partition, what the group has committed and what it noted then; below 0 where it has nothing.

        Raises ServiceError.
        """
        with _Listed(self._library, self._topic, dict.fromkeys(partitions, UNKNOWN)) as places:
            self._check(self._library.rd_kafka_committed(self._handle, places, round(timeout_s * 1_000)))
            self._check_each(places)
            found = places.contents
            listed = [found.places[i] for i in range(found.count)]
            notes = [ctypes.string_at(p.metadata or 0, p.metadata_size).rstrip(NUL) for p in listed]
            return {p.partition: (p.offset, note) for p, note in zip(listed, notes, strict=True)}

    def seek(self, offsets: Mapping[int, int], timeout_s: float) -> None:
        """Go on reading partitions that are read already from these offsets; raises ServiceError."""
        if not offsets:  # which librdkafka refuses
            return
        with _Listed(self._library, self._topic, offsets) as places:
            error = self._library.rd_kafka_seek_partitions(self._handle, places, round(timeout_s * 1_000))
            if error:
                code = self._library.rd_kafka_error_code(error)
                self._library.rd_kafka_error_destroy(error)
                self._check(code)
            self._check_each(places)

    def watermarks(self, partition: int, timeout_s: float) -> tuple[int, int]:
        """The oldest offset of a partition, and the one the next record will have; raises ServiceError."""
        low, high, name = LONG(), LONG(), self._topic.encode()
        wait_ms = round(timeout_s * 1_000)
        self._check(self._library.rd_kafka_query_watermark_offsets(self._handle, name, partition, low, high, wait_ms))
        return low.value, high.value

    def membership(self) -> bytes:
        """What a transaction needs to know of this member of the group, to store offsets for it."""
        lib, buffer, size = self._library, POINTER(), SIZE()
        found = lib.rd_kafka_consumer_group_metadata(self._handle)
        lib.rd_kafka_consumer_group_metadata_write(found, buffer, size)
        said = ctypes.string_at(buffer.value or 0, size.value)
        lib.rd_kafka_mem_free(None, buffer)
        lib.rd_kafka_consumer_group_metadata_destroy(found)
        return said

    def close(self) -> None:
        """Leave the group, if any, and end; a further call does nothing."""
        self._ending()
        self._library = _Closed(self._topic)

    def _check(self, code: int) -> None:
        if code:
            said = self._library.rd_kafka_err2str(code).decode()
            silent = "the broker does not answer: " if code in SILENT else ""
            raise ServiceError(f"topic={self._topic}: {silent}{said}")

    def _check_each(self, places: Any) -> None:
        """Raise what went wrong with one of the partitions of a list."""
        found = places.contents
        for i in range(found.count):
            self._check(found.places[i].error)


class _Closed:
    """In the place of the library once a consumer is closed: a handle that has ended must not be touched."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def __getattr__(self, name: str) -> Any:
        raise ServiceError(f"topic={self._topic}: is not read any more; open it again")


class _Listed:
    """Partitions and offsets as librdkafka takes them, for as long as a block lasts."""

    def __init__(self, lib: Any, topic: str, offsets: Mapping[int, int]) -> None:
        self._library, self._list = lib, lib.rd_kafka_topic_partition_list_new(len(offsets))
        for partition, offset in offsets.items():
            lib.rd_kafka_topic_partition_list_add(self._list, topic.encode(), partition).contents.offset = offset

    def __enter__(self) -> Any:
        return self._list

    def __exit__(self, *_: object) -> None:
        self._library.rd_kafka_topic_partition_list_destroy(self._list)


def _read(places: Any) -> dict[int, int]:
    """The offsets of a list, by partition."""
    found = places.contents
    return {found.places[i].partition: found.places[i].offset for i in range(found.count)}


def _answers(lib: ctypes.CDLL, moved: Callable[[], None]) -> Any:
    """What a group is answered when it shares partitions out: take them, or let them go, and say so."""

    def answer(handle: int, code: int, places: Any, _: int) -> None:
        moved()
        if lib.rd_kafka_rebalance_protocol(handle) == b"COOPERATIVE":
            change = lib.rd_kafka_incremental_assign if code == ASSIGNED else lib.rd_kafka_incremental_unassign
            error = change(handle, places)
            if error:
                lib.rd_kafka_error_destroy(error)
        else:
            lib.rd_kafka_assign(handle, places if code == ASSIGNED else None)

    return REBALANCED(answer)


def _end(lib: ctypes.CDLL, handle: int, queue: int, answer: Any) -> None:
    """End a consumer; what it asks lives until then."""
    lib.rd_kafka_consumer_close(handle)
    lib.rd_kafka_queue_destroy(queue)
    lib.rd_kafka_destroy(handle)
