"""What all shards of a stream share: the artifact, how records are made of it, and the terms an epoch is begun on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from uuid import UUID

from generators.artifact import Artifact
from generators.blocks import Source
from generators.population import Population, population_of
from generators.randomness import Purpose, stream_key
from schemas import changes as change_forms
from schemas.codec import Codec
from schemas.drift_kinds import NOT_WITH_CHANGES, AnyDrift, check_drifts
from schemas.drift_kinds import spelled as spelled_drifts
from schemas.errors import InputError
from schemas.framing import HEADER, Framing, header
from schemas.keying import KeyForm, Keying, spelled
from schemas.rules import Rule
from schemas.steering import Steering
from schemas.table import Kind, TableSchema
from stream_app.changes import Changes
from stream_app.contents import Content, Contents, Model
from stream_app.disorder import Disorder, Plan
from stream_app.drifts import running
from stream_app.pace.course import Share
from stream_app.quarantine import Gate
from stream_app.schedule import Behind, share


def _no_other(model: Model) -> Recipe:
    raise InputError(f"artifact={model.folder}: this stream can not change its artifact while it runs")


@dataclass(frozen=True)
class Recipe:
    """What all shards of a stream share.

    Args:
        artifact: the trained generator.
        codec: encodes its batches.
        schema_id: the schema's id in the registry, which begins every value; or its GUID, for a header instead.
        seed: the stream's seed.
        shards: into how many shards, that is partitions, the stream is split.
        epoch: the stream's epoch.
        key: what records are keyed by; keys hash to their partition.
        changes: how records are changes to entities, if they are.
        event_time: the timestamp column filled from the stream's clock, if any.
        speed: seconds of the stream's clock in one second.
        until_ms: only what is due before is published, milliseconds since the epoch.
        behind: what to do when records are handed over late.
        disorder: what befalls records on their way, if anything.
        gate: what may pass to the topic.
        steering: what the stream offers from its beginning on, other than its generator does by itself.
        drifts: what is injected into its records from the beginning on.
        another: the recipe with another artifact, loaded from where it lies.

    Raises:
        InputError: the event time is no timestamp column.
    """

    artifact: Artifact
    codec: Codec
    schema_id: int | UUID
    seed: int
    shards: int
    epoch: int = 0
    key: Keying = "surrogate"
    changes: Changes | None = None
    event_time: str | None = None
    speed: float = 1.0
    until_ms: float = math.inf
    behind: Behind = field(default_factory=Behind)
    disorder: Disorder | None = None
    gate: Gate = field(default_factory=Gate)
    steering: Steering = field(default_factory=Steering)
    drifts: tuple[AnyDrift, ...] = ()
    another: Callable[[Model], Recipe] = field(default=_no_other, compare=False)

    def __post_init__(self) -> None:
        if self.event_time is not None:
            check_event_time(self.artifact.schema, self.event_time)

    @property
    def framing(self) -> Framing:
        """Where records name their schema."""
        return "header" if isinstance(self.schema_id, UUID) else "prefix"

    @property
    def prefix(self) -> int | None:
        """The id that begins every value; None for bare values."""
        return None if isinstance(self.schema_id, UUID) else self.schema_id

    @cached_property
    def schema_header(self) -> Mapping[str, bytes]:
        """The header of every record that names its schema; none where the values do."""
        return {HEADER: header(self.schema_id)} if isinstance(self.schema_id, UUID) else {}

    @cached_property
    def population(self) -> Population | None:
        """The keys, where they come again.

        Raises:
            InputError: records can not be keyed so.
        """
        return population_of(self.artifact.generator, self.key, self.shards)

    @property
    def fractions(self) -> tuple[float, ...]:
        """Which part of the stream's records each shard has."""
        return fractions_of(self.population, self.shards)

    @cached_property
    def terms(self) -> Mapping[str, str]:
        """What settles every record of an epoch, in words: whoever goes on with it goes on with these."""
        return {
            "artifact": self.artifact.identity,
            "seed": str(self.seed),
            "shards": str(self.shards),
            "key": spelled(self.key),
            "changes": change_forms.spelled(None if self.changes is None else self.changes.form),
            "framing": self.framing,
            "event_time": str(self.event_time),
            "time_compression": f"{self.speed:g}",
            "disorder": "none" if self.disorder is None else self.disorder.spelled,
            "quarantine": "yes" if self.gate.keeps else "none",
            "hard_rules": _spelled_rules(self.gate.rules),
            "steer": self.steering.text,
            "drifts": spelled_drifts(self.drifts),
        }

    @property
    def beginning(self) -> Contents:
        """The content log of a shard that begins."""
        return Contents((Content(steering=self.steering, drifts=running(self.drifts, (), 0, None)),))

    def check_drifts(self, drifts: Sequence[AnyDrift]) -> None:
        """Refuse drifts that the stream's records can not have.

        Raises:
            InputError: names every drift at fault.
        """
        if drifts and self.changes is not None:
            raise InputError(f"drift {drifts[0].name}: {NOT_WITH_CHANGES}")
        settled = settled_columns(self.key, self.event_time)
        check_drifts(drifts, self.artifact.schema, self.artifact.profile, settled)

    def share(self, shard: int) -> Share:
        """A shard's share of the stream's rate, and the numbers that its random arrivals are drawn from."""
        return stream_share(self.artifact.identity, self.seed, self.epoch, shard, self.fractions)

    def count(self, shard: int, records: int | None) -> int | None:
        """How many of a stream's records a shard publishes; None for ever, which a shard without keys never does."""
        if self.fractions[shard] == 0:
            return 0
        return None if records is None else share(records, shard, self.fractions)

    def source(self, shard: int) -> Source:
        """What draws a shard's records."""
        return Source(self.artifact, self.seed, self.epoch, shard, self.shards, population=self.population)

    def plan(self, shard: int, block: int) -> Plan | None:
        """What befalls the records of a block; None when nothing does."""
        if self.disorder is None:
            return None
        key = stream_key(self.artifact.identity, self.seed, self.epoch, shard, Purpose.DISORDER)
        return self.disorder.plan(key, block, self.count(shard, self.disorder.count))


