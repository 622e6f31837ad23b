"""The records of a shard: blocks of fixed size, each a pure function of artifact, seed, epoch, shard and number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.artifact import Artifact
from generators.invented.distinct import Numbered
from generators.keys import Keys, surrogate_keys
from generators.population import Members, Population, key_base
from generators.randomness import Purpose, stream_key, uniforms
from generators.steered import UNSTEERED, Steered
from schemas.blobs import Blobs
from schemas.errors import InputError
from schemas.table import Column, Kind, Role

BLOCK_ROWS = 4_096
"""Blocks are always drawn whole, so that a record does not depend on how it was asked for."""


@dataclass(frozen=True)
class Source:
    """The endless records of one shard.

    Args:
        artifact: the trained generator.
        seed: the stream's seed.
        epoch: the stream's epoch.
        shard: the shard, in [0, shards).
        shards: into how many shards the stream is split.
        purpose: what the records are for; no two purposes share numbers.
        population: the keys, where they come again; None for a fresh one in every record.

    Raises:
        InputError: there is no such shard, or no key for it.
    """

    artifact: Artifact
    seed: int
    epoch: int
    shard: int
    shards: int
    purpose: Purpose = Purpose.DATA
    population: Population | None = None

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise InputError(f"shards={self.shards}: must be at least 1")
        if not 0 <= self.shard < self.shards:
            raise InputError(f"shard={self.shard}: must be from 0 to {self.shards - 1}")
        if self.population is not None and self.population.fractions[self.shard] == 0:
            raise InputError(f"shard={self.shard}: no key of the stream hashes to it, so it has no records")

    def block(self, index: int, steered: Steered = UNSTEERED) -> pa.RecordBatch:
        """Draw the block of records index * BLOCK_ROWS and on, surrogate keys filled in.

        Args:
            index: the block's number.
            steered: how its records are steered, worked out for this artifact's generator.

        Raises:
            InputError: the column that records are keyed by is steered.
        """
        key = stream_key(self.artifact.identity, self.seed, self.epoch, self.shard, self.purpose)
        generator = self.artifact.generator
        held = {**steered.given, **self._shared(index, steered), **self._held(index, steered)}
        batch = generator.sample(BLOCK_ROWS, uniforms(key, index, BLOCK_ROWS, generator.width), held)
        for at, column in enumerate(self.artifact.schema):
            if column.role is Role.KEY and column.is_surrogate:
                batch = batch.set_column(at, batch.schema.field(at), key_array(column, self._surrogates(index)))
        first = index * BLOCK_ROWS
        return numbered(batch, generator.numbered, np.arange(first, first + BLOCK_ROWS) * self.shards + self.shard)

    def _shared(self, index: int, steered: Steered) -> dict[str, pa.Array[Any]]:
        """The columns of a block that are drawn in other shares: by numbers of their own, so that all else stays."""
        if not steered.width:
            return {}
        numbers = f"{self.artifact.identity} shares"
        key = stream_key(numbers, self.seed, self.epoch, self.shard, self.purpose)
        return steered.drawn(uniforms(key, index, BLOCK_ROWS, steered.width))

    def _held(self, index: int, steered: Steered) -> dict[str, pa.Array[Any]]:
        """The column that the records of a block are keyed by."""
        if self.population is None or self.population.column is None:
            return {}
        self.refuse_key(steered)
        return {self.population.column: self.members.taken(self._chosen(index))}

    def refuse_key(self, steered: Steered) -> None:
        """Refuse to steer the column that records are keyed by, and weights that would have to depend on it.

        Raises:
            InputError: it is among the columns steered, or a value is boosted.
        """
        name = None if self.population is None else self.population.column
        if name is not None and name in steered.columns:
            raise InputError(f"{name}: records are keyed by it, so it can not be held at one value nor in other shares")
        if name is not None and steered.weights is not None:
            raise InputError(
                f"boost: records are keyed by {name}, which each shard draws first; its weights would not hold"
            )

    def _surrogates(self, index: int) -> pa.Array[Any]:
        """The surrogate keys of a block's records, as integers."""
        if self.population is None or self.population.column is not None:
            return pa.array(self._keys(index * BLOCK_ROWS, BLOCK_ROWS).numbers)
        return self.members.taken(self._chosen(index))

    @cached_property
    def members(self) -> Members:
        """The shard's keys, where they come again."""
        assert self.population is not None
        return self.population.members(self.shard)

    def _chosen(self, index: int) -> npt.NDArray[np.int64]:
        """Which of the shard's keys each record of a block has, shape (BLOCK_ROWS,)."""
        numbers = f"{self.artifact.identity} keys"
        key = stream_key(numbers, self.seed, self.epoch, self.shard, self.purpose)
        return self.members.chosen(uniforms(key, index, BLOCK_ROWS, 1)[:, 0])

    def rows(self, start: int, stop: int, steered: Steered = UNSTEERED) -> Iterator[pa.RecordBatch]:
        """Draw the records start to stop - 1, in slices of whole blocks.

        Args:
            start: the first record.
            stop: the record after the last.
            steered: how they are steered.

        Raises:
            InputError: start is negative.
        """
        if start < 0:
            raise InputError(f"start={start}: must be at least 0")
        while start < stop:
            index, within = divmod(start, BLOCK_ROWS)
            count = min(BLOCK_ROWS - within, stop - start)
            yield self.block(index, steered).slice(within, count)
            start += count

    def keys(self, start: int, count: int) -> Blobs:
        """The message keys of records start to start + count - 1: they hash to the shard's partition, but for null."""
        if self.population is None:
            return self._keys(start, count).values()
        blocks = range(start // BLOCK_ROWS, -(-(start + count) // BLOCK_ROWS))
        chosen = np.concatenate([np.empty(0, np.int64), *(self._chosen(index) for index in blocks)])
        before = start // BLOCK_ROWS * BLOCK_ROWS
        return self.members.messages(chosen[start - before : start - before + count])

    def _keys(self, start: int, count: int) -> Keys:
        return surrogate_keys(key_base(self.artifact.profile), self.shard, self.shards, start, count)


def numbered(batch: pa.RecordBatch, columns: Mapping[str, Numbered], numbers: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """The batch with values that never repeat where columns have them, and not where they have none.

    Args:
        batch: n rows.
        columns: by name.
        numbers: of the rows, no two alike over all shards, shape (n,).
    """
    for name, column in columns.items():
        at = batch.schema.get_field_index(name)
        present = batch.column(at).is_valid()
        values = pc.if_else(present, column.array(numbers), pa.scalar(None, batch.schema.field(at).type))
        batch = batch.set_column(at, batch.schema.field(at), values)
    return batch


def key_array(column: Column, numbers: pa.Array[Any]) -> pa.Array[Any]:
    """Surrogate keys as their column has them."""
    if column.kind is Kind.INTEGER:
        return numbers
    strings = numbers.cast(pa.string())
    return strings if column.kind is Kind.TEXT else strings.dictionary_encode().cast(column.arrow_type)
