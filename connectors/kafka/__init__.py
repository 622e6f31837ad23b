"""Kafka, through librdkafka: the one place that names its client, confluent_kafka."""

from connectors.kafka.batches import Polled
from connectors.kafka.cluster import (
    Cluster,
    TopicShape,
    check,
    delete_topics,
    ensure_topic,
    group_members,
    list_topics,
    topic_partitions,
    topic_setting,
)
from connectors.kafka.heads import Heads
from connectors.kafka.inbox import READ_COMMITTED, READ_UNCOMMITTED, Inbox, last_record
from connectors.kafka.mock import MockCluster
from connectors.kafka.outbox import Fenced, Outbox
from connectors.kafka.records import Headers, Records
from connectors.kafka.relay import LARGEST_BYTES, LONGEST_NOTE, Relay
from connectors.kafka.security import Security, security

__all__ = [
    "LARGEST_BYTES",
    "LONGEST_NOTE",
    "READ_COMMITTED",
    "READ_UNCOMMITTED",
    "Cluster",
    "Fenced",
    "Headers",
    "Heads",
    "Inbox",
    "MockCluster",
    "Outbox",
    "Polled",
    "Records",
    "Relay",
    "Security",
    "TopicShape",
    "check",
    "delete_topics",
    "ensure_topic",
    "group_members",
    "last_record",
    "list_topics",
    "security",
    "topic_partitions",
    "topic_setting",
]
