"""What watches a stream: the reader of its topic, the judges of its windows, the facts on its page."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.alertmanager import Alertmanager
from connectors.kafka import LARGEST_BYTES, Inbox, TopicShape, ensure_topic, topic_partitions
from generators.artifact import Artifact
from generators.randomness import Purpose
from monitors.alarms import Alarms
from monitors.budgets import Budgets
from monitors.detector import SCALES
from monitors.dispersion import factors
from monitors.evidence import Sensitivity, SequentialEvidence, Subject
from monitors.pane import Deltas, PaneLayout
from monitors.prometheus import Exporter
from monitors.reference import Reference, change_reference, fidelity_reference
from monitors.samples import Sampler
from monitors.window import Windows
from schemas.errors import InputError
from schemas.monitoring import Monitoring
from schemas.rates import Profile
from schemas.rule_forms import check_columns
from schemas.stream import StreamSpec
from schemas.table import TableSchema
from stream_app.assemble import Outside, changes_of, initial_state, rate, running_topics, swapped_in, topics_of
from stream_app.decoding import Decoders
from stream_app.kept_rules import with_rows
from stream_app.publish import Clock
from stream_app.schedule import UNPACED
from stream_app.topics import Topics
from stream_app.watching.announced import Announcements, Making
from stream_app.watching.counting import Counter
from stream_app.watching.deeds import Deeds
from stream_app.watching.following import Basis, Catcher, Follower
from stream_app.watching.fresh_rows import FreshRows
from stream_app.watching.judging import Judges, Judging
from stream_app.watching.keeping import Keeper, Kept, last_kept
from stream_app.watching.merged import Member, Merged
from stream_app.watching.own_rows import amid_counts, blocks_of, own_rows
from stream_app.watching.pager import Pager
from stream_app.watching.responder import Responder
from stream_app.watching.response_checks import metric_of
from stream_app.watching.snapshot import About
from stream_app.watching.watch import Watch


def judges(spec: StreamSpec, artifact: Artifact) -> Judges:
    """Build what turns a stream's records into numbers and alarms.

    Raises:
        InputError: a rule does not fit the artifact's columns, or has no rows and neither has the artifact.
    """
    rules = with_rows(spec.parsed_rules, artifact)
    check_columns(rules, artifact.schema)
    wanted = spec.monitor
    watched, pairs = judged_columns(spec, artifact.schema), tuple(artifact.reference.pairs)
    layout = PaneLayout(
        watched, artifact.profile, rules, event_time=spec.event_time, pairs=pairs, intended_per_s=_intended(spec)
    )
    own = own_rows(spec, artifact, layout, _longest_rows(spec))
    change, inflation = change_reference(layout, own.counts), factors(wanted.dependence, layout, own.lives)
    alarms = alarms_of(wanted, layout, change, spec.tolerated, inflation)
    sampler = Sampler(layout.bins) if wanted.classifier else None
    follower = _following(spec, artifact, layout, change, alarms, sampler)
    return Judges(
        layout,
        Deltas(layout, wanted.pane_s, sampler),
        Windows(
            layout,
            wanted.pane_s,
            wanted.window_s,
            wanted.allowed_lateness_s,
            longer_s=wanted.longer_s,
            finished=follower.finished,
        ),
        follower,
        fidelity_reference(layout, artifact.profile),
        alarms,
        Exporter(spec.stream, alarms.subjects, budgets=Budgets(spec.tolerated, wanted.fidelity_budget)),
        spec.tolerated,
        inflation,
    )


def alarms_of(
    watched: Monitoring,
    layout: PaneLayout,
    reference: Reference,
    tolerated: Mapping[str, float],
    inflation: Mapping[Subject, float],
) -> Alarms:
    """Build what judges panes.

    Args:
        watched: how the stream is watched.
        layout: its cells.
        reference: the generator's own rows.
        tolerated: by rule, the share of records that may break it.
        inflation: by subject, how many records count as one.
    """
    sensitivity = Sensitivity(watched.panes_per_false_alarm, watched.min_effect, watched.min_records)
    evidence = SequentialEvidence(layout, reference, sensitivity, tolerated, inflation, tells=watched.classifier)
    return Alarms(evidence, reference, watched.clear_after)


def _longest_rows(spec: StreamSpec) -> float:
    """How many rows evidence looks at together at the most, where the stream's file says so in a number."""
    asked = rate(spec)
    if isinstance(asked, Profile) or asked == UNPACED:
        return 0.0
    return asked * SCALES[-1] * spec.monitor.pane_s


