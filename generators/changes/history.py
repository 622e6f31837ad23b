"""The rows of entities over their lives: any version of any of them, recomputed from its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source, key_array, numbered
from generators.changes.entities import Entities, Events, Lives
from generators.philox import addressed
from generators.population import Members, Population, key_base
from generators.randomness import Key, Purpose, stream_key
from generators.steered import Steered
from schemas.blobs import Blobs
from schemas.errors import InputError
from schemas.table import Role, TableSchema

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class History:
    """What happens to the entities of one shard, and what they look like.

    An entity looks as the generator draws it, given its key, from uniforms that its event's number addresses. Where
    updates change some columns only, the others are those of a row that the number of the life addresses, and the
    version is drawn given these.

    Args:
        source: the shard, keyed by keys that come again.
        deletes: the share of events that delete an entity, from 0 to 1/2.
        columns: what an update changes; None for every column but the key.

    Raises:
        InputError: a key may be null, or a column can not be one that changes.
    """

    source: Source
    deletes: float = 0.0
    columns: Sequence[str] | None = None

    def __post_init__(self) -> None:
        population = self.source.population
        assert population is not None
        check_changes(self.source.artifact.schema, self.columns, population)

    @cached_property
    def members(self) -> Members:
        """The shard's keys; an entity is the place of its key among them."""
        return self.source.members

    @cached_property
    def entities(self) -> Entities:
        """Which of them an event is about."""
        return Entities.of(np.diff(self.members.upto, prepend=0.0), self._key(Purpose.ENTITIES))

    @cached_property
    def lives(self) -> Lives:
        """How long they live."""
        return Lives(self.deletes, self._key(Purpose.LIVES))

    def block(self, index: int) -> Events:
        """What happens in the slots of a block, each an event of shape (BLOCK_ROWS,)."""
        return self.lives.events(*self.entities.block(index))

    def messages(self, entities: Longs) -> Blobs:
        """Keys as messages have them."""
        return self.members.messages(entities)

    def kept(self, artifact: Artifact, events: Events, steered: Steered) -> pa.RecordBatch | None:
        """What the lives of a block's events keep; None where they keep the key alone.

        Args:
            artifact: what draws.
            events: the block's.
            steered: how rows are steered, worked out for that artifact's generator.

        Raises:
            InputError: as `Source.block`.
        """
        names = self._constant(artifact.schema)
        if not names:
            return None
        rows = (events.entities, events.lives)
        held = self._held(events, steered)
        return self._rows(artifact, rows, Purpose.LIVES, held, steered).select(names)

    def images(
        self, artifact: Artifact, events: Events, steered: Steered, kept: pa.RecordBatch | None
    ) -> pa.RecordBatch:
        """What the entities of a block's events look like after each; whole blocks only.

        Args:
            artifact: what draws.
            events: the block's; `previous` for what they look like before.
            steered: how rows are steered, worked out for that artifact's generator.
            kept: what their lives keep.

        Raises:
            InputError: as `Source.block`.
        """
        held = self._held(events, steered)
        fresh: dict[str, pa.Array[Any]] = {}
        if kept is not None:
            for name in kept.schema.names:
                surrogate = artifact.generator.surrogates.columns.get(artifact.schema.names.index(name))
                if surrogate is None or surrogate.pool is not None:
                    held[name] = kept.column(name)
                else:  # never to be held, and drawn without regard to the others
                    fresh[name] = kept.column(name)
        batch = self._rows(artifact, (events.entities, events.numbers), Purpose.IMAGES, held, steered)
        for name, values in fresh.items():
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, batch.schema.field(at), values)
        return self._keyed(artifact.schema, batch, events)

    def _rows(
        self,
        artifact: Artifact,
        addresses: tuple[Longs, Longs],
        purpose: Purpose,
        held: Mapping[str, Any],
        steered: Steered,
    ) -> pa.RecordBatch:
        generator, key = artifact.generator, self._key(purpose, f"{artifact.identity} rows")
        shared: Mapping[str, Any] = {}
        if steered.width:
            own = self._key(purpose, f"{artifact.identity} shares")
            shared = steered.drawn(addressed(own, addresses, steered.width))
        return generator.sample(BLOCK_ROWS, addressed(key, addresses, generator.width), {**shared, **held})

    def _held(self, events: Events, steered: Steered) -> dict[str, Any]:
        """What is given, and the column that holds the key, if one does."""
        self.source.refuse_key(steered)
        assert self.source.population is not None
        column = self.source.population.column
        return {**steered.given, **({} if column is None else {column: self.members.taken(events.entities)})}

    def _keyed(self, schema: TableSchema, batch: pa.RecordBatch, events: Events) -> pa.RecordBatch:
        """The batch with the entity's key in the table's key column: what records are keyed by, or a number."""
        assert self.source.population is not None
        if self.source.population.column is None:
            numbers = self.members.taken(events.entities)
        else:
            base = key_base(self.source.artifact.profile)
            numbers = pa.array(base + events.entities * self.source.shards + self.source.shard)
        for at, column in enumerate(schema):
            if column.role is Role.KEY and column.is_surrogate:
                batch = batch.set_column(at, batch.schema.field(at), key_array(column, numbers))
        own = self.source.artifact.generator.numbered
        return numbered(batch, own, events.entities * self.source.shards + self.source.shard)

    def _constant(self, schema: TableSchema) -> list[str]:
        """The columns that stay as they are over a life, the key left out."""
        if self.columns is None:
            return []
        assert self.source.population is not None
        apart = {*self.columns, self.source.population.column, *self.source.artifact.generator.numbered}
        return [column.name for column in schema if column.name not in apart and column.role is not Role.KEY]

    def _key(self, purpose: Purpose, numbers: str | None = None) -> Key:
        source = self.source
        identity = source.artifact.identity if numbers is None else numbers
        return stream_key(identity, source.seed, source.epoch, source.shard, purpose)


def previous(events: Events) -> Events:
    """The event before each of the same entity; of a first one the event itself."""
    return replace(events, numbers=(events.numbers - 1).clip(min=0))


def check_changes(schema: TableSchema, columns: Sequence[str] | None, keys: Population | None) -> None:
    """Refuse keys and columns that have no changes.

    Args:
        schema: the table's columns.
        columns: what an update changes; None for every column but the key.
        keys: the entities; None where they are at fault themselves.

    Raises:
        InputError: names everything at fault.
    """
    faults = []
    key = None if keys is None else keys.column
    if keys is not None and keys.null_share > 0:
        faults.append(
            f"key.column={keys.column}: is missing in {100 * keys.null_share:.2g} % of the rows, and with changes "
            "every record needs a key; choose a column without nulls, or say key: {entities: 10000}"
        )
    for name in columns or ():
        if name not in schema.names:
            faults.append(f"changes.columns={name}: not in table {schema.name!r}; it has {', '.join(schema.names)}")
        elif name == key or schema[name].role is Role.KEY:
            faults.append(f"changes.columns={name}: is the key, which stays; leave it out")
    if faults:
        raise InputError(*faults)
