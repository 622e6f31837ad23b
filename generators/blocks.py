"""The records of a shard: blocks of fixed size, each a pure function of artifact, seed, epoch, shard and number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from generators.keys import DEFAULT_BASE, Keys, surrogate_keys
from generators.randomness import Purpose, stream_key, uniforms
from schemas.errors import InputError
from schemas.table import Column, Kind, Role

if TYPE_CHECKING:
    from generators.artifact import Artifact

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

    Raises:
        InputError: there is no such shard.
    """

    artifact: Artifact
    seed: int
    epoch: int
    shard: int
    shards: int
    purpose: Purpose = Purpose.DATA

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise InputError(f"shards={self.shards}: must be at least 1")
        if not 0 <= self.shard < self.shards:
            raise InputError(f"shard={self.shard}: must be from 0 to {self.shards - 1}")

    def block(self, index: int) -> pa.RecordBatch:
        """Draw the block of records index * BLOCK_ROWS and on, surrogate keys filled in."""
        key = stream_key(self.artifact.identity, self.seed, self.epoch, self.shard, self.purpose)
        generator = self.artifact.generator
        batch = generator.sample(BLOCK_ROWS, uniforms(key, index, BLOCK_ROWS, generator.width))
        for at, column in enumerate(self.artifact.schema):
            if column.role is Role.KEY and column.is_surrogate:
                keys = self._keys(index * BLOCK_ROWS, BLOCK_ROWS)
                batch = batch.set_column(at, batch.schema.field(at), _key_array(column, keys))
        return batch

    def rows(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """Draw the records start to stop - 1, in slices of whole blocks.

        Raises:
            InputError: start is negative.
        """
        if start < 0:
            raise InputError(f"start={start}: must be at least 0")
        while start < stop:
            index, within = divmod(start, BLOCK_ROWS)
            count = min(BLOCK_ROWS - within, stop - start)
            yield self.block(index).slice(within, count)
            start += count

    def keys(self, start: int, count: int) -> list[bytes]:
        """The message keys of records start to start + count - 1: they hash to the shard's partition."""
        return self._keys(start, count).values()

    def _keys(self, start: int, count: int) -> Keys:
        bases = [profile.key_base for profile in self.artifact.profile if profile.key_base is not None]
        return surrogate_keys(bases[0] if bases else DEFAULT_BASE, self.shard, self.shards, start, count)


def _key_array(column: Column, keys: Keys) -> pa.Array[Any]:
    if column.kind is Kind.INTEGER:
        return pa.array(keys.numbers)
    strings = keys.strings()
    return strings if column.kind is Kind.TEXT else strings.dictionary_encode().cast(column.arrow_type)
