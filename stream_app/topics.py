"""The topics of a stream, named and shaped in one place."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.kafka import Cluster, TopicShape, ensure_topic

SUFFIXES = ("shards", "commands", "acknowledgements", "progress", "artifacts")
"""Every stream run by workers has these topics beside the one it publishes to."""


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

    def create(self, cluster: Cluster, data: TopicShape) -> None:
        """Create what is missing and check what is there, before any worker starts.

        Raises:
            InputError: an existing topic has another shape.
        """
        once = data.replication
        ensure_topic(cluster, self.data, data)
        ensure_topic(cluster, self.ownership, TopicShape(self.shards, once))
        ensure_topic(cluster, self.commands, TopicShape(self.shards, once, compacted=True))
        ensure_topic(cluster, self.progress, TopicShape(self.shards, once, compacted=True))
        ensure_topic(cluster, self.acknowledgements, TopicShape(1, once))
        ensure_topic(cluster, self.artifacts, TopicShape(1, once, compacted=True))

    @property
    def own(self) -> tuple[str, ...]:
        """The stream's own topics, the one it publishes to left out."""
        return tuple(f"{self.stream}.{suffix}" for suffix in SUFFIXES)
