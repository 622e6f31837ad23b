"""What the broker knows of streams: which there are, what they are, how far they have come."""

from __future__ import annotations

import json
from typing import Any

from connectors.kafka import Cluster, last_record, list_topics, topic_partitions
from schemas.errors import InputError
from stream_app.control import Desired
from stream_app.progress import Progress
from stream_app.topics import Topics


def known_streams(cluster: Cluster) -> list[str]:
    """Names of the streams that workers publish, in order."""
    topics = set(list_topics(cluster))
    return sorted(
        t.removesuffix(".shards")
        for t in topics
        if t.endswith(".shards") and t.removesuffix("shards") + "progress" in topics
    )


def _topics(cluster: Cluster, stream: str) -> Topics:
    shards = topic_partitions(cluster, f"{stream}.shards")
    if shards is None:
        streams = ", ".join(known_streams(cluster)) or "none"
        raise InputError(f"stream={stream}: is not on {cluster.bootstrap}; the streams there: {streams}")
    return Topics(stream, "", shards)


def stream_status(cluster: Cluster, stream: str) -> dict[str, Any]:
    """How far every shard has come, and what it should be doing.

    Raises:
        InputError: no such stream.
    """
    topics = _topics(cluster, stream)
    shards = []
    for shard in range(topics.shards):
        known = last_record(cluster, topics.progress, shard)
        progress = None if known is None else Progress.from_bytes(known)
        shards.append(
            {
                "shard": shard,
                "published": 0 if progress is None else progress.position,
                "rate_per_s": None if progress is None else progress.schedule.latest.to_json()["rate_per_s"],
                "command": "" if progress is None else progress.command,
            }
        )
    asked = last_record(cluster, topics.commands, 0)
    return {
        "stream": stream,
        "state": "running" if asked is None else Desired.from_bytes(asked).state.value,
        "published": sum(shard["published"] for shard in shards),
        "shards": shards,
    }


def described(cluster: Cluster, stream: str) -> dict[str, Any]:
    """What a stream is: specification, artifact, topics.

    Raises:
        InputError: no such stream.
    """
    topics = _topics(cluster, stream)
    known = last_record(cluster, topics.artifacts, 0)
    facts: dict[str, Any] = {"spec": {}, "artifact": {}} if known is None else json.loads(known)
    return {"stream": stream, **facts, "topics": list(topics.own)}
