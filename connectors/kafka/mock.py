"""librdkafka's cluster inside this process, through its C interface: Python's can not say how many partitions."""

from __future__ import annotations

import ctypes

from connectors.kafka.librdkafka import INT, POINTER, PRODUCER_TYPE, TEXT, Signature, library
from schemas.errors import ServiceError

BROKERS = 1

FUNCTIONS: dict[str, Signature] = {
    "rd_kafka_mock_cluster_new": (POINTER, [POINTER, INT]),
    "rd_kafka_mock_cluster_bootstraps": (TEXT, [POINTER]),
    "rd_kafka_mock_cluster_destroy": (None, [POINTER]),
    "rd_kafka_mock_topic_create": (INT, [POINTER, TEXT, INT, INT]),
}
"""What is called, with its result and arguments (rdkafka_mock.h)."""


class MockCluster:
    """A cluster of one broker inside this process, which other processes reach over TCP while it lives.

    Raises:
        ServiceError: this build of confluent-kafka can not run one.
    """

    def __init__(self) -> None:
        self._library = library(FUNCTIONS)
        reason = ctypes.create_string_buffer(512)
        settings = self._library.rd_kafka_conf_new()
        # It has no bootstrap.servers, about which librdkafka would otherwise warn on stderr.
        self._library.rd_kafka_conf_set(settings, b"log_level", b"0", reason, len(reason))
        self._owner = self._library.rd_kafka_new(PRODUCER_TYPE, settings, reason, len(reason))
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._owner, BROKERS) if self._owner else None
        if not self._cluster:
            raise ServiceError(f"bootstrap=embedded: could not start the broker: {reason.value.decode()}")
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic.

        Raises:
            ServiceError: it was refused, or the cluster has ended.
        """
        if not self._cluster:
            raise ServiceError(f"topic={name}: the embedded broker has ended")
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, BROKERS)
        if code:
            raise ServiceError(f"topic={name}: the embedded broker refused to create it (librdkafka error {code})")

    def close(self) -> None:
        """End the cluster; its records are gone. Further calls do nothing."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._owner)
            self._cluster = None
