"""Which columns of a real topic are those of a synthetic one, and its records as the synthetic one has them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from connectors.kafka import Heads
from connectors.registry import Registry
from schemas.adoption import table_schema
from schemas.avro_fields import fields
from schemas.blobs import Blobs
from schemas.conforming import cast_if_possible, missing
from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema
from stream_app.decoding import Decoded, Decoders

logger = logging.getLogger(__name__)

WRITTEN = frozenset({Kind.CATEGORY, Kind.TEXT})
NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER})
MOMENTS = frozenset({Kind.DATE, Kind.TIMESTAMP})

READABLE: Mapping[Kind, frozenset[Kind]] = {
    Kind.INTEGER: NUMBERS | WRITTEN,
    Kind.NUMBER: NUMBERS | WRITTEN,
    Kind.BOOLEAN: frozenset({Kind.BOOLEAN}) | WRITTEN,
    Kind.DATE: MOMENTS | WRITTEN,
    Kind.TIMESTAMP: MOMENTS | WRITTEN,
    Kind.CATEGORY: frozenset(Kind),
    Kind.TEXT: frozenset(Kind),
}
"""By the kind of a column, the kinds whose values can be read as its own."""


@dataclass(frozen=True)
class Match:
    """What two topics have in common.

    Args:
        schema: the columns that are compared, as the synthetic topic has them; any may be missing.
        left_out: the other columns of both, each with the reason.
    """

    schema: TableSchema
    left_out: Mapping[str, str]


def match(synthetic: TableSchema, avro: Mapping[str, Any], topic: str, without: Sequence[str] = ()) -> Match:
    """Match columns by name and by whether the real one's values can be read as the synthetic one's.

    Args:
        synthetic: the synthetic topic's columns.
        avro: the schema registered for the real topic.
        topic: the real topic, for people.
        without: columns that are not to be compared.

    Raises:
        InputError: a column of `without` is in neither, or nothing is left to compare.
    """
    real = {column.name: column.kind for column in table_schema(avro)} if avro.get("type") == "record" else {}
    labels = {field.column: field.label for field in fields(avro)} if real else {}
    strange = [name for name in without if name not in {*synthetic.names, *labels}]
    if strange:
        raise InputError(*(f"without={name}: is a column of neither topic" for name in strange))
    left_out = dict.fromkeys(without, "left out as asked")
    kept = []
    for column in synthetic:
        if column.name in left_out:
            continue
        if column.name not in labels:
            left_out[column.name] = f"not in {topic}"
        elif real.get(column.name) not in READABLE[column.kind]:
            left_out[column.name] = f"{labels[column.name]} in {topic}, {column.kind.value} in the synthetic topic"
        else:
            kept.append(replace(column, nullable=True))
    left_out |= {name: f"only in {topic}" for name in labels if name not in {*synthetic.names, *left_out}}
    if not kept:
        raise InputError(
            f"real={topic}: has no column in common with the synthetic topic, which has {', '.join(synthetic.names)}; "
            "columns are matched by name and type"
        )
    return Match(TableSchema(synthetic.name, tuple(kept)), left_out)


class MatchingDecoders(Decoders):
    """Decodes records of a real topic into the columns that it has in common with a synthetic one.

    A column that a record's schema lacks, or has in a type that can not be read, is missing in the record; a record
    that has none of the columns is foreign. A record without a value holds no row, and is nothing strange.

    Args:
        registry: knows the real topic's schemas.
        schema: the columns.
    """

    def __init__(self, registry: Registry, schema: TableSchema) -> None:
        super().__init__(registry)
        self._schema = schema
        self._told: set[frozenset[str]] = set()

    def decode(self, values: Blobs, headers: Heads) -> Decoded:
        """See `Decoders.decode`."""
        found = super().decode(values, headers)
        strange = found.foreign[values.sizes[found.foreign] >= 0]
        batches, rows = [], []
        for batch, members in zip(found.batches, found.rows, strict=True):
            if set(self._schema.names).isdisjoint(batch.schema.names):
                strange = np.concatenate([strange, members])
                continue
            batches.append(self._read(batch))
            rows.append(members)
        return Decoded(tuple(batches), tuple(rows), np.sort(strange))

    def _read(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [self._column(column, batch) for column in self._schema]
        gone = frozenset(self._schema.names) - set(batch.schema.names)
        if gone and gone not in self._told:
            self._told.add(gone)
            logger.warning("the real topic has records of a schema that lacks columns", extra={"columns": sorted(gone)})
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema.arrow_schema)

    def _column(self, column: Column, batch: pa.RecordBatch) -> pa.Array[Any]:
        place = batch.schema.get_field_index(column.name)
        if place < 0:
            return missing(column, batch.num_rows)
        return cast_if_possible(column, batch.column(place))
