"""Messages back into columns: which rows were which, and which were nobody's."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from connectors.registry import Registry
from schemas.avro import frame
from schemas.codec import Codec
from schemas.errors import ServiceError
from stream_app.decoding import Decoders
from tests.stream_app.shop import Book

NUMBERS = {"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}
WORDS = {"type": "record", "name": "w", "fields": [{"name": "w", "type": "string"}]}


def numbers(*values: int) -> list[bytes]:
    return Codec(NUMBERS).encode(pa.record_batch({"n": pa.array(values)}), 1).values()


def words(*values: str) -> list[bytes]:
    return Codec(WORDS).encode(pa.record_batch({"w": pa.array(values)}), 2).values()


def test_every_row_knows_which_message_it_was() -> None:
    book = Book({1: NUMBERS, 2: WORDS})
    one, two, three = numbers(10, 20, 30)
    decoded = book.decoders.decode([*words("a"), one, two, *words("b"), three])
    found = {
        int(row): value
        for batch, rows in zip(decoded.batches, decoded.rows, strict=True)
        for row, value in zip(rows, (next(iter(r.values())) for r in batch.to_pylist()), strict=True)
    }
    assert found == {0: "a", 1: 10, 2: 20, 3: "b", 4: 30}
    assert decoded.foreign.tolist() == []


def test_what_is_not_ours_is_listed_and_the_rest_decoded() -> None:
    good = numbers(1, 2)
    strange = [
        None,
        b"",
        b"\x00",
        b'{"json": 1}',
        frame(99) + b"\x02",
        frame(1),
        frame(1) + b"\xff" * 20,
        good[0] + b"!",
    ]
    decoded = Book({1: NUMBERS}).decoders.decode([good[0], *strange, good[1]])
    assert decoded.foreign.tolist() == list(range(1, 9))
    assert [batch.to_pydict() for batch in decoded.batches] == [{"n": [1, 2]}]
    assert decoded.rows[0].tolist() == [0, 9]


def test_the_registry_is_asked_once_a_schema_whether_it_knows_it_or_not() -> None:
    book = Book({1: NUMBERS})
    decoders = book.decoders
    for _ in range(3):
        decoders.decode([*numbers(1, 2), frame(99)])
    assert book.asked == [1, 99]


def test_nothing_is_nothing() -> None:
    decoded = Book({}).decoders.decode([])
    assert (len(decoded.batches), len(decoded.rows), len(decoded.foreign)) == (0, 0, 0)
    assert decoded.foreign.dtype == np.int64


class Silent:
    def __init__(self, fails: int) -> None:
        self.fails = fails

    def schema(self, identity: int) -> dict[str, Any]:
        self.fails -= 1
        if self.fails >= 0:
            raise ServiceError("registry: does not answer")
        return NUMBERS


def test_a_silent_registry_makes_no_record_foreign() -> None:
    decoders = Decoders(cast(Registry, Silent(fails=1)))
    with pytest.raises(ServiceError, match="does not answer"):
        decoders.decode(numbers(1))
    assert decoders.decode(numbers(1)).batches[0].to_pydict() == {"n": [1]}
