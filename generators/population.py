"""Keys that come again: a column's values or a fixed number of surrogates, each on the partition its murmur2 says.

Records are spread over shards by their key, and every shard draws its own keys in the proportions they have among all
of the stream's. So the union of the shards, each with its fraction of the records, has the generator's distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.keys import DEFAULT_BASE, partitions_of
from generators.sampler import Sampler
from schemas.blobs import Blobs
from schemas.errors import InputError
from schemas.keying import KeyForm, Keying
from schemas.profile import Profile
from schemas.spelling import spell_json
from schemas.table import Column, Kind, Role

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Members:
    """The keys of one shard.

    Args:
        values: as the column has them, shape (m,).
        texts: as messages have them, and none behind the last, shape (m + 1,).
        upto: the probability of each and those before it, rising to 1, shape (m,).
        null_share: the probability that a record has none.
    """

    values: pa.Array[Any]
    texts: Blobs
    upto: Floats
    null_share: float

    def chosen(self, u: Floats) -> npt.NDArray[np.int64]:
        """Turn uniforms in [0, 1) into keys, shape (n,); -1 is null."""
        within = (u - self.null_share) / (1.0 - self.null_share)
        found = np.searchsorted(self.upto, within, side="right").clip(max=len(self.upto) - 1)
        return np.where(u < self.null_share, -1, found)

    def taken(self, chosen: npt.NDArray[np.int64]) -> pa.Array[Any]:
        """Keys as the column has them."""
        indices: pa.Int64Array = pa.array(chosen, pa.int64(), mask=chosen < 0)
        return self.values.take(indices)

    def messages(self, chosen: npt.NDArray[np.int64]) -> Blobs:
        """Keys as messages have them."""
        return self.texts.take(chosen)


@dataclass(frozen=True, eq=False)
class Population:
    """All keys of a stream.

    Args:
        column: what holds them; None for surrogates, which the table's key holds if it has one.
        values: as the column has them, the most popular first, shape (k,).
        texts: as messages have them, shape (k,).
        shares: how popular each is, summing to 1, shape (k,).
        null_share: the probability that a record has none; the same in all shards.
        shards: into how many shards the stream is split.
    """

    column: str | None
    values: pa.Array[Any]
    texts: pa.Array[Any]
    shares: Floats
    null_share: float
    shards: int

    @cached_property
    def partitions(self) -> npt.NDArray[np.int64]:
        """Where each key belongs, shape (k,)."""
        return partitions_of(self.texts, self.shards)

    @cached_property
    def fractions(self) -> Floats:
        """Which part of the records each shard has, shape (shards,)."""
        total = np.bincount(self.partitions, self.shares, self.shards)
        fractions: Floats = total / total.sum()
        return fractions

    def members(self, shard: int) -> Members:
        """The keys of a shard; it has to have some."""
        mine = np.flatnonzero(self.partitions == shard)
        upto = np.cumsum(self.shares[mine])
        upto /= upto[-1]
        texts = Blobs.of([*self.texts.cast(pa.binary()).take(mine).to_pylist(), None])
        return Members(self.values.take(mine), texts, upto, self.null_share)


def population_of(generator: Sampler, key: Keying, shards: int) -> Population | None:
    """Settle the keys of a stream.

    Args:
        generator: draws its records.
        key: what they are keyed by.
        shards: into how many shards it is split.

    Returns:
        The keys; None where records have fresh ones, or none.

    Raises:
        InputError: records can not be keyed by the column.
    """
    if not isinstance(key, KeyForm):
        return None
    if key.entities is not None:
        numbers = pa.array(key_base(generator.profile) + np.arange(key.entities, dtype=np.int64))
        shares = zipf(key.entities, 0.0 if key.skew is None else key.skew)
        return Population(None, numbers, numbers.cast(pa.string()), shares, 0.0, shards)
    assert key.column is not None
    column = _keyable(generator, key.column)
    try:
        domain = generator.domain(column.name)
    except InputError as error:
        raise InputError(*(f"key.column={fault}; choose another column" for fault in error.faults)) from None
    shares = domain.shares if key.skew is None else zipf(len(domain.shares), key.skew)
    texts = key_texts(domain.values, column)
    return Population(column.name, domain.values, texts, shares, domain.null_share, shards)


def _keyable(generator: Sampler, name: str) -> Column:
    schema = generator.schema
    if name not in schema.names:
        raise InputError(f"key.column={name}: not in table {schema.name!r}; it has {', '.join(schema.names)}")
    if schema[name].role is Role.KEY:
        raise InputError(f"key.column={name}: is the table's key, which is fresh in every record; say key: surrogate")
    return schema[name]


def key_base(profile: Profile) -> int:
    """Where the surrogate keys of a table begin: above all real ones."""
    return next((column.key_base for column in profile if column.key_base is not None), DEFAULT_BASE)


def key_texts(values: pa.Array[Any], column: Column) -> pa.Array[Any]:
    """Values as message keys: text as it is, integers in decimal digits, true and false, times in ISO 8601.

    Args:
        values: of the column's Arrow type, shape (n,), none missing.
        column: what they are.
    """
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        return values.cast(pa.string())
    return pc.utf8_trim(spell_json(values, column), '"')


def zipf(count: int, exponent: float) -> Floats:
    """Zipf's law: the probability of rank r is proportional to r^-exponent, shape (count,).

    >>> zipf(3, 1.0).round(3).tolist()
    [0.545, 0.273, 0.182]
    """
    weight = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares: Floats = weight / weight.sum()
    return shares
