"""The topics of a stream, named and shaped in one place."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.kafka import Cluster, TopicShape, ensure_topic
from schemas.own_topics import own_topics


@dataclass(frozen=True)
class Topics:
    """The topics of one stream.

    Args:
        stream: the stream's name.
        data: the topic records are published to.
        shards: how many shards the stream has, that is partitions.
    """

    stream: str
    data: str
    shards: int

    @property
    def ownership(self) -> str:
        """Carries no records: who is assigned its partition i owns shard i."""
        return f"{self.stream}.shards"

    @property
    def commands(self) -> str:
        """What every shard should be doing; compacted, a partition a shard."""
        return f"{self.stream}.commands"

    @property
    def acknowledgements(self) -> str:
        """Which shard carried out which command."""
        return f"{self.stream}.acknowledgements"

    @property
    def progress(self) -> str:
        """How far every shard has come; compacted, a partition a shard."""
        return f"{self.stream}.progress"

    @property
    def artifacts(self) -> str:
        """What drew the records, by artifact id; compacted."""
        return f"{self.stream}.artifacts"

    @property
    def panes(self) -> str:
        """What monitors' readers counted, where several share the work; one partition."""
        return f"{self.stream}.panes"

    @property
    def advice(self) -> str:
        """When to train anew, as a comparison with a real topic says; one partition."""
        return f"{self.stream}.advice"

    @property
    def monitor(self) -> str:
        """What monitors know, by how they judge; compacted, one partition."""
        return f"{self.stream}.monitor"

    @property
    def responses(self) -> str:
        """What alarms did to the stream, or were refused; one partition."""
        return f"{self.stream}.responses"

    def create(self, cluster: Cluster, data: TopicShape, grow: bool = False) -> None:
        """Create what is missing and check what is there, before any worker starts.

        Args:
            cluster: the broker.
            data: the shape of the topic that is published to.
            grow: add partitions where there are too few, as a later epoch with more shards needs them.

        Raises:
            InputError: an existing topic has another shape.
        """
        once = data.replication
        ensure_topic(cluster, self.data, data, grow)
        ensure_topic(cluster, self.ownership, TopicShape(self.shards, once), grow)
        ensure_topic(cluster, self.commands, TopicShape(self.shards, once, compacted=True), grow)
        ensure_topic(cluster, self.progress, TopicShape(self.shards, once, compacted=True), grow)
        ensure_topic(cluster, self.acknowledgements, TopicShape(1, once))
        ensure_topic(cluster, self.artifacts, TopicShape(1, once, compacted=True))

    @property
    def own(self) -> tuple[str, ...]:
        """The stream's own topics, the one it publishes to left out."""
        return own_topics(self.stream)
