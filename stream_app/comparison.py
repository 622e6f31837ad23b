"""What compares a real topic with a synthetic one: what both have in common, who reads them, where advice goes."""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import generators
from connectors.kafka import Cluster, Inbox, Outbox, TopicShape, ensure_topic, topic_partitions
from generators.artifact import Artifact
from monitors.advice import Advising
from monitors.bands import Bands, Tolerance
from monitors.pane import Deltas, PaneLayout
from monitors.two_samples import Change, subjects
from monitors.window import Windows
from schemas.errors import InputError
from schemas.inference import conform_rows, infer_rows
from schemas.profile import Profile, profile_rows
from schemas.stream import StreamSpec, from_mapping
from schemas.table import Kind, TableSchema
from stream_app.assemble import Outside, changes_of, stream_artifact, topics_of
from stream_app.changes import Changes
from stream_app.decoding import Decoders
from stream_app.monitoring import judged_columns
from stream_app.settings import CONNECTION_VARIABLE
from stream_app.streams import described, known_streams
from stream_app.topic_rows import newest_rows
from stream_app.training import schema_of_topic
from stream_app.watching.comparing import Comparing, Names, Side
from stream_app.watching.counting import Counter
from stream_app.watching.matching import Match, MatchingDecoders, match

logger = logging.getLogger(__name__)

SLIDES = 10
"""A window slides by one part in so many of its length."""

SAMPLE_ROWS = 50_000
"""So many records of a synthetic topic settle the cells where there is no artifact."""

ANNOUNCED = ("stream", "topic", "artifact", "event_time", "changes", "key", "shards", "seed", "monitor", "steer")
"""What is taken from the specification that a worker announced."""


@dataclass(frozen=True)
class Asked:
    """What to compare, and how.

    Args:
        real: the real topic.
        without: columns that are not compared.
        window_s: length of the windows, in seconds of each topic's event time.
        tolerance: from where on a difference matters.
        after: after how many windows in a row that no longer represent training anew is advised.
        start: "earliest" or "latest".
        connection: the file that says how the real topic's cluster is reached, where there is one.

    Raises:
        InputError: a length that is no whole number of panes.
    """

    real: str
    without: tuple[str, ...] = ()
    window_s: float = 300.0
    tolerance: Tolerance = field(default_factory=Tolerance)
    after: int = 3
    start: str = "latest"
    connection: Path | None = None

    def __post_init__(self) -> None:
        pane_ms = self.window_s * 1_000 / SLIDES
        if not pane_ms >= 1 or abs(pane_ms - round(pane_ms)) > 1e-6:
            raise InputError(f"window={self.window_s:g}: must be a whole number of hundredths of a second, above 0")

    @property
    def pane_s(self) -> float:
        """How far windows slide, in seconds."""
        return self.window_s / SLIDES


@dataclass(frozen=True)
class Feed:
    """The synthetic topic, and what settles the cells.

    Args:
        spec: the stream.
        schema: its columns.
        profile: gives each its cells.
        artifact: what draws it; None where nobody knows.
    """

    spec: StreamSpec
    schema: TableSchema
    profile: Profile
    artifact: Artifact | None


def feed_of(spec: StreamSpec, outside: Outside) -> Feed:
    """What is known of a synthetic stream: by its artifact, or else by the newest of its own records.

    Raises:
        InputError: the topic does not exist, the artifact can not be used, or no record can be read.
    """
    _check_there(spec.topic, "synthetic", outside.cluster)
    if spec.artifact is not None:
        artifact = stream_artifact(spec)
        return Feed(spec, judged_columns(spec, artifact.schema), artifact.profile, artifact)
    raw = newest_rows(outside, spec.topic, SAMPLE_ROWS, lambda done, doing: None).rows
    schema = infer_rows(raw, spec.stream)
    return Feed(spec, schema, profile_rows(conform_rows(raw, schema), schema), None)


def announced(topic: str, cluster: Cluster) -> StreamSpec:
    """The stream that publishes to a topic, as its workers announced it; one without an artifact where none is known.

    Args:
        topic: the synthetic topic.
        cluster: where it is.

    Raises:
        InputError: there is no such topic.
    """
    if topic_partitions(cluster, topic) is None:
        raise InputError(f"synthetic={topic}: is neither a stream's file nor a topic at {cluster.bootstrap}")
    for stream in known_streams(cluster):
        form = described(cluster, stream)["spec"]
        if form.get("topic") == topic:
            known = {key: value for key, value in form.items() if key in ANNOUNCED}
            folder = known.pop("artifact", None)
            if folder is not None and Path(folder).is_dir():
                return from_mapping({**known, "artifact": folder}, Path())
            logger.warning("the stream's artifact is not on this machine", extra={"artifact": folder})
            return from_mapping(known, Path())
    return from_mapping({"stream": topic, "topic": topic}, Path())


