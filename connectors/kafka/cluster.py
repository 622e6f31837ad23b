"""Where Kafka is, and its topics. Settings pass through to librdkafka by its own names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewPartitions, NewTopic

from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting, hidden

Answer = TypeVar("Answer")

CONTACT_S = 10.0
"""How long a broker may stay silent before it counts as unreachable."""

REFUSAL_S = 1.0
"""By then a refused log-in or certificate is known; librdkafka itself would go on trying."""

MOCK = "mockCluster"
"""How the identity of an embedded cluster begins."""


@dataclass(frozen=True, repr=False)
class Cluster:
    """A Kafka cluster.

    Args:
        bootstrap: host:port of a broker, several joined by commas.
        settings: librdkafka settings by their own names, for every client.
        create_topic: creates a topic of so many partitions, where the cluster can not be asked to; the embedded one's.
    """

    bootstrap: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    create_topic: Callable[[str, int], None] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Cluster({self.bootstrap!r}, {hidden(self.settings)})"

    def configured(self, *layers: Mapping[str, Setting]) -> dict[str, Any]:
        """The settings of one client: ours, then the user's, then what the client can not do without."""
        *ours, needed = layers
        merged: dict[str, Any] = {"log_level": 0}
        for layer in (*ours, self.settings, {"bootstrap.servers": self.bootstrap}, needed):
            merged.update(layer)
        return merged


