"""What the broker knows of streams: which there are, what they are, how far they have come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.kafka import Cluster, Inbox, last_record, list_topics, topic_partitions
from schemas.errors import InputError
from stream_app.control import Acknowledgement, Desired, State
from stream_app.progress import Progress
from stream_app.topics import Topics
from stream_app.watching.responses import Book

SHOWN_RESPONSES = 10
"""How many of the newest responses to alarms a stream's status shows."""


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
    """How far every shard has come, what it should be doing, how it is watched, and what alarms had done to it.

    Raises:
        InputError: no such stream.
    """
    topics = _topics(cluster, stream)
    shards, known = [], []
    for shard in range(topics.shards):
        record = last_record(cluster, topics.progress, shard)
        progress = None if record is None else Progress.from_bytes(record)
        known += [] if progress is None else [progress]
        shards.append(
            {
                "shard": shard,
                "published": 0 if progress is None else progress.position,
                "rate_per_s": None if progress is None else progress.schedule.latest.to_json()["rate_per_s"],
                "command": "" if progress is None else progress.command,
            }
        )
    asked = last_record(cluster, topics.commands, 0)
    responses = Book()
    if topic_partitions(cluster, topics.responses) is not None:
        responses = Book.read(cluster, topics.responses)
    return {
        "stream": stream,
        "state": _state(known, None if asked is None else Desired.from_bytes(asked)),
        "dependence": _announced(cluster, topics)["spec"].get("monitor", {}).get("dependence", "auto"),
        "published": sum(shard["published"] for shard in shards),
        "shards": shards,
        "responses": responses.rows(SHOWN_RESPONSES),
    }


def _announced(cluster: Cluster, topics: Topics) -> dict[str, Any]:
    """The specification and the artifact that a stream's workers announced."""
    known = last_record(cluster, topics.artifacts, 0)
    facts: dict[str, Any] = {"spec": {}, "artifact": {}} if known is None else json.loads(known)
    return facts


def _state(known: Sequence[Progress], asked: Desired | None) -> str:
    """What a stream should be doing: as it was told last, if that was in its epoch, else as its shards say."""
    epoch = max((progress.epoch for progress in known), default=0)
    if asked is not None and asked.epoch == epoch:
        drained = all(progress.stopped for progress in known)
        return asked.state.value if drained or asked.state is not State.DRAINED else "draining"
    if known and all(progress.stopped for progress in known):
        return State.STOPPED.value
    paused = known and all(progress.schedule.latest.rate_per_s == 0 for progress in known)
    return (State.PAUSED if paused else State.RUNNING).value


def command_history(cluster: Cluster, stream: str) -> list[dict[str, Any]]:
    """Every command a stream was given, oldest first: when, by whom, and what each shard answered.

    A shard that is taken anew acknowledges what is in force once more; its first word is the one that tells from when.

    Raises:
        InputError: no such stream.
    """
    inbox = Inbox(cluster, _topics(cluster, stream).acknowledgements)
    commands: dict[str, dict[str, Any]] = {}
    try:
        while not inbox.at_end():
            for value in inbox.poll(1_000, 0.2).values:
                answer = Acknowledgement.from_bytes(value or b"")
                at = datetime.fromtimestamp(answer.at_ms / 1_000, UTC).isoformat(timespec="seconds")
                known = {"at": at, "by": answer.by, "asked": answer.asked, "shards": []}
                shards = commands.setdefault(answer.command, known)["shards"]
                if (answer.shard, answer.refused) not in ((each["shard"], each["refused"]) for each in shards):
                    shards.append({"shard": answer.shard, "position": answer.position, "refused": answer.refused})
    finally:
        inbox.close()
    return list(commands.values())


def described(cluster: Cluster, stream: str) -> dict[str, Any]:
    """What a stream is: specification, artifact, topics.

    Raises:
        InputError: no such stream.
    """
    topics = _topics(cluster, stream)
    there = set(list_topics(cluster))
    return {
        "stream": stream,
        **_announced(cluster, topics),
        "topics": [topic for topic in topics.own if topic in there],
    }
