"""`synthstream replay`: records that a stream published, once more, to another topic."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from connectors.kafka import Outbox, ensure_topic
from schemas.errors import InputError
from stream_app import assemble
from stream_app.options import as_json, dry_run, show, where
from stream_app.replay import Range, published, replay
from stream_app.settings import place
from stream_app.specs import stream_spec


@click.command("replay")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option("--to", "topic", required=True, help="Topic to publish to; created when missing.")
@click.option("--shard", required=True, type=click.IntRange(0), help="Which shard.")
@click.option("--start", default=0, show_default=True, type=click.IntRange(0), help="Its first record.")
@click.option("--rows", required=True, type=click.IntRange(1), help="How many records.")
@where
@dry_run
@as_json
def replay_command(source: Path, topic: str, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Publish records that STREAM.yaml's workers published to another topic, as they were: byte for byte.

    They are drawn again, by the stream's logs of what it was told, so the first topic need no longer hold them.
    """
    shard, start, rows = (flags.pop(name) for name in ("shard", "start", "rows"))
    wanted = Range(shard, start, start + rows)
    spec = stream_spec(source, flags, os.environ)
    if topic == spec.topic:
        raise InputError(f"to={topic}: is the topic the stream publishes to; name another")
    artifact = assemble.stream_artifact(spec)
    with assemble.reached(place(spec.bootstrap, spec.registry, spec, os.environ)) as outside:
        topics = assemble.running_topics(spec, outside.cluster)
        elsewhere = spec.model_copy(update={"topic": topic})
        facts = {"stream": spec.stream, "shard": shard, "from_record": start, "topic": topic}
        assemble.would_publish(elsewhere, artifact, outside)
        unregistered = assemble.recipe(elsewhere, artifact, outside, register=False)
        progress = published(outside.cluster, topics, unregistered, wanted)
        if dry_run:
            show({**facts, "would_replay": rows}, as_json)
            return
        recipe = assemble.recipe(elsewhere, artifact, outside)
        ensure_topic(outside.cluster, topic, assemble.topic_shape(spec))
        count = replay(Outbox(outside.cluster, topic, None, recipe.gate.batch_bytes), recipe, progress, wanted)
    show({**facts, "replayed": count}, as_json)
