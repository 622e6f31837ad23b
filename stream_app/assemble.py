"""Who builds what: the only place that puts broker, registry, artifact, codec and monitors together."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from connectors.embedded import LIMITS, EmbeddedBroker
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Outbox, TopicShape, check, ensure_topic, topic_partitions, topic_setting
from connectors.registry import Registry
from generators.artifact import Artifact, load_artifact
from generators.population import population_of
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.envelope import Envelope
from schemas.errors import InputError, ServiceError
from schemas.joint_rules import Unique
from schemas.stream import StreamSpec
from stream_app.changes import Changes
from stream_app.contents import Model
from stream_app.control import Desired, State
from stream_app.disorder import Disorder
from stream_app.forecast import Plan
from stream_app.kept_rules import with_rows
from stream_app.pace.recordings import pinned
from stream_app.publish import Clock, ShardPublisher
from stream_app.quarantine import PRODUCER_LIMIT_BYTES, Gate
from stream_app.recipe import Recipe, fractions_of, stream_share
from stream_app.schedule import UNPACED, Behind, Rate, begun, starting
from stream_app.settings import EMBEDDED, Place
from stream_app.specs import check_fits
from stream_app.topics import Topics

logger = logging.getLogger(__name__)

REACH_S = 6.0
"""How long a command looks for the broker: with its own start it says within ten seconds that there is none."""


@dataclass(frozen=True)
class Outside:
    """The broker and the registry, reached.

    Args:
        cluster: the broker.
        registry: the schema registry.
        registry_url: where it is, for people; without user and password.
    """

    cluster: Cluster
    registry: Registry
    registry_url: str


@contextmanager
def reached(place: Place) -> Iterator[Outside]:
    """Reach broker and registry, starting the embedded ones where asked; they end with the block.

    Raises:
        ServiceError: one of them does not answer.
    """
    with ExitStack() as stack:
        cluster, url, settings = Cluster(place.bootstrap, place.kafka), place.registry, place.registry_settings
        if place.bootstrap == EMBEDDED:
            logger.warning(LIMITS)
            cluster = stack.enter_context(EmbeddedBroker()).cluster()
        if url == EMBEDDED:
            url, settings = stack.enter_context(EmbeddedRegistry()).url, {}
        registry = stack.enter_context(Registry(url, settings))
        check(cluster, REACH_S)
        yield Outside(cluster, registry, registry.url)


@contextmanager
def reached_broker(place: Place) -> Iterator[Cluster]:
    """Reach a broker alone, for commands that need no registry.

    Raises:
        InputError: the embedded broker was asked for, which only the process that started it can reach.
        ServiceError: the broker does not answer.
    """
    if place.bootstrap == EMBEDDED:
        raise InputError(
            "bootstrap=embedded: streams of workers live on a real broker; start one with `synthstream broker up`"
        )
    cluster = Cluster(place.bootstrap, place.kafka)
    check(cluster, REACH_S)
    yield cluster


def subject(topic: str) -> str:
    """The registry subject of a topic's values (strategy TOPIC)."""
    return f"{topic}-value"


def topic_shape(spec: StreamSpec) -> TopicShape:
    """The shape of the topic a stream publishes to."""
    wanted = spec.topic_settings
    return TopicShape(
        spec.shards, wanted.replication, wanted.retention_ms, wanted.min_insync_replicas, wanted.compacted
    )


def stream_artifact(spec: StreamSpec) -> Artifact:
    """Load the artifact a stream draws from.

    Raises:
        InputError: none named, it can not be used, or the stream's file does not fit its columns.
    """
    if spec.artifact is None:
        raise InputError("artifact: none named; train one with `synthstream train TABLE --out DIR` and name its folder")
    artifact = load_artifact(Path(spec.artifact))
    check_fits(spec, artifact)
    return artifact


def recipe(spec: StreamSpec, artifact: Artifact, outside: Outside, register: bool = True) -> Recipe:
    """Register the schema and settle what all shards of a stream share.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: broker and registry.
        register: False for a recipe to check things by, which publishes nothing: its records name no schema.

    Raises:
        ServiceError: the registry refused the schema, or gives no GUID where records name theirs by it.
    """
    changes = changes_of(spec, artifact)
    avro = record_schema(changes, artifact)
    prefixed = spec.framing == "prefix"
    schema_id: int | UUID = 0 if prefixed else UUID(int=0)
    if register:
        schema_id = (outside.registry.register if prefixed else outside.registry.register_guid)(
            subject(spec.topic), avro
        )
    return Recipe(
        artifact,
        Codec(avro),
        schema_id,
        spec.seed,
        spec.shards,
        spec.epoch,
        key=spec.key,
        changes=changes,
        event_time=spec.event_time,
        speed=spec.time_compression,
        until_ms=until_ms(spec),
        behind=Behind(spec.behind, spec.behind_s),
        disorder=None if spec.disorder is None else Disorder(spec.disorder, spec.labels_topic, spec.count),
        gate=gate(spec, artifact, outside.cluster),
        steering=spec.steer,
        drifts=spec.drifts,
        another=lambda model: recipe(spec, swapped_in(spec, model), outside),
    )


