"""Records back into columns, whatever schemas they were written under."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.kafka import Heads
from connectors.registry import Registry
from schemas.blobs import Blobs, Longs
from schemas.codec import Codec
from schemas.errors import InputError
from schemas.framing import FRAME_BYTES, HEADER, named_schema

AT_ONCE, AT_ONCE_BYTES = 4_096, 1 << 20
"""How many messages are decoded in one go: fields are read one after the other, and so many stay in the cache. More
where they are short, for every go costs something."""


@dataclass(frozen=True)
class Decoded:
    """What came out of some messages.

    Args:
        batches: one for every schema met, or several of about `AT_ONCE_BYTES` or `AT_ONCE` rows, whichever is more.
        rows: for each batch, which messages its rows were, shape (rows,).
        foreign: which messages were not registered Avro, shape (foreign,).
    """

    batches: tuple[pa.RecordBatch, ...]
    rows: tuple[Longs, ...]
    foreign: Longs


class Decoders:
    """Decodes messages by the schema each names, asking the registry once a schema.

    Args:
        registry: knows the schemas.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._codecs: dict[bytes, Codec | None] = {}

    def decode(self, values: Blobs, headers: Heads) -> Decoded:
        """Decode messages; those that are not ours are listed, never raised.

        Args:
            values: the messages.
            headers: those of each; one that names a schema comes before what the value begins with.

        Raises:
            ServiceError: the registry does not answer, so that nobody can tell whose they are.
        """
        framed, bare = _forms(values, headers)
        foreign = [np.flatnonzero(values.sizes < 0)]
        batches: list[pa.RecordBatch] = []
        rows: list[Longs] = []
        for form in (framed, bare):
            for mark, members in form.items():
                codec = self._codec(mark)
                if codec is None:
                    foreign.append(members)
                    continue
                for some in _portions(values, members):
                    found = codec.decode(values.take(some), form is framed)
                    good = np.ones(len(some), bool)
                    good[found.bad] = False
                    batches.append(found.batch)
                    rows.append(some[good])
                    foreign.append(some[~good])
        return Decoded(tuple(batches), tuple(rows), np.sort(np.concatenate(foreign)))

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


def _portions(values: Blobs, members: Longs) -> list[Longs]:
    """Members in turn, so many at once as are decoded in one go."""
    if len(members) == 0:
        return []
    mean_bytes = max(int(values.sizes[members].sum()) // len(members), 1)
    most = max(AT_ONCE, AT_ONCE_BYTES // mean_bytes)
    return np.split(members, range(most, len(members), most))


Members = dict[bytes, Longs]
"""Which messages have a mark."""


def _forms(values: Blobs, headers: Heads) -> tuple[Members, Members]:
    """The messages by what names their schema: a header, or a prefix."""
    marks = headers.named(HEADER)
    bare = _alike(marks, np.flatnonzero((marks.sizes >= 0) & (values.sizes >= 0)))
    return _framed(values, np.flatnonzero((marks.sizes < 0) & (values.sizes >= 0))), bare


def _framed(values: Blobs, members: Longs) -> Members:
    """Members by their prefix, however many there are; all that have none are together, under what is no prefix."""
    begun = members[values.sizes[members] >= FRAME_BYTES]
    frames = values.buffer[values.starts[begun][:, None] + np.arange(FRAME_BYTES)]
    ours = frames[:, 0] == 0
    begun, frames = begun[ours], frames[ours]
    keys, which = np.unique(frames.astype(np.int64) @ (256 ** np.arange(FRAME_BYTES)), return_inverse=True)
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(which, minlength=len(keys)))[:-1]) if len(keys) else []
    found = {frames[part[0]].tobytes(): begun[part] for part in parts}
    strange = np.setdiff1d(members, begun, assume_unique=True)
    return {**found, **({b"": strange} if len(strange) else {})}


def _alike(marks: Blobs, members: Longs) -> Members:
    """Members by what marks them."""
    found: Members = {}
    while len(members):
        mark = marks[int(members[0])] or b""
        same = marks.equal(mark)[members]
        found[mark], members = members[same], members[~same]
    return found
