"""What librdkafka is told of every record, with a function of ours in its place; and what it makes of settings.

Covers connectors.kafka.calls, connectors.kafka.librdkafka, connectors.kafka.producer and connectors.kafka.records.
The real broker's part is in tests/kafka.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from connectors.kafka import Records
from connectors.kafka.calls import called, interpreted
from connectors.kafka.librdkafka import library
from connectors.kafka.producer import (
    COPY,
    FLAGS,
    HEADER,
    KEY,
    PARTITION,
    QUEUE_FULL,
    TIMESTAMP,
    TOPIC,
    VALUE,
    WORDS,
    Producer,
    ProducerError,
)
from schemas.errors import InputError, ServiceError

pytestmark = pytest.mark.kernel

WORD = ctypes.c_int64
FUNCTION = ctypes.CFUNCTYPE(WORD, WORD, WORD, WORD)
SETTINGS: dict[str, Any] = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, "enable.idempotence": True}


class Told:
    """Stands for `rd_kafka_produceva`: reads what it is told and remembers it."""

    def __init__(self, answer: Callable[[int], int] = lambda number: 0) -> None:
        self.records: list[dict[int, Any]] = []
        self.headers: list[list[tuple[str, bytes]]] = []
        self._answer, self.function = answer, FUNCTION(self._call)

    def _call(self, producer: int, address: int, count: int) -> int:
        error = self._answer(len(self.records))
        if error:
            return error
        words = np.ctypeslib.as_array((WORD * (WORDS * count)).from_address(address)).reshape(count, WORDS)
        record: dict[int, Any] = {}
        heads: list[tuple[str, bytes]] = []
        for kind, first, second, third, *_ in words.tolist():
            if kind == HEADER:
                heads.append((ctypes.string_at(first).decode(), ctypes.string_at(second, third)))
            else:
                record[kind] = first if kind not in (VALUE, KEY) else first and ctypes.string_at(first, second)
        self.records.append(record)
        self.headers.append(heads)
        return 0


def handed_over(told: Told, records: Records, stamps: list[int]) -> Producer:
    producer = Producer(SETTINGS)
    producer._function = ctypes.cast(told.function, ctypes.c_void_p).value or 0
    producer.produce(records, "t", 3, np.array(stamps, np.int64))
    return producer


def test_every_record_is_told_with_all_it_has() -> None:
    told = Told()
    columns = [("mark", [b"1", b"22", None]), ("label", [None, b"", b"x"])]
    handed_over(told, Records.of([b"one", None, b""], [b"k", None, b"key"], columns), [5, 6, 7])
    assert told.headers == [[("mark", b"1")], [("mark", b"22"), ("label", b"")], [("label", b"x")]]
    assert [record[VALUE] for record in told.records] == [b"one", 0, b""]
    assert [record.get(KEY) for record in told.records] == [b"k", None, b"key"]
    assert [record[TIMESTAMP] for record in told.records] == [5, 6, 7]
    assert {(record[PARTITION], record[FLAGS]) for record in told.records} == {(3, COPY)}
    assert len({record[TOPIC] for record in told.records}) == 1


def test_without_keys_none_is_told_and_no_records_are_no_call() -> None:
    told = Told()
    handed_over(told, Records.of([b"a"] * 3), [0, 0, 0])
    assert [KEY in record for record in told.records] == [False] * 3
    handed_over(told, Records.of([]), [])
    assert len(told.records) == 3


def test_parts_and_joins_of_records_keep_what_is_theirs() -> None:
    first = Records.of([b"a", b"b"], [b"1", b"2"], [("x", [b"p", None])])
    second = Records.of([b"c"], [b"3"], [("y", [b"q"])])
    both = Records.joined([first, second])
    assert [both.headers(row) for row in range(3)] == [[("x", b"p")], [], [("y", b"q")]]
    assert both.part(slice(1, 3)).values == [b"b", b"c"]
    assert both.take(np.array([2, 0])).keys == [b"3", b"1"]
    assert Records.joined([Records.of([b"a"]), Records.of([None])]).keys is None
    assert Records.of([b"abc", None]).sizes.tolist() == [3, 0]


def test_when_the_queue_is_full_the_rest_follows_and_other_errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = iter([0, 77, 0, 0, 78])
    told = Told(lambda number: next(errors))
    codes = {77: ProducerError(QUEUE_FULL, "queue full"), 78: ProducerError(-190, "Unknown partition")}
    monkeypatch.setattr(Producer, "_failure", lambda self, error: codes[error])
    with pytest.raises(ProducerError, match="Unknown partition"):
        handed_over(told, Records.of([b"a", b"b", b"c", b"d"]), [0, 0, 0, 0])
    assert [record[VALUE] for record in told.records] == [b"a", b"b", b"c"]


def test_compiled_or_not_a_function_is_called_with_its_words() -> None:
    add = FUNCTION(lambda a, b, c: 100 * a + 10 * b + c)
    address = ctypes.cast(add, ctypes.c_void_p).value or 0
    assert interpreted(address, (1, 2, 3)) == 123
    assert callable(called)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"linger.msec": 5}, 'kafka settings: No such configuration property: "linger.msec"; expected a librdkafka'),
        ({"linger.ms": "soon"}, "kafka settings: linger.ms=soon: Invalid value"),
        ({"acks": 0, "enable.idempotence": True}, "kafka settings: .*acks"),
    ],
)
def test_settings_that_are_none_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Producer({**SETTINGS, **settings})


def test_what_can_not_be_delivered_is_counted_with_its_reason() -> None:
    producer = Producer({**SETTINGS, "message.timeout.ms": 50})
    producer.produce(Records.of([b"a", b"b"]), "t", -1, np.zeros(2, np.int64))
    assert producer.waiting >= 2  # reports of what failed count too
    assert producer.flush(10.0) == 0
    assert producer.failures == (2, "Local: Message timed out")
    producer.forget_failures()
    assert producer.failures == (0, "")
    producer.produce(Records.of([b"a"]), "t", -1, np.zeros(1, np.int64))
    producer.purge()
    assert producer.flush(10.0) == 0


def test_a_library_that_lacks_a_function_is_said() -> None:
    with pytest.raises(ServiceError, match="this build has no rd_kafka_flies"):
        library({"rd_kafka_flies": (None, [])})
