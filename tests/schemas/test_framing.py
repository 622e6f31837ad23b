"""Both ways a message says which schema it was written under, as Confluent's own client reads them."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka.schema_registry import dual_schema_id_deserializer, header_schema_id_serializer
from confluent_kafka.schema_registry.serde import SchemaId
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given
from hypothesis import strategies as st

from schemas.framing import HEADER, frame, header, named_schema

GUID = UUID("89791762-2336-41ad-8c0c-1c1f1d0f4b1e")


@given(st.integers(0, 2**32 - 1))
def test_frame_and_id_are_inverse(number: int) -> None:
    assert named_schema(frame(number)) == number
    assert len(frame(number)) == 5


@given(st.uuids())
def test_header_and_guid_are_inverse(guid: UUID) -> None:
    assert named_schema(header(guid)) == guid


@pytest.mark.parametrize(
    "mark", [b"", b"\0\0\0\1", b"\0" * 6, b"\0" * 17, b"\1" * 5, b"\1" * 16, b"\1" * 18, b"\2" * 17]
)
def test_other_bytes_name_no_schema(mark: bytes) -> None:
    assert named_schema(mark) is None


def test_confluent_writes_the_header_that_we_write() -> None:
    context = SerializationContext("orders", MessageField.VALUE, [])
    header_schema_id_serializer(b"body", context, SchemaId("AVRO", 7, str(GUID)))
    assert context.headers == [(HEADER, header(GUID))]


@pytest.mark.parametrize(
    ("headers", "value"),
    [([(HEADER, header(GUID))], b"body"), ([(HEADER, frame(7))], b"body"), ([], frame(7) + b"body")],
)
def test_confluent_reads_both_forms(headers: Any, value: bytes) -> None:
    found = SchemaId("AVRO")
    rest = dual_schema_id_deserializer(value, SerializationContext("orders", MessageField.VALUE, headers), found)
    assert isinstance(rest, BytesIO)
    assert rest.read() == b"body"
    mark = headers[0][1] if headers else value[:5]
    assert named_schema(mark) == (found.guid if found.id is None else found.id)