@dataclass(frozen=True)
class TopicShape:
    """The shape of a topic.

    Args:
        partitions: how many partitions.
        replication: how many replicas.
        retention_ms: how long records are kept, in milliseconds; None for the broker's default.
        min_insync_replicas: how many replicas must have a record before it counts; None for the default.
        compacted: whether only the newest record of a key is kept.
        largest_bytes: the most bytes that one batch of records may have; None for the default.

    Raises:
        InputError: a count below 1.
    """

    partitions: int
    replication: int = 1
    retention_ms: int | None = None
    min_insync_replicas: int | None = None
    compacted: bool = False
    largest_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("partitions", "replication"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: must be at least 1")

    @property
    def config(self) -> dict[str, str]:
        """The topic settings to create it with, by Kafka's names."""
        config = {}
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        if self.min_insync_replicas is not None:
            config["min.insync.replicas"] = str(self.min_insync_replicas)
        if self.largest_bytes is not None:
            config["max.message.bytes"] = str(self.largest_bytes)
        if self.compacted:
            config |= {"cleanup.policy": "compact", "segment.ms": "600000"}
        return config


def built(build: Callable[[], Answer]) -> Answer:
    """Build a client.

    Raises:
        InputError: a setting librdkafka does not know or take.
    """
    try:
        return build()
    except KafkaException as error:
        raise InputError(f"kafka settings: {words(error)}; expected a librdkafka setting under `kafka:`") from error


def words(error: KafkaException | KafkaError) -> str:
    """What an error says, for people."""
    inner = error.args[0] if isinstance(error, KafkaException) else error
    return inner.str() if isinstance(inner, KafkaError) else str(inner)


def _admin(cluster: Cluster) -> AdminClient:
    return built(lambda: AdminClient(cluster.configured({})))


def check(cluster: Cluster, timeout_s: float = CONTACT_S) -> None:
    """Make sure the broker answers.

    Raises:
        ServiceError: it does not; says where it looked and for how long.
    """
    metadata(cluster, None, timeout_s)


def metadata(cluster: Cluster, topic: str | None = None, timeout_s: float = CONTACT_S) -> Any:
    """What the brokers say of their topics.

    Raises:
        ServiceError: none answered; says where it looked and for how long.
    """
    heard: list[KafkaError] = []
    admin = built(lambda: AdminClient(cluster.configured({}) | {"error_cb": heard.append}))
    failure: Exception | None = None
    for wait_s in (min(timeout_s, REFUSAL_S), timeout_s - REFUSAL_S):
        if wait_s > 0 and not _refusals(heard):
            try:
                return admin.list_topics(topic, timeout=wait_s)
            except KafkaException as error:
                failure = error
                admin.poll(0)  # hands over what went wrong on the way
    raise _silent(cluster, heard, timeout_s) from failure


def _refusals(heard: Sequence[KafkaError]) -> list[KafkaError]:
    told = (KafkaError._AUTHENTICATION, KafkaError._SSL)
    return [error for error in heard if error.code() in told or "SSL" in error.str()]


def _silent(cluster: Cluster, heard: Sequence[KafkaError], timeout_s: float) -> ServiceError:
    refusals = _refusals(heard)
    reasons = refusals or [error for error in heard if error.code() != KafkaError._ALL_BROKERS_DOWN]
    reason = (
        " ".join(reasons[0].str().split()) if reasons else "the connection was closed without a word; it may expect TLS"
    )
    if refusals:
        return ServiceError(
            f"bootstrap={cluster.bootstrap}: broker and client do not trust each other ({reason}); "
            "check security.protocol, ssl.* and sasl.* under `kafka:`"
        )
    return ServiceError(
        f"bootstrap={cluster.bootstrap}: no broker answered there within {timeout_s:g} s ({reason}); "
        "check the address and security.protocol, or start one with `synthstream broker up`"
    )


def list_topics(cluster: Cluster) -> list[str]:
    """The topics' names, Kafka's internal ones left out."""
    return sorted(name for name in metadata(cluster).topics if not name.startswith("__"))


def topic_partitions(cluster: Cluster, name: str) -> int | None:
    """How many partitions a topic has; None when it does not exist. Asking does not create it."""
    found = metadata(cluster).topics.get(name)
    return None if found is None or found.error is not None else len(found.partitions)


def topic_setting(cluster: Cluster, name: str, setting: str) -> str | None:
    """A topic's setting by Kafka's name for it; None when there is no topic, or the cluster does not say.

    Raises:
        ServiceError: the broker does not answer.
    """
    found = metadata(cluster)
    if name not in found.topics or (found.cluster_id or "").startswith(MOCK):
        return None
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    admin = _admin(cluster)  # must outlive the outcome
    try:
        settings: Any = admin.describe_configs([resource], request_timeout=CONTACT_S)[resource].result()
    except KafkaException as error:
        raise ServiceError(f"topic={name}: the broker does not say {setting}: {words(error)}") from error
    return str(settings[setting].value)


def ensure_topic(cluster: Cluster, name: str, shape: TopicShape, grow: bool = False) -> None:
    """Create a topic, or check the one that exists.

    Args:
        cluster: where.
        name: the topic.
        shape: what it should be.
        grow: add partitions when it has too few; Kafka takes none away.

    Raises:
        InputError: it exists with another number of partitions.
        ServiceError: the broker refused to create it.
    """
    existing = topic_partitions(cluster, name)
    if existing is None:
        _create(cluster, name, shape)
        existing = topic_partitions(cluster, name)
    elif grow and existing < shape.partitions:
        _grow(cluster, name, shape.partitions)
        existing = topic_partitions(cluster, name)
    if existing != shape.partitions:
        raise InputError(
            f"shards={shape.partitions}: topic {name} has {existing} partitions; "
            f"use --shards {existing} or another topic"
        )


def _create(cluster: Cluster, name: str, shape: TopicShape) -> None:
    if cluster.create_topic is not None:
        cluster.create_topic(name, shape.partitions)
    elif metadata(cluster).cluster_id.startswith(MOCK):
        metadata(cluster, name)  # another process's embedded broker makes a topic when somebody asks for it by name
    else:
        _ask_for(cluster, name, shape)
    _appear(cluster, name, 1)


def _grow(cluster: Cluster, name: str, partitions: int) -> None:
    admin = _admin(cluster)  # must outlive the outcome
    try:
        admin.create_partitions([NewPartitions(name, partitions)], operation_timeout=CONTACT_S)[name].result()
    except KafkaException as error:
        raise ServiceError(f"topic={name}: the broker refused to add partitions: {words(error)}") from error
    _appear(cluster, name, partitions)


def _appear(cluster: Cluster, name: str, partitions: int) -> None:
    deadline = time.monotonic() + CONTACT_S
    while (topic_partitions(cluster, name) or 0) < partitions:
        if time.monotonic() > deadline:
            raise ServiceError(f"topic={name}: its partitions did not appear within {CONTACT_S:g} s")


def _ask_for(cluster: Cluster, name: str, shape: TopicShape) -> None:
    topic = NewTopic(name, shape.partitions, shape.replication, config=shape.config)
    admin = _admin(cluster)  # must outlive the outcome
    try:
        admin.create_topics([topic], operation_timeout=CONTACT_S)[name].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise ServiceError(f"topic={name}: the broker refused to create it: {words(error)}") from error


def delete_topics(cluster: Cluster, names: Iterable[str]) -> None:
    """Delete topics; those that do not exist are passed over.

    Raises:
        ServiceError: the broker refused.
    """
    present = set(list_topics(cluster))
    wanted = [name for name in names if name in present]
    if not wanted:
        return
    admin = _admin(cluster)  # must outlive the outcomes
    for name, outcome in admin.delete_topics(wanted, operation_timeout=CONTACT_S).items():
        try:
            outcome.result()
        except KafkaException as error:
            raise ServiceError(f"topic={name}: the broker refused to delete it: {words(error)}") from error


def group_members(cluster: Cluster, group: str) -> int:
    """How many members a consumer group has now.

    Raises:
        ServiceError: the broker does not say.
    """
    admin = _admin(cluster)  # must outlive the outcome
    try:
        found = admin.describe_consumer_groups([group], request_timeout=CONTACT_S)[group].result()
    except KafkaException as error:
        raise ServiceError(f"group={group}: the broker does not say who is in it: {words(error)}") from error
    return len(found.members)
