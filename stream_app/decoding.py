"""Records back into columns, whatever schemas they were written under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.registry import Registry
from schemas.avro import FRAME_BYTES, schema_id
from schemas.codec import Codec
from schemas.errors import InputError


@dataclass(frozen=True)
class Decoded:
    """What came out of some messages.

    Args:
        batches: one for every schema met.
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

    def decode(self, values: Sequence[bytes | None]) -> Decoded:
        """Decode messages; those that are not ours are listed, never raised.

        Raises:
            ServiceError: the registry does not answer, so that nobody can tell whose they are.
        """
        marks = [None if value is None else value[:FRAME_BYTES] for value in values]
        batches: list[pa.RecordBatch] = []
        rows: list[npt.NDArray[np.int64]] = []
        foreign: list[int] = []
        for mark in dict.fromkeys(marks):
            members = [i for i, m in enumerate(marks) if m == mark]
            codec = self._codec(mark)
            if codec is None:
                foreign += members
                continue
            decoded = codec.decode([values[i] for i in members])  # type: ignore[misc]  # nulls have no codec
            good = np.ones(len(members), bool)
            good[decoded.bad] = False
            batches.append(decoded.batch)
            rows.append(np.array(members, np.int64)[good])
            foreign += np.array(members, np.int64)[~good].tolist()
        return Decoded(tuple(batches), tuple(rows), np.array(sorted(foreign), np.int64))

    def _codec(self, mark: bytes | None) -> Codec | None:
        """The codec for messages that begin with these bytes; None for those that are not ours."""
        if mark is None or len(mark) < FRAME_BYTES or mark[0] != 0:
            return None
        if mark not in self._codecs:
            try:
                self._codecs[mark] = Codec(self._registry.schema(schema_id(mark)))
            except InputError:
                self._codecs[mark] = None
        return self._codecs[mark]
