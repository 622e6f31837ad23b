"""Messages back into columns: which rows were which, and which were nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from connectors.kafka import Headers, Heads
from connectors.registry import Registry
from schemas.blobs import Blobs
from schemas.codec import Codec
from schemas.errors import ServiceError
from schemas.framing import HEADER, frame, header
from stream_app.decoding import AT_ONCE, AT_ONCE_BYTES, Decoded, Decoders, _portions
from tests.stream_app.shop import Book

NUMBERS = {"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}
WORDS = {"type": "record", "name": "w", "fields": [{"name": "w", "type": "string"}]}


def numbers(*values: int) -> list[bytes]:
    return Codec(NUMBERS).encode(pa.record_batch({"n": pa.array(values)}), 1).values()


def words(*values: str) -> list[bytes]:
    return Codec(WORDS).encode(pa.record_batch({"w": pa.array(values)}), 2).values()


def read(decoders: Decoders, values: Sequence[bytes | None]) -> Decoded:
    """Messages without headers."""
    return decoders.decode(Blobs.of(values), Heads.of([None] * len(values)))


def cells(decoded: Decoded) -> dict[int, Any]:
    """By message, the one cell of its row."""
    return {
        int(row): next(iter(record.values()))
        for batch, rows in zip(decoded.batches, decoded.rows, strict=True)
        for row, record in zip(rows, batch.to_pylist(), strict=True)
    }


def test_every_row_knows_which_message_it_was() -> None:
    book = Book({1: NUMBERS, 2: WORDS})
    one, two, three = numbers(10, 20, 30)
    decoded = read(book.decoders, [*words("a"), one, two, *words("b"), three])
    assert cells(decoded) == {0: "a", 1: 10, 2: 20, 3: "b", 4: 30}
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
    decoded = read(Book({1: NUMBERS}).decoders, [good[0], *strange, good[1]])
    assert decoded.foreign.tolist() == list(range(1, 9))
    assert [batch.to_pydict() for batch in decoded.batches] == [{"n": [1, 2]}]
    assert decoded.rows[0].tolist() == [0, 9]


def test_the_registry_is_asked_once_a_schema_whether_it_knows_it_or_not() -> None:
    book = Book({1: NUMBERS})
    decoders = book.decoders
    for _ in range(3):
        read(decoders, [*numbers(1, 2), frame(99)])
    assert book.asked == [1, 99]


def test_nothing_is_nothing() -> None:
    decoded = read(Book({}).decoders, [])
    assert (len(decoded.batches), len(decoded.rows), len(decoded.foreign)) == (0, 0, 0)
    assert decoded.foreign.dtype == np.int64


class Silent:
    def __init__(self, fails: int) -> None:
        self.fails = fails

    def schema(self, identity: int | UUID) -> dict[str, Any]:
        self.fails -= 1
        if self.fails >= 0:
            raise ServiceError("registry: does not answer")
        return NUMBERS


def test_a_silent_registry_makes_no_record_foreign() -> None:
    decoders = Decoders(cast(Registry, Silent(fails=1)))
    with pytest.raises(ServiceError, match="does not answer"):
        read(decoders, numbers(1))
    assert read(decoders, numbers(1)).batches[0].to_pydict() == {"n": [1]}


GUID = UUID("89791762-2336-41ad-8c0c-1c1f1d0f4b1e")
LINEAGE = ("synthstream", b"\1" * 32)


def bare(*values: int) -> list[bytes]:
    return Codec(NUMBERS).encode(pa.record_batch({"n": pa.array(values)}), None).values()


def test_both_forms_are_read_mixed_and_bare_bytes_are_never_taken_for_a_prefix() -> None:
    book = Book({1: NUMBERS, 2: WORDS, GUID: NUMBERS})
    five = b"\0" * 5  # bare numbers of one byte each: 0, five times, is the prefix of schema 0
    record = {"type": "record", "name": "z", "fields": [{"name": c, "type": "long"} for c in "abcde"]}
    zeros = UUID(int=5)
    book = Book({**book.schemas, zeros: record})
    messages: list[tuple[bytes, Headers | None]] = [
        (numbers(10)[0], None),
        (bare(20)[0], [LINEAGE, (HEADER, header(GUID))]),
        (words("a")[0], [LINEAGE]),
        (bare(30)[0], [(HEADER, frame(1)), LINEAGE]),
        (five, [(HEADER, header(zeros))]),
        (numbers(40)[0], [(HEADER, None)]),
        (bare(50)[0], [(HEADER, header(GUID))]),
    ]
    decoded = book.decoders.decode(Blobs.of(value for value, _ in messages), Heads.of(heads for _, heads in messages))
    assert cells(decoded) == {0: 10, 1: 20, 2: "a", 3: 30, 4: 0, 5: 40, 6: 50}
    assert len(decoded.batches) == 5  # one for every way of naming a schema, not one a record
    assert decoded.foreign.tolist() == []


@pytest.mark.parametrize("mark", [b"", b"\2" * 17, b"\1" * 16, header(UUID(int=9)), frame(9)])
def test_a_header_that_names_no_known_schema_makes_a_record_foreign_whatever_its_value(mark: bytes) -> None:
    values, heads = Blobs.of([*numbers(1), *numbers(2), None]), Heads.of([[(HEADER, mark)], [], [LINEAGE]])
    decoded = Book({1: NUMBERS}).decoders.decode(values, heads)
    assert cells(decoded) == {1: 2}
    assert decoded.foreign.tolist() == [0, 2]


def test_a_known_header_over_other_bytes_is_foreign() -> None:
    values = [*bare(1), b"\xff" * 20, *numbers(2), b""]
    heads = Heads.of([[(HEADER, header(GUID))]] * 4)
    decoded = Book({GUID: NUMBERS}).decoders.decode(Blobs.of(values), heads)
    assert cells(decoded) == {0: 1}
    assert decoded.foreign.tolist() == [1, 2, 3]


def test_a_header_tells_records_apart_that_begin_alike() -> None:
    book = Book({1: NUMBERS, UUID(int=5): {**NUMBERS, "fields": [{"name": c, "type": "long"} for c in "abcdef"]}})
    lookalike = frame(1) + b"\6"  # bare: 0, 0, 0, 0, -1, 3
    values = Blobs.of([lookalike, *numbers(1, 2), lookalike, *numbers(3)])
    own: Headers = [(HEADER, header(UUID(int=5)))]
    orders: list[list[Headers]] = [[own, [], [], own, []], [[], [], [], own, []], [[LINEAGE]] * 5]
    for order in orders:
        found = cells(book.decoders.decode(values, Heads.of(order)))
        assert found == {0: 0 if order[0] is own else 3, 1: 1, 2: 2, 3: 0 if order[3] is own else 3, 4: 3}


def test_short_messages_are_decoded_many_at_once_and_long_ones_fewer() -> None:
    book, few = Book({1: NUMBERS}), AT_ONCE_BYTES // len(numbers(1)[0])
    decoded = book.decoders.decode(Blobs.of(numbers(1) * (few + 1)), Heads.of([None] * (few + 1)))
    assert [len(rows) for rows in decoded.rows] == [few, 1]
    wide = Blobs.of(numbers(1) * AT_ONCE + [b"\0" * AT_ONCE_BYTES])
    assert [len(rows) for rows in _portions(wide, np.arange(len(wide)))] == [AT_ONCE, 1]