def settled_columns(key: Keying, event_time: str | None) -> dict[str, str]:
    """Columns that something else than the generator fills, and what."""
    keyed = {} if not isinstance(key, KeyForm) or key.column is None else {key.column: "records are keyed by it"}
    return keyed | ({} if event_time is None else {event_time: "is the event time, which the stream's clock fills"})


def _spelled_rules(rules: Sequence[Rule]) -> str:
    """Rules by name, with a digest of what they say: one may list a thousand values."""
    if not rules:
        return "none"
    digest = blake2b(repr(rules).encode(), digest_size=4).hexdigest()
    return f"{', '.join(rule.name for rule in rules)} ({digest})"


def fractions_of(population: Population | None, shards: int) -> tuple[float, ...]:
    """Which part of a stream's records each shard has: as popular as its keys are, or all the same."""
    return (1 / shards,) * shards if population is None else tuple(population.fractions.tolist())


STREAM_WIDE = -1
"""Stands for a shard in the key of numbers that all shards share."""


def stream_share(artifact: str, seed: int, epoch: int, shard: int, fractions: Sequence[float]) -> Share:
    """A shard's share of a stream, with the keys of what is random in its rate.

    Args:
        artifact: identity of what draws the stream.
        seed: the stream's seed.
        epoch: its epoch.
        shard: the shard.
        fractions: which part of the records each shard has.
    """
    stream, own = (stream_key(artifact, seed, epoch, number, Purpose.ARRIVALS) for number in (STREAM_WIDE, shard))
    return Share(fractions[shard], sum(fractions[:shard]), stream, own)


def check_event_time(schema: TableSchema, name: str) -> None:
    """Refuse an event time that can not carry the stream's clock.

    Raises:
        InputError: names the column and what would do.
    """
    if name not in schema.names:
        raise InputError(f"event_time={name}: table {schema.name!r} has no such column; choose a timestamp column")
    column = schema[name]
    if column.kind is not Kind.TIMESTAMP:
        raise InputError(f"event_time={name}: is a {column.kind}; choose a timestamp column")
