"""`synthstream monitor`: watch a stream from outside, with a page, metrics and alarms."""

from __future__ import annotations

import os
from pathlib import Path

import click

from schemas.errors import InputError
from stream_app import assemble, monitoring
from stream_app.options import as_json, dry_run, show, where
from stream_app.publish import Clock
from stream_app.settings import EMBEDDED, place
from stream_app.snapshot import Snapshots
from stream_app.specs import stream_spec
from stream_app.terminal import until_interrupted
from stream_app.timeline import Timeline
from stream_app.web import Web, app, serve

HOST = "0.0.0.0"


@click.command("monitor")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of page and metrics; 0 for a free one.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest record instead of the next one.")
@where
@dry_run
@as_json
def monitor_command(
    source: Path, port: int | None, from_start: bool, bootstrap: str | None, registry: str | None, **how: bool
) -> None:
    """Watch the topic of STREAM.yaml: sliding windows, drift with intervals, rules, alarms, Prometheus metrics."""
    spec = stream_spec(source, {"bootstrap": bootstrap, "registry": registry}, os.environ)
    artifact = assemble.stream_artifact(spec)
    where_to = place(spec.bootstrap, spec.registry, spec, os.environ)
    if where_to.bootstrap == EMBEDDED:
        raise InputError("bootstrap=embedded: nothing publishes to a broker of our own; name the one the stream is on")
    with assemble.reached(where_to) as outside:
        outside.registry.latest(
            assemble.subject(spec.topic)
        )  # one that refuses us says so now, not at the first record
        if how["dry_run"]:
            rules = len(monitoring.judges(spec, artifact).layout.rules)
            show({"stream": spec.stream, "would_watch": spec.topic, "rules": rules}, how["as_json"])
            return
        watch = monitoring.watch(spec, artifact, outside, "earliest" if from_start else "latest")
        timeline = Timeline()
        clock = Clock()
        timeline.note(clock.now_ms(), "started", f"watching {spec.topic}")
        snapshots = Snapshots(monitoring.about(spec, artifact, outside), watch, timeline, spec.monitor.min_effect)
        web = Web(snapshots.take, watch.judges.exporter.render, lambda: len(watch.memory.verdicts) > 0)
        listen = spec.monitor.port if port is None else port
        with until_interrupted() as stop, serve(app(web), HOST, listen) as served:
            show({"page": served.url, "metrics": f"{served.url}/metrics"}, how["as_json"])
            while not stop.is_set():
                for event in watch.step():
                    timeline.alarm(event, clock.now_ms())
        show({"stream": spec.stream, "monitored": watch.memory.records, "alarms": len(timeline.alarms)}, how["as_json"])