def matched(asked: Asked, feed: Feed, real: Outside, synthetic: Outside) -> tuple[Match, PaneLayout]:
    """What both topics have in common, and its cells.

    Args:
        asked: what to compare.
        feed: the synthetic topic.
        real: where the real topic is; synthetic: where the other is.

    Raises:
        InputError: a topic does not exist, both are the same, no schema is registered for the real one, or there is
            nothing in common whose values could be compared.
    """
    if asked.real == feed.spec.topic and real.cluster.bootstrap == synthetic.cluster.bootstrap:
        raise InputError(f"real={asked.real}: is the synthetic topic itself; name the topic it stands for")
    _check_there(asked.real, "real", real.cluster)
    found = match(feed.schema, schema_of_topic(real, asked.real), asked.real, asked.without)
    layout = PaneLayout(found.schema, feed.profile, event_time=feed.spec.event_time)
    if all(subject.change is Change.NULLS for subject in subjects(layout)):
        raise InputError(
            f"real={asked.real}: has only {', '.join(found.schema.names)} in common with {feed.spec.topic}, "
            "whose values are invented or tell the time; nothing can be compared"
        )
    return found, layout


def _check_there(topic: str, side: str, cluster: Cluster) -> None:
    if topic_partitions(cluster, topic) is None:
        raise InputError(f"{side}={topic}: the topic does not exist at {cluster.bootstrap}")


def comparing(
    asked: Asked,
    feed: Feed,
    common: tuple[Match, PaneLayout],
    where: tuple[Outside, Outside],
    now_ms: Callable[[], float],
) -> Comparing:
    """Build what compares the two topics.

    Args:
        asked: what to compare, and how.
        feed: the synthetic topic.
        common: what both have in common, as `matched` finds it.
        where: where the real topic is, and where the synthetic one is.
        now_ms: the time now, milliseconds since the epoch.
    """
    (found, layout), (real, synthetic), spec = common, where, feed.spec

    def side(name: str, inbox: Inbox, decoders: Decoders, event_time: str | None, changes: Changes | None) -> Side:
        counter = Counter(decoders, found.schema, Deltas(layout, asked.pane_s), event_time, changes, follows=False)
        windows = Windows(layout, asked.pane_s, asked.window_s, spec.monitor.allowed_lateness_s)
        return Side(name, inbox, counter, windows, asked.window_s, now_ms)

    there = Inbox(real.cluster, asked.real, start=asked.start)
    here = Inbox(synthetic.cluster, spec.topic, start=asked.start)
    theirs = spec.event_time if _tells_time(found.schema, spec.event_time) else None
    as_columns = MatchingDecoders(real.registry, found.schema)
    if feed.artifact is None:
        ours = spec.event_time if _tells_time(feed.schema, spec.event_time) else None
        drawn = side("synthetic", here, MatchingDecoders(synthetic.registry, feed.schema), ours, None)
    else:
        changes = changes_of(spec, feed.artifact)
        drawn = side("synthetic", here, Decoders(synthetic.registry), spec.event_time, changes)
    names = Names(spec.stream, asked.real, spec.topic, next_command(asked, feed, real))
    sides = (side("real", there, as_columns, theirs, None), drawn)
    return Comparing(names, sides, Bands(layout, asked.tolerance), Advising(asked.after), now_ms)


def _tells_time(schema: TableSchema, name: str | None) -> bool:
    return name in schema.names and schema[str(name)].kind is Kind.TIMESTAMP


def next_command(asked: Asked, feed: Feed, real: Outside) -> str:
    """What to run once training anew is advised: an update where the generator can go on, else a training."""
    if feed.artifact is not None and generators.load(feed.artifact.model).UPDATES:
        words = ["update", str(feed.spec.artifact)]
    elif feed.artifact is not None:
        words = ["train", "--model", feed.artifact.model]
    else:
        words = ["train"]
    folder = feed.spec.stream if feed.spec.artifact is None else str(feed.spec.artifact)
    words += ["--from-topic", asked.real, "--out", f"{folder}-next"]
    if asked.connection is not None:
        return f"{CONNECTION_VARIABLE}={shlex.quote(str(asked.connection))} {shlex.join(['synthstream', *words])}"
    return shlex.join(["synthstream", *words, "--bootstrap", real.cluster.bootstrap, "--registry", real.registry_url])


class AdviceTopic:
    """Writes advice to the stream's own topic for it, which is made where it is missing, all to one partition.

    Args:
        spec: the stream.
        cluster: where it is.
    """

    def __init__(self, spec: StreamSpec, cluster: Cluster) -> None:
        self._topic = topics_of(spec).advice
        with suppress(InputError):  # one that is there with more partitions will do
            ensure_topic(cluster, self._topic, TopicShape(1, spec.topic_settings.replication))
        self._outbox = Outbox(cluster, self._topic, None)

    def write(self, advice: Mapping[str, Any]) -> None:
        """Write one, and wait until it is there.

        Raises:
            ServiceError: it could not be delivered.
        """
        self._outbox.send_one(self._topic, str(advice["stream"]).encode(), json.dumps(advice).encode(), 0)
        self._outbox.flush()
