"""The lineage header, byte by byte."""

from __future__ import annotations

import numpy as np

from connectors.kafka import Headers, Heads
from stream_app.lineage import HEADER, SIZE_BYTES, Lineage, headers, numbers, parse

ARTIFACT = "00112233445566778899aabbccddeeff" * 2


def test_a_header_is_artifact_epoch_shard_and_sequence() -> None:
    first, second = (head or b"" for head in headers(ARTIFACT, 1, 2, 256, 258))
    assert first.hex() == "00112233445566778899aabbccddeeff" + "00000001" + "00000002" + "0000000000000100"
    assert parse(second) == Lineage(ARTIFACT[:32], 1, 2, 257)
    assert len(first) == SIZE_BYTES


def test_a_trailing_zero_is_kept() -> None:
    assert headers("ab" * 15 + "00" + "00" * 16, 0, 0, 0, 1)[0] == bytes.fromhex("ab" * 15 + "00") + bytes(16)


def test_many_are_read_at_once_and_strange_ones_are_unknown() -> None:
    mark = headers(ARTIFACT, 3, 2, 9, 10)[0]
    heads: list[Headers | None] = [
        [(HEADER, mark)],
        None,
        [("a", b"b"), (HEADER, mark)],
        [(HEADER, b"short")],
        [(HEADER, mark)],
        [("a", b"")],
    ]
    found = numbers(Heads.of(heads).named(HEADER), np.array([2, 2, 2, 2, 1, 0], np.int32))
    assert found.epochs.tolist() == [3, -1, 3, -1, -1, -1]
    assert found.sequences[[0, 2]].tolist() == [9, 9]
    assert len(numbers(Heads.of([]).named(HEADER), np.zeros(0, np.int32)).epochs) == 0


def test_none_are_made_of_no_records_and_strange_bytes_are_no_lineage() -> None:
    assert headers(ARTIFACT, 0, 0, 5, 5) == []
    assert parse(b"short") is None
