"""`synthstream monitor` and `count`: watch a stream from outside, with a page, metrics and alarms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from generators.artifact import Artifact
from schemas.errors import InputError
from schemas.stream import StreamSpec
from stream_app import assemble, monitoring
from stream_app.merged import Merged
from stream_app.options import as_json, dry_run, show, where
from stream_app.publish import Clock
from stream_app.settings import EMBEDDED, place
from stream_app.snapshot import Snapshots
from stream_app.specs import stream_spec
from stream_app.terminal import until_interrupted
from stream_app.timeline import Timeline
from stream_app.watch import Watch
from stream_app.web import Web, app, serve

HOST = "0.0.0.0"


@click.command("monitor")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of page and metrics; 0 for a free one.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest record instead of the next one.")
@click.option("--merged", is_flag=True, help="Read no records, but what `synthstream count` says of them.")
@where
@dry_run
@as_json
def monitor_command(
    source: Path, port: int | None, from_start: bool, bootstrap: str | None, registry: str | None, **how: bool
) -> None:
    """Watch the topic of STREAM.yaml: sliding windows, drift with intervals, rules, alarms, Prometheus metrics."""
    if how["merged"] and from_start:
        raise InputError("--merged: begins where counting began; give --from-start to `synthstream count`")
    with _reached(source, bootstrap, registry) as (spec, artifact, outside):
        if how["dry_run"]:
            rules = len(monitoring.judges(spec, artifact).layout.rules)
            show({"stream": spec.stream, "would_watch": spec.topic, "rules": rules}, how["as_json"])
            return
        watch: Watch | Merged
        if how["merged"]:
            watch = monitoring.merged(spec, artifact, outside)
        else:
            watch = monitoring.watch(spec, artifact, outside, "earliest" if from_start else "latest")
        timeline = Timeline()
        clock = Clock()
        watch.judges.follower.noted = lambda kind, text: timeline.note(clock.now_ms(), kind, text)
        timeline.note(clock.now_ms(), "started", f"watching {spec.topic}")
        snapshots = Snapshots(monitoring.about(spec, artifact, outside), watch, timeline, spec.monitor)
        web = Web(snapshots.take, watch.judges.exporter.render, lambda: len(watch.memory.verdicts) > 0)
        listen = spec.monitor.port if port is None else port
        with until_interrupted() as stop, serve(app(web), HOST, listen) as served:
            show({"page": served.url, "metrics": f"{served.url}/metrics"}, how["as_json"])
            while not stop.is_set():
                for event in watch.step():
                    timeline.alarm(event, clock.now_ms())
        show({"stream": spec.stream, "monitored": watch.memory.records, "alarms": len(timeline.alarms)}, how["as_json"])


@click.command("count")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option("--from-start", is_flag=True, help="Begin with the oldest record, where nobody has counted yet.")
@where
@dry_run
@as_json
def count_command(
    source: Path, from_start: bool, bootstrap: str | None, registry: str | None, dry_run: bool, as_json: bool
) -> None:
    """Count the records of STREAM.yaml for `synthstream monitor --merged`, beside others that run the same command.

    All that run share the topic's partitions; start one on every core or machine that is to help.
    """
    with _reached(source, bootstrap, registry) as (spec, artifact, outside):
        if dry_run:
            show({"stream": spec.stream, "would_count": spec.topic}, as_json)
            return
        member = monitoring.member(spec, artifact, outside, "earliest" if from_start else "latest")
        with until_interrupted() as stop:
            show({"stream": spec.stream, "counts": spec.topic}, as_json)
            while not stop.is_set():
                member.step()
        member.close()
        show({"stream": spec.stream, "counted": member.records}, as_json)


@contextmanager
def _reached(
    source: Path, bootstrap: str | None, registry: str | None
) -> Iterator[tuple[StreamSpec, Artifact, assemble.Outside]]:
    """A stream's file, its artifact, and where it is.

    Raises:
        InputError: the broker would be one of our own; or as reading both says.
    """
    spec = stream_spec(source, {"bootstrap": bootstrap, "registry": registry}, os.environ)
    artifact = assemble.stream_artifact(spec)
    where_to = place(spec.bootstrap, spec.registry, spec, os.environ)
    if where_to.bootstrap == EMBEDDED:
        raise InputError("bootstrap=embedded: nothing publishes to a broker of our own; name the one the stream is on")
    with assemble.reached(where_to) as outside:
        outside.registry.latest(
            assemble.subject(spec.topic)
        )  # one that refuses us says so now, not at the first record
        yield spec, artifact, outside