def _intended(spec: StreamSpec) -> float | None:
    """How many rows a second of event time the stream's file asks for, where it says so in a number."""
    asked = rate(spec)
    if isinstance(asked, Profile) or asked == UNPACED or spec.changes is not None:
        return None
    return asked if spec.event_time is None else asked / spec.time_compression


def judged_columns(spec: StreamSpec, schema: TableSchema) -> TableSchema:
    """The columns whose distribution is watched: not those that rows keep, which a few hot entities would move."""
    if spec.changes is None or spec.changes.columns is None or isinstance(spec.key, str):
        return schema
    names = {*spec.changes.columns, spec.key.column}
    return replace(schema, columns=tuple(column for column in schema if column.name in names))


def _following(
    spec: StreamSpec, artifact: Artifact, layout: PaneLayout, change: Reference, alarms: Alarms, sampler: Sampler | None
) -> Follower:
    """What keeps the comparison in step with what is announced; it hears of nothing until it is told where."""

    def fresh(asked: StreamSpec, drawn: Artifact) -> FreshRows | None:
        if sampler is None:
            return None
        return FreshRows(layout, sampler, blocks_of(asked, drawn, Purpose.CLASSIFIER))

    first, rows = Making(steering=spec.steer), fresh(spec, artifact)

    def basis(making: Making) -> Basis:
        asked = spec.model_copy(update={"steer": making.steering})
        drawn = artifact if making.model is None else swapped_in(spec, making.model)
        if making.key == first.key:
            return Basis(change, fresh(asked, drawn))
        counts = amid_counts(asked, artifact, drawn, layout)
        return Basis(change_reference(layout, counts), fresh(asked, drawn))

    catcher = None if sampler is None or rows is None else Catcher(len(sampler.names), rows)
    return Follower(alarms, catcher, first, basis)


def _announced(spec: StreamSpec, outside: Outside) -> Announcements:
    """What hears of commands."""
    return Announcements(outside.cluster, topics_of(spec), spec.epoch, Making(steering=spec.steer))


def watch(spec: StreamSpec, artifact: Artifact, outside: Outside, start: str | Kept) -> Watch:
    """Build an independent reader of a stream's topic.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: where it is.
        start: "earliest" or "latest", or what a monitor knew that is gone on from.

    Raises:
        InputError: what a monitor knew is not of this stream.
    """
    known = start if isinstance(start, str) else _positions(spec, outside, start)
    inbox = Inbox(outside.cluster, spec.topic, start=known)
    judging = judges(spec, artifact)
    judging.follower.announced = _announced(spec, outside)
    reader = Watch(inbox, counter(spec, artifact, judging, Decoders(outside.registry)), judging, Clock().now_ms)
    if isinstance(start, Kept):
        reader.restore(start.state)
    return reader


def _positions(spec: StreamSpec, outside: Outside, kept: Kept) -> dict[int, int]:
    """Where to go on reading: partitions that nobody read, from their beginning."""
    partitions = topic_partitions(outside.cluster, spec.topic) or 0
    return {partition: kept.positions.get(partition, 0) for partition in range(partitions)}


def kept(spec: StreamSpec, artifact: Artifact, outside: Outside) -> Kept | None:
    """What the last monitor knew that judged as this one will; None where nothing is kept."""
    if topic_partitions(outside.cluster, spec.topic) is None:
        return None
    topics = _with_states(spec, outside)
    return last_kept(outside.cluster, topics.monitor, judge_name(spec, artifact))


def keeper(spec: StreamSpec, artifact: Artifact, outside: Outside, reader: Watch) -> Keeper:
    """Build what keeps what a monitor knows; arguments as of `kept`, and the monitor."""
    topics = _with_states(spec, outside)
    return Keeper(outside.cluster, topics.monitor, judge_name(spec, artifact), reader, Clock().now_ms)


def _with_states(spec: StreamSpec, outside: Outside) -> Topics:
    """The stream's topics, with that of what monitors know in place."""
    topics = topics_of(spec)
    replication = spec.topic_settings.replication
    ensure_topic(
        outside.cluster, topics.monitor, TopicShape(1, replication, compacted=True, largest_bytes=LARGEST_BYTES)
    )
    return topics


