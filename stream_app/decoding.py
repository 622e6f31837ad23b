"""Records back into columns, whatever schemas they were written under."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka import Headers
from connectors.registry import Registry
from schemas.codec import Codec
from schemas.errors import InputError
from schemas.framing import FRAME_BYTES, HEADER, named_schema

AT_ONCE = 4_096
"""How many messages are decoded in one go: fields are read one after the other, and so many stay in the cache."""


@dataclass(frozen=True)
class Decoded:
    """What came out of some messages.

    Args:
        batches: one for every schema met, or several of at most `AT_ONCE` rows.
        rows: for each batch, which messages its rows were, shape (rows,).
        foreign: which messages were not registered Avro, shape (foreign,).
    """

    batches: tuple[pa.RecordBatch, ...]
    rows: tuple[npt.NDArray[np.int64], ...]
    foreign: npt.NDArray[np.int64]


class Decoders:
    """Decodes messages by the schema each names, asking the registry once a schema.

    Args:
        registry: knows the schemas.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._codecs: dict[bytes, Codec | None] = {}

    def decode(self, values: Sequence[bytes | None], headers: Sequence[Headers | None]) -> Decoded:
        """Decode messages; those that are not ours are listed, never raised.

        Args:
            values: the messages.
            headers: those of each; one that names a schema comes before what the value begins with.

        Raises:
            ServiceError: the registry does not answer, so that nobody can tell whose they are.
        """
        framed, bare = _forms(values, headers)
        foreign = [i for i, value in enumerate(values) if value is None]
        batches: list[pa.RecordBatch] = []
        rows: list[npt.NDArray[np.int64]] = []
        for form in (framed, bare):
            for mark, members in form.items():
                codec = self._codec(mark)
                if codec is None:
                    foreign += members
                    continue
                for start in range(0, len(members), AT_ONCE):
                    some = members[start : start + AT_ONCE]
                    found = codec.decode([values[i] or b"" for i in some], form is framed)
                    good = np.ones(len(some), bool)
                    good[found.bad] = False
                    batches.append(found.batch)
                    rows.append(np.array(some, np.int64)[good])
                    foreign += np.array(some, np.int64)[~good].tolist()
        return Decoded(tuple(batches), tuple(rows), np.array(sorted(foreign), np.int64))

    def _codec(self, mark: bytes) -> Codec | None:
        """The codec for messages with this mark; None for those that are not ours."""
        named = named_schema(mark)
        if named is None:
            return None
        if mark not in self._codecs:
            try:
                self._codecs[mark] = Codec(self._registry.schema(named))
            except InputError:
                self._codecs[mark] = None
        return self._codecs[mark]


Members = dict[bytes, list[int]]
"""Which messages have a mark."""


def _forms(values: Sequence[bytes | None], headers: Sequence[Headers | None]) -> tuple[Members, Members]:
    """The messages by what names their schema: a prefix, or a header.

    Fetching every record's headers costs more than decoding it. So of those of one poll that begin with the very same
    prefix only the first and the last are asked for a header; all are, where one of these has it. What slips through
    is a bare record that by chance begins as prefixed ones before and after it do.
    """
    alike: Members = defaultdict(list)
    asked: list[int] = []
    for i, value in enumerate(values):
        if value is not None:
            (alike[value[:FRAME_BYTES]] if value.startswith(b"\0") else asked).append(i)
    framed: Members = defaultdict(list)
    bare: Members = defaultdict(list)
    for prefix, members in alike.items():
        if _mark(headers[members[0]]) is None and _mark(headers[members[-1]]) is None:
            framed[prefix] = members
        else:
            asked += members
    for i in sorted(asked):
        mark = _mark(headers[i])
        if mark is None:
            framed[(values[i] or b"")[:FRAME_BYTES]].append(i)
        else:
            bare[mark].append(i)
    return framed, bare


def _mark(heads: Headers | None) -> bytes | None:
    """What the header that names a schema holds, if there is one."""
    found = dict(heads).get(HEADER) if heads else None
    return found if isinstance(found, bytes) else None
