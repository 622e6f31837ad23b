"""A broker inside this process: librdkafka's own cluster, reachable by other processes while this one lives."""

from __future__ import annotations

from connectors.kafka import Cluster, MockCluster

LIMITS = (
    "the embedded broker is for trying things: it keeps about 5 MB a partition and drops the oldest records first, "
    "shows aborted records to readers, fences no second owner, and ends with this process; "
    "a topic first used by another process has 4 partitions"
)
"""What the embedded broker can not do, said when it starts."""

STRAY_PARTITIONS = 4
"""How many partitions a topic has that came to be because some client named it."""


class EmbeddedBroker:
    """An in-process Kafka cluster; also a context manager that ends it.

    Raises:
        ServiceError: this build of the Kafka client can not run one.

    >>> with EmbeddedBroker() as broker:
    ...     broker.bootstrap.startswith("127.0.0.1:")
    True
    """

    def __init__(self) -> None:
        self._mock = MockCluster()
        self.bootstrap = self._mock.bootstrap

    def cluster(self) -> Cluster:
        """The cluster as clients of this process reach it; topics may have any number of partitions."""
        return Cluster(self.bootstrap, create_topic=self._mock.create_topic)

    def close(self) -> None:
        """End the cluster; its records are gone."""
        self._mock.close()

    def __enter__(self) -> EmbeddedBroker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