def member(spec: StreamSpec, artifact: Artifact, outside: Outside, start: str) -> Member:
    """Build a reader that shares a stream's partitions with others like it, and counts; arguments as of `watch`."""
    topics, judging = _with_panes(spec, outside), judges(spec, artifact)
    counting = counter(spec, artifact, judging, Decoders(outside.registry))
    return Member(outside.cluster, topics, counting, judging.layout, Clock().now_ms, start)


def merged(spec: StreamSpec, artifact: Artifact, outside: Outside) -> Merged:
    """Build what judges a stream by the counts of others.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: where it is.

    Raises:
        InputError: the stream's topic does not exist.
    """
    topics = _with_panes(spec, outside)
    partitions = topic_partitions(outside.cluster, topics.data)
    if partitions is None:
        raise InputError(f"topic={topics.data}: does not exist at {outside.cluster.bootstrap}; publish to it first")
    judging = judges(spec, artifact)
    judging.follower.announced = _announced(spec, outside)
    return Merged(Inbox(outside.cluster, topics.panes), partitions, judging, Clock().now_ms)


def responder(
    spec: StreamSpec, artifact: Artifact, outside: Outside, judging: Judging, noted: Callable[[str, str], None]
) -> Responder | None:
    """Build what has alarms act on their stream; None where its file asks for nothing.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: where it is.
        judging: whose alarms they are.
        noted: hears what became of each response: how far it has come, and in words.

    Raises:
        InputError: a response to an alarm that there can not be.
    """
    wanted = [(response, metric_of(response)) for response in spec.monitor.on_alarm]
    if not wanted:
        return None
    subjects = judging.judges.alarms.subjects
    for i, (each, metric) in enumerate(wanted):
        if not any(metric in (None, s.metric) and each.column in (None, s.column) for s in subjects):
            raise InputError(
                f"monitor.on_alarm.{i}: no alarm of this stream can be about that; see its metric and column"
            )
    topics, exporter = topics_of(spec), judging.judges.exporter
    shape = TopicShape(1, spec.topic_settings.replication)
    ensure_topic(outside.cluster, topics.responses, shape)
    deeds = Deeds(
        outside.cluster,
        lambda: running_topics(spec, outside.cluster),
        initial_state(spec),
        topics.responses,
        judge_name(spec, artifact),
    )

    def told(stage: str, text: str) -> None:
        exporter.responded(stage)
        noted(stage, text)

    return Responder(wanted, deeds, told, time.monotonic, SCALES[-1] * spec.monitor.pane_s)


def pager(spec: StreamSpec, alertmanager: Alertmanager, judging: Judging) -> Pager:
    """Build what tells an Alertmanager of a monitor's alarms.

    Args:
        spec: the stream.
        alertmanager: the Alertmanager.
        judging: whose alarms they are.
    """
    return Pager(alertmanager.post, spec.stream, judging.judges.exporter.pushed)


def judge_name(spec: StreamSpec, artifact: Artifact) -> str:
    """Tells monitors apart that would not judge alike: by the stream, what draws it and how it is watched."""
    watched = spec.monitor.model_dump(mode="json", exclude={"on_alarm", "alertmanager", "port"})
    about = {"stream", "topic", "seed", "epoch", "shards", "key", "changes", "event_time", "time_compression"}
    form = spec.model_dump(mode="json", include=about | {"rate_per_s", "steer", "rules"})
    text = json.dumps({**form, "monitor": watched, "artifact": artifact.identity}, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _with_panes(spec: StreamSpec, outside: Outside) -> Topics:
    """The stream's topics, with that of panes in place."""
    topics = topics_of(spec)
    shape = TopicShape(1, spec.topic_settings.replication, largest_bytes=LARGEST_BYTES)
    ensure_topic(outside.cluster, topics.panes, shape)
    return topics


def counter(spec: StreamSpec, artifact: Artifact, judging: Judges, decoders: Decoders) -> Counter:
    """Build what turns a stream's records into counts.

    Args:
        spec: the stream.
        artifact: what draws it.
        judging: whose cells they are counted in.
        decoders: decode them.
    """
    changes = changes_of(spec, artifact)
    follows = spec.monitor.sequences
    return Counter(decoders, artifact.schema, judging.deltas, spec.event_time, changes, follows, spec.epoch)


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
        None if asked == UNPACED or isinstance(asked, Profile) else asked,
        outside.cluster.bootstrap,
        outside.registry_url,
    )