def changes_of(spec: StreamSpec, artifact: Artifact) -> Changes | None:
    """How a stream's records are changes; None where they are not."""
    if spec.changes is None:
        return None
    enveloped = spec.changes.form == "debezium"
    return Changes(spec.changes, Envelope(artifact.schema, spec.stream, spec.topic) if enveloped else None)


def record_schema(changes: Changes | None, artifact: Artifact) -> dict[str, Any]:
    """The Avro schema of a stream's records: its rows', or the envelope's."""
    return avro_schema(artifact.schema) if changes is None or changes.envelope is None else changes.envelope.avro


def gate(spec: StreamSpec, artifact: Artifact, cluster: Cluster) -> Gate:
    """What may pass to a stream's topics: its hard rules, and what topics and producer take."""
    largest = int(cluster.settings.get("message.max.bytes", PRODUCER_LIMIT_BYTES))

    def limit(topic: str | None) -> int:
        broker = None if topic is None else topic_setting(cluster, topic, "max.message.bytes")
        return largest if broker is None else min(largest, int(broker))

    aside = spec.quarantine_topic
    hard = () if aside is None else with_rows(spec.hard_rules, artifact)
    own = [rule for rule in spec.parsed_rules if aside is not None and not isinstance(rule, Unique)]
    largest_batch = min(limit(topic) for topic in (spec.topic, spec.labels_topic, aside))
    holdable = with_rows(own, artifact)
    return Gate(hard, limit(spec.topic), aside is not None, aside, limit(aside), largest_batch, holdable)


def ensure_side_topics(spec: StreamSpec, cluster: Cluster, grow: bool = False) -> None:
    """Create the topics for labels and quarantine where they are wanted and missing, or check those that are there.

    Raises:
        InputError: one exists with another number of partitions.
    """
    for topic in (spec.labels_topic, spec.quarantine_topic):
        if topic is not None:
            ensure_topic(cluster, topic, replace(topic_shape(spec), compacted=False), grow)


def swapped_in(spec: StreamSpec, model: Model) -> Artifact:
    """Load an artifact that takes over while a stream runs.

    Raises:
        InputError: it is not there, is not the one that was asked for, or does not fit the stream's rules.
    """
    artifact = stream_artifact(spec.model_copy(update={"artifact": Path(model.folder)}))
    if artifact.identity != model.identity:
        raise InputError(
            f"artifact={model.folder}: is {artifact.identity[:12]} on this machine, the stream wants "
            f"{model.identity[:12]}; copy that one here"
        )
    return artifact


def successor(spec: StreamSpec, folder: Path, outside: Outside, register: bool) -> Model:
    """An artifact that is to take over a running stream, its schema registered before any record needs it.

    Args:
        spec: the stream.
        folder: where the artifact lies.
        outside: the registry.
        register: False to find out only whether the registry would take the schema.

    Raises:
        InputError: it can not be used, or does not fit the stream's rules.
        ServiceError: the registry refuses its schema.
    """
    artifact = stream_artifact(spec.model_copy(update={"artifact": folder}))
    if register:
        recipe(spec, artifact, outside)
    else:
        check_schema(spec, artifact, outside)
    return Model(artifact.identity, str(folder))


def rate(spec: StreamSpec) -> Rate:
    """The stream's rate in records a second, `UNPACED` for "max", or a profile, its recordings read.

    Raises:
        InputError: a recording can not be read, or a profile's entries never fire.
    """
    asked: Rate = UNPACED if spec.rate_per_s == "max" else pinned(spec.rate_per_s)
    starting(asked, 0, 1, Clock().now_ms())  # so that what can not be worked out is said before anything is done
    return asked


def until_ms(spec: StreamSpec) -> float:
    """When a stream ends, milliseconds since the epoch."""
    return math.inf if spec.until is None else spec.until.timestamp() * 1_000


