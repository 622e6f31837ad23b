"""Who builds what: the only place that puts broker, registry, artifact, codec and monitors together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.embedded import LIMITS, EmbeddedBroker
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox, Outbox, TopicShape, check, ensure_topic, topic_partitions
from connectors.registry import Registry
from generators.artifact import Artifact, load_artifact
from monitors.alarms import Alarms
from monitors.evidence import FixedWindow, Sensitivity
from monitors.pane import Deltas, PaneLayout
from monitors.prometheus import Exporter
from monitors.reference import change_reference, fidelity_reference
from monitors.window import Windows
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.errors import InputError, ServiceError
from schemas.rule_forms import check_columns
from schemas.stream import StreamSpec
from stream_app.control import Desired, State
from stream_app.decoding import Decoders
from stream_app.publish import Clock, Recipe, ShardPublisher, check_event_time
from stream_app.schedule import UNPACED, share, starting
from stream_app.settings import EMBEDDED, Place
from stream_app.snapshot import About
from stream_app.topics import Topics
from stream_app.watch import Judges, Watch

logger = logging.getLogger(__name__)

REACH_S = 6.0
"""How long a command looks for the broker: with its own start it says within ten seconds that there is none."""


@dataclass(frozen=True)
class Outside:
    """The broker and the registry, reached.

    Args:
        cluster: the broker.
        registry: the schema registry.
        registry_url: where it is, for people.
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
        cluster, url = Cluster(place.bootstrap, place.kafka), place.registry
        if place.bootstrap == EMBEDDED:
            logger.warning(LIMITS)
            cluster = stack.enter_context(EmbeddedBroker()).cluster()
        if url == EMBEDDED:
            url = stack.enter_context(EmbeddedRegistry()).url
        check(cluster, REACH_S)
        yield Outside(cluster, stack.enter_context(Registry(url)), url)


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
    return TopicShape(spec.shards, wanted.replication, wanted.retention_ms, wanted.min_insync_replicas)


def stream_artifact(spec: StreamSpec) -> Artifact:
    """Load the artifact a stream draws from.

    Raises:
        InputError: none named, it can not be used, or the stream's rules or event time do not fit its columns.
    """
    if spec.artifact is None:
        raise InputError("artifact: none named; train one with `synthstream train TABLE --out DIR` and name its folder")
    artifact = load_artifact(Path(spec.artifact))
    check_columns(spec.parsed_rules, artifact.schema)
    if spec.event_time is not None:
        check_event_time(artifact.schema, spec.event_time)
    return artifact


def recipe(spec: StreamSpec, artifact: Artifact, outside: Outside) -> Recipe:
    """Register the schema and settle what all shards of a stream share.

    Raises:
        ServiceError: the registry refused the schema.
    """
    avro = avro_schema(artifact.schema)
    return Recipe(
        artifact,
        Codec(avro),
        outside.registry.register(subject(spec.topic), avro),
        spec.seed,
        spec.shards,
        keyed=spec.key == "surrogate",
        event_time=spec.event_time,
    )


def rate(spec: StreamSpec) -> float:
    """The stream's rate in records a second, `UNPACED` for "max"."""
    return UNPACED if spec.rate_per_s == "max" else float(spec.rate_per_s)


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
    would_publish(spec, artifact, outside)  # so that a schema that is refused leaves no topic behind
    ensure_topic(outside.cluster, spec.topic, topic_shape(spec))
    shared = recipe(spec, artifact, outside)
    outbox = Outbox(outside.cluster, spec.topic, None)
    ShardPublisher(shared, 0, outbox, starting(1, 0, 1, 0)).prepare()  # compiles what is compiled on first use
    start_ms = clock.now_ms() + LEAD_MS
    return Publishing(
        tuple(
            ShardPublisher(
                shared,
                shard,
                outbox,
                starting(rate(spec), shard, spec.shards, start_ms),
                count=None if spec.count is None else share(spec.count, shard, spec.shards),
            )
            for shard in range(spec.shards)
        ),
        outbox,
        shared,
    )


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
    avro = avro_schema(artifact.schema)
    Codec(avro)
    if not outside.registry.compatible(subject(spec.topic), avro):
        raise ServiceError(
            f"registry={outside.registry_url}: would refuse the schema for {subject(spec.topic)}: "
            "it is not compatible with the one that is registered"
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
    """What a stream does when nobody commanded anything: run, at the rate of its file."""
    asked = rate(spec)
    return Desired("", State.RUNNING, None if asked == UNPACED else asked)


def judges(spec: StreamSpec, artifact: Artifact) -> Judges:
    """Build what turns a stream's records into numbers and alarms.

    Raises:
        InputError: a rule does not fit the artifact's columns.
    """
    rules = spec.parsed_rules
    check_columns(rules, artifact.schema)
    wanted = spec.monitor
    layout = PaneLayout(artifact.schema, artifact.profile, rules, event_time=spec.event_time)
    change = change_reference(layout, artifact.reference)
    sensitivity = Sensitivity(wanted.family_alpha, wanted.min_effect, wanted.min_records)
    alarms = Alarms(FixedWindow(layout, change, sensitivity), change, wanted.clear_after)
    return Judges(
        layout,
        Deltas(layout, wanted.pane_s),
        Windows(layout, wanted.pane_s, wanted.window_s, wanted.allowed_lateness_s),
        (change, fidelity_reference(layout, artifact.profile)),
        alarms,
        Exporter(spec.stream, alarms.subjects),
    )


def watch(spec: StreamSpec, artifact: Artifact, outside: Outside, start: str) -> Watch:
    """Build an independent reader of a stream's topic.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: where it is.
        start: "earliest" or "latest".
    """
    inbox = Inbox(outside.cluster, spec.topic, start=start)
    return Watch(
        inbox, Decoders(outside.registry), artifact.schema, judges(spec, artifact), spec.event_time, Clock().now_ms
    )


def about(spec: StreamSpec, artifact: Artifact, outside: Outside) -> About:
    """The facts of a stream for its page."""
    asked = rate(spec)
    return About(
        spec.stream,
        spec.topic,
        artifact.model,
        artifact.identity,
        artifact.profile.rows,
        len(artifact.schema.columns),
        spec.shards,
        None if asked == UNPACED else asked,
        outside.cluster.bootstrap,
        outside.registry_url,
    )
