"""What watches a stream: the reader of its topic, the judges of its windows, the facts on its page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from connectors.kafka import LARGEST_BYTES, Inbox, TopicShape, ensure_topic, topic_partitions
from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.fitting import reference_counts
from generators.population import population_of
from generators.randomness import Purpose
from generators.steered import UNSTEERED, steered
from monitors.alarms import Alarms
from monitors.budgets import Budgets
from monitors.classifier import Classifier
from monitors.evidence import Sensitivity, SequentialEvidence
from monitors.pane import Deltas, PaneLayout
from monitors.prometheus import Exporter
from monitors.reference import change_reference, fidelity_reference
from monitors.samples import Sampler
from monitors.window import Windows
from schemas.errors import InputError
from schemas.rates import Profile
from schemas.row_counts import RowCounts, RowLayout
from schemas.rule_forms import check_columns
from schemas.stream import StreamSpec
from schemas.table import TableSchema
from stream_app.assemble import Outside, changes_of, rate, topics_of
from stream_app.changes import Changes, happened
from stream_app.contents import Content, Contents
from stream_app.counting import Counter
from stream_app.decoding import Decoders
from stream_app.fresh_rows import Block, FreshRows
from stream_app.judging import Judges
from stream_app.kept_rules import with_rows
from stream_app.merged import Member, Merged
from stream_app.publish import Clock
from stream_app.schedule import UNPACED
from stream_app.snapshot import About
from stream_app.topics import Topics
from stream_app.watch import Watch

CHANGES_COUNTED = 64 * BLOCK_ROWS
"""How many of a stream's own changes make up the reference, where rows keep columns."""


def judges(spec: StreamSpec, artifact: Artifact) -> Judges:
    """Build what turns a stream's records into numbers and alarms.

    Raises:
        InputError: a rule does not fit the artifact's columns, or has no rows and neither has the artifact.
    """
    rules = with_rows(spec.parsed_rules, artifact)
    check_columns(rules, artifact.schema)
    wanted = spec.monitor
    watched, pairs = _judged(spec, artifact.schema), tuple(artifact.reference.pairs)
    layout = PaneLayout(
        watched, artifact.profile, rules, event_time=spec.event_time, pairs=pairs, intended_per_s=_intended(spec)
    )
    change = change_reference(layout, _own_counts(spec, artifact))
    sensitivity = Sensitivity(wanted.panes_per_false_alarm, wanted.min_effect, wanted.min_records)
    evidence = SequentialEvidence(layout, change, sensitivity, spec.tolerated, tells=wanted.classifier)
    alarms = Alarms(evidence, change, wanted.clear_after)
    sampler = Sampler(layout.bins) if wanted.classifier else None
    classifier = None
    if sampler is not None:
        rows = FreshRows(layout, sampler, _blocks(spec, artifact, Purpose.CLASSIFIER))
        classifier = Classifier(len(sampler.names), rows.draw)
    return Judges(
        layout,
        Deltas(layout, wanted.pane_s, sampler),
        Windows(
            layout,
            wanted.pane_s,
            wanted.window_s,
            wanted.allowed_lateness_s,
            longer_s=wanted.longer_s,
            finished=(lambda pane: None) if classifier is None else classifier.tell,
        ),
        (change, fidelity_reference(layout, artifact.profile)),
        alarms,
        Exporter(spec.stream, alarms.subjects, budgets=Budgets(spec.tolerated, wanted.fidelity_budget)),
        spec.tolerated,
    )


def _intended(spec: StreamSpec) -> float | None:
    """How many rows a second of event time the stream's file asks for, where it says so in a number."""
    asked = rate(spec)
    if isinstance(asked, Profile) or asked == UNPACED or spec.changes is not None:
        return None
    return asked if spec.event_time is None else asked / spec.time_compression


def _judged(spec: StreamSpec, schema: TableSchema) -> TableSchema:
    """The columns whose distribution is watched: not those that rows keep, which a few hot entities would move."""
    if spec.changes is None or spec.changes.columns is None or isinstance(spec.key, str):
        return schema
    names = {*spec.changes.columns, spec.key.column}
    return replace(schema, columns=tuple(column for column in schema if column.name in names))


def _own_counts(spec: StreamSpec, artifact: Artifact) -> RowCounts:
    """The cells of the generator's own rows: as trained, or drawn anew where the stream has others.

    It has where it makes a column's values hot, where the rows of an entity keep columns over a life, and where its
    file steers it: what is announced is no drift.
    """
    changes = changes_of(spec, artifact)
    if changes is not None and changes.form.columns is not None:
        return _counts_of_changes(spec, artifact, changes)
    skewed = not isinstance(spec.key, str) and spec.key.column is not None and spec.key.skew is not None
    how = steered(artifact.generator, spec.steer)
    if not skewed and how is UNSTEERED:
        return artifact.reference
    keys = population_of(artifact.generator, spec.key, 1) if skewed else None
    pairs = tuple(artifact.reference.pairs)
    return reference_counts(artifact, artifact.reference.rows, lambda share, what: None, keys, how, pairs)


def _blocks(spec: StreamSpec, artifact: Artifact, purpose: Purpose) -> Block:
    """What draws blocks of a stream's rows, all of its shards together, for a use of their own."""
    skewed = not isinstance(spec.key, str) and spec.key.column is not None and spec.key.skew is not None
    keys = population_of(artifact.generator, spec.key, 1) if skewed else None
    how = steered(artifact.generator, spec.steer)
    source = Source(artifact, seed=0, epoch=0, shard=0, shards=1, purpose=purpose, population=keys)
    return lambda index: source.block(index, how)


def _counts_of_changes(spec: StreamSpec, artifact: Artifact, changes: Changes) -> RowCounts:
    """The cells of the rows after the stream's own first events, in all of its shards."""
    keys = population_of(artifact.generator, spec.key, spec.shards)
    assert keys is not None
    layout = RowLayout(artifact.schema, artifact.profile, tuple(artifact.reference.pairs))
    counts = np.zeros((1, layout.size), np.int64)
    for shard, fraction in enumerate(keys.fractions.tolist()):
        if fraction == 0:
            continue
        history = changes.history(Source(artifact, spec.seed, spec.epoch, shard, spec.shards, population=keys))
        for start in range(0, round(CHANGES_COUNTED * fraction), BLOCK_ROWS):
            bounds = (start, min(start + BLOCK_ROWS, round(CHANGES_COUNTED * fraction)))
            log = Contents((Content(steering=spec.steer),))
            found = happened(history, lambda model: artifact, log, bounds, with_before=False)
            rows = found.after.filter(pa.array(~found.deleted))
            layout.add(rows, np.zeros(0, np.int64), counts)
    return layout.read(counts[0])


def watch(spec: StreamSpec, artifact: Artifact, outside: Outside, start: str) -> Watch:
    """Build an independent reader of a stream's topic.

    Args:
        spec: the stream.
        artifact: what draws it.
        outside: where it is.
        start: "earliest" or "latest".
    """
    inbox = Inbox(outside.cluster, spec.topic, start=start)
    judging = judges(spec, artifact)
    return Watch(inbox, counter(spec, artifact, judging, Decoders(outside.registry)), judging, Clock().now_ms)


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
    return Merged(Inbox(outside.cluster, topics.panes), partitions, judges(spec, artifact), Clock().now_ms)


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
    return Counter(decoders, artifact.schema, judging.deltas, spec.event_time, changes, spec.monitor.sequences)


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