def plan(spec: StreamSpec) -> Plan:
    """What a forecast of a stream needs; the artifact is read when one is named, since chance depends on it.

    Raises:
        InputError: as `rate` and `stream_artifact`.
    """
    artifact = None if spec.artifact is None and isinstance(spec.key, str) else stream_artifact(spec)
    identity = "" if artifact is None else artifact.identity
    keys = None if artifact is None else population_of(artifact.generator, spec.key, spec.shards)
    fractions = fractions_of(keys, spec.shards)
    shares = tuple(stream_share(identity, spec.seed, spec.epoch, shard, fractions) for shard in range(spec.shards))
    return Plan(spec.stream, rate(spec), shares, spec.time_compression, spec.count, until_ms(spec))


@dataclass(frozen=True)
class Publishing:
    """A stream ready to be published by this process.

    Args:
        publishers: one a shard, lowest first.
        outbox: takes the records of all shards.
        recipe: what the shards share.
    """

    publishers: tuple[ShardPublisher, ...]
    outbox: Outbox
    recipe: Recipe


LEAD_MS = 250.0
"""A stream starts so long after it is ready, in milliseconds: its first blocks are drawn meanwhile."""


def publishing(spec: StreamSpec, artifact: Artifact, outside: Outside, clock: Clock) -> Publishing:
    """Build what `synthstream publish` runs: the topic, the schema, a publisher a shard over one idempotent producer.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: where it goes.
        clock: says when it starts.
    """
    asked = rate(spec)
    would_publish(spec, artifact, outside)  # so that a schema that is refused leaves no topic behind
    ensure_topic(outside.cluster, spec.topic, topic_shape(spec))
    ensure_side_topics(spec, outside.cluster)
    shared = recipe(spec, artifact, outside)
    outbox = Outbox(outside.cluster, spec.topic, None, shared.gate.batch_bytes)
    warn_of_empty_shards(shared)
    busiest = shared.fractions.index(max(shared.fractions))
    ShardPublisher(shared, busiest, outbox, starting(1, 0, 1, 0)).prepare()  # compiles what is compiled on first use
    start_ms = clock.now_ms() + LEAD_MS
    return Publishing(
        tuple(
            ShardPublisher(
                shared,
                shard,
                outbox,
                begun(asked, shared.share(shard), start_ms, spec.time_compression),
                count=shared.count(shard, spec.count),
            )
            for shard in range(spec.shards)
        ),
        outbox,
        shared,
    )


def warn_of_empty_shards(recipe: Recipe) -> None:
    """Say which shards publish nothing because no key hashes to them."""
    empty = [shard for shard, fraction in enumerate(recipe.fractions) if fraction == 0]
    if empty:
        logger.warning("no key hashes to these shards, so they publish nothing", extra={"shards": empty})


def would_publish(spec: StreamSpec, artifact: Artifact, outside: Outside) -> None:
    """All the checks of `publishing` that change nothing.

    Raises:
        InputError: the topic has another number of partitions.
        ServiceError: the registry would refuse the schema.
    """
    existing = topic_partitions(outside.cluster, spec.topic)
    if existing not in (None, spec.shards):
        raise InputError(
            f"shards={spec.shards}: topic {spec.topic} has {existing} partitions; "
            f"use --shards {existing} or another topic"
        )
    check_schema(spec, artifact, outside)


def check_schema(spec: StreamSpec, artifact: Artifact, outside: Outside) -> None:
    """Find out whether the registry would take an artifact's schema, and register nothing.

    Raises:
        ServiceError: it would not, or gives no GUID where records name their schema by it.
    """
    avro = record_schema(changes_of(spec, artifact), artifact)
    Codec(avro)
    if spec.framing == "header":
        outside.registry.check_guids()
    if not outside.registry.compatible(subject(spec.topic), avro):
        raise ServiceError(
            f"registry={outside.registry_url}: would refuse the schema for {subject(spec.topic)}: "
            f"it is not compatible with the one that is registered{outside.registry.renamed(subject(spec.topic), avro)}"
        )


def topics_of(spec: StreamSpec) -> Topics:
    """The topics of a stream that workers publish."""
    return Topics(spec.stream, spec.topic, spec.shards)


def running_topics(spec: StreamSpec, cluster: Cluster) -> Topics:
    """The same, of a stream that some worker has begun.

    Raises:
        InputError: no worker ever began it.
    """
    topics = topics_of(spec)
    if topic_partitions(cluster, topics.commands) is None:
        raise InputError(
            f"stream={spec.stream}: no worker has begun it on {cluster.bootstrap}; start `synthstream worker`"
        )
    return topics


def initial_state(spec: StreamSpec) -> Desired:
    """What a stream does when nobody commanded anything: run, at its file's rate, steered and drifting as that says."""
    asked = rate(spec)
    pace = None if asked == UNPACED else asked
    return Desired("", State.RUNNING, pace, epoch=spec.epoch, steering=spec.steer, drifts=spec.drifts)
