"""Messages of librdkafka's taken over as columns: every function of its is called by compiled code.

Source: librdkafka's rdkafka.h, `rd_kafka_message_t` and the header interface.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from connectors.kafka.calls import called
from connectors.kafka.heads import Heads
from connectors.kafka.librdkafka import INT, POINTER, SIZE, TEXT, Signature
from schemas.blobs import Blobs, Longs

Bytes = npt.NDArray[np.uint8]

FUNCTIONS: dict[str, Signature] = {
    "rd_kafka_message_timestamp": (ctypes.c_int64, [POINTER, POINTER]),
    "rd_kafka_message_headers": (INT, [POINTER, POINTER]),
    "rd_kafka_message_errstr": (TEXT, [POINTER]),
    "rd_kafka_message_destroy": (None, [POINTER]),
    "rd_kafka_header_cnt": (SIZE, [POINTER]),
    "rd_kafka_header_get_all": (INT, [POINTER, SIZE, POINTER, POINTER, POINTER]),
}

ERROR, PARTITION, VALUE, SIZE_OF_VALUE, KEY, SIZE_OF_KEY, OFFSET = 0, 2, 3, 4, 5, 6, 7
WORDS = 9
"""An `rd_kafka_message_t` is so many 64-bit words; these are what is where."""


@dataclass(frozen=True)
class Fault:
    """A message that says what went wrong in place of a record.

    Args:
        partition: where.
        code: librdkafka's number for it, as in `confluent_kafka.KafkaError`.
        text: in words.
    """

    partition: int
    code: int
    text: str


@dataclass(frozen=True, eq=False)
class Polled:
    """Records as they were read; every field has one entry a record."""

    values: Blobs
    keys: Blobs
    partitions: npt.NDArray[np.int32]
    offsets: Longs
    timestamps_ms: Longs
    headers: Heads


@numba.njit(cache=True, nogil=True)
def look(functions: Longs, messages: Longs, fields_at: int, seen: tuple[Longs, Longs, Longs], heads_at: int) -> None:
    """Take in what messages say of themselves.

    Args:
        functions: the addresses of memcpy and of `rd_kafka_message_timestamp`, `_message_headers` and `_header_cnt`.
        messages: their addresses, shape (messages,).
        fields_at: the address where their words go, `WORDS` for each.
        seen: set to timestamps in milliseconds, the addresses of their headers and how many there are, each of shape
            (messages,).
        heads_at: the address of the second of these.
    """
    timestamps_ms, heads, counts = seen
    kind = np.int64(0)
    for row in range(messages.shape[0]):
        called(functions[0], (fields_at + 8 * WORDS * row, messages[row], np.int64(8 * WORDS)))
        timestamps_ms[row] = called(functions[1], (messages[row], kind))
        error = called(functions[2], (messages[row], heads_at + 8 * row))
        if error & 0xFFFFFFFF == 0:
            counts[row] = called(functions[3], (heads[row],))


@numba.njit(cache=True, nogil=True)
def list_heads(functions: Longs, heads: Longs, firsts: Longs, entries: Longs, entries_at: int) -> None:
    """Find the names and values of headers.

    Args:
        functions: the addresses of `rd_kafka_header_get_all` and of strlen.
        heads: the addresses of records' headers, shape (records,).
        firsts: where each record's begin in `entries`, and the end of the last, shape (records + 1,).
        entries: set to address and size of the value, then of the name, shape (headers, 4).
        entries_at: its address.
    """
    for row in range(heads.shape[0]):
        for entry in range(firsts[row], firsts[row + 1]):
            to = entries_at + 32 * entry
            called(functions[0], (heads[row], entry - firsts[row], to + 16, to, to + 8))
            entries[entry, 3] = called(functions[1], (entries[entry, 2],))


@numba.njit(cache=True, nogil=True)
def copy(memcpy: int, addresses: Longs, starts: Longs, sizes: Longs, out_at: int) -> None:
    """Copy stretches of memory to where they start behind an address; a size below 0 is none."""
    for row in range(addresses.shape[0]):
        if sizes[row] > 0:
            called(memcpy, (out_at + starts[row], addresses[row], sizes[row]))


@numba.njit(cache=True, nogil=True)
def let_go(destroy: int, messages: Longs) -> None:
    """Give messages back to librdkafka."""
    for row in range(messages.shape[0]):
        called(destroy, (messages[row],))


class Taker:
    """Turns messages into columns.

    Args:
        library: librdkafka, which knows `FUNCTIONS`.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library, c = library, ctypes.CDLL(None)
        self._memcpy = _address(c.memcpy)
        names = ("message_timestamp", "message_headers", "header_cnt")
        self._look = np.array([self._memcpy, *(_address(getattr(library, f"rd_kafka_{name}")) for name in names)])
        self._heads = np.array([_address(library.rd_kafka_header_get_all), _address(c.strlen)])
        self._destroy = _address(library.rd_kafka_message_destroy)

    def take(self, messages: Longs) -> tuple[Polled, list[Fault]]:
        """Copy what messages hold, and let them go; their addresses have shape (messages,)."""
        try:
            return self._taken(messages)
        finally:  # librdkafka does not end while anybody holds one
            let_go(self._destroy, messages)

    def _taken(self, messages: Longs) -> tuple[Polled, list[Fault]]:
        n = len(messages)
        fields, (stamps, heads, counts) = np.zeros((n, WORDS), np.int64), np.zeros((3, n), np.int64)
        look(self._look, messages, fields.ctypes.data, (stamps, heads, counts), heads.ctypes.data)
        codes, partitions = fields[:, ERROR].astype(np.int32), fields[:, PARTITION].astype(np.int32)
        good = codes == 0
        faults = [
            Fault(int(partitions[i]), int(codes[i]), self._said(int(messages[i])))
            for i in np.flatnonzero(~good).tolist()
        ]
        if faults:
            fields, partitions = fields[good], partitions[good]
            stamps, heads, counts = stamps[good], heads[good], counts[good]
        polled = Polled(
            self._bytes(fields[:, VALUE], fields[:, SIZE_OF_VALUE]),
            self._bytes(fields[:, KEY], fields[:, SIZE_OF_KEY]),
            partitions,
            fields[:, OFFSET].copy(),
            stamps,
            self._headers(heads, counts),
        )
        return polled, faults

    def _headers(self, heads: Longs, counts: Longs) -> Heads:
        firsts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        entries = np.zeros((firsts[-1], 4), np.int64)
        list_heads(self._heads, heads, firsts, entries, entries.ctypes.data)
        return Heads(firsts, self._bytes(entries[:, 2], entries[:, 3]), self._bytes(entries[:, 0], entries[:, 1]))

    def _bytes(self, addresses: Longs, sizes: Longs) -> Blobs:
        """Copies of stretches of memory; none where the address is 0."""
        sizes = np.where(addresses == 0, -1, sizes)
        ends = np.cumsum(np.maximum(sizes, 0))
        starts = ends - np.maximum(sizes, 0)
        out = np.empty(ends[-1] if len(ends) else 0, np.uint8)
        copy(self._memcpy, np.ascontiguousarray(addresses), starts, sizes, out.ctypes.data)
        return Blobs(out, starts, sizes)

    def _said(self, message: int) -> str:
        return str(self._library.rd_kafka_message_errstr(message).decode(errors="replace"))


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
