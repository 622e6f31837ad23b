"""`synthstream demo`: the whole product in one command."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import click

from generators.artifact import Artifact
from monitors.prometheus import PublisherExporter
from schemas.errors import InputError
from schemas.inference import Choices
from schemas.rows import Rows
from stream_app import assemble, monitoring, training
from stream_app.demo import INCIDENT, Demo, demo_spec, flights, summary
from stream_app.options import RateType, as_asked, as_json, show
from stream_app.publish import Clock
from stream_app.settings import EMBEDDED, PAGE_PORT, place
from stream_app.terminal import progress_bar, until_interrupted
from stream_app.watching.snapshot import Snapshots
from stream_app.watching.timeline import Timeline
from stream_app.web import Served, Web, app, serve

FOLDER = Path(".synthstream/demo")
SUMMARY = Path("demo-summary.json")
LIMIT_VARIABLE = "DEMO_SECONDS"
REFERENCE_ROWS = 1_000_000
"""Enough to see what the demo shows, and soon drawn."""


@click.command("demo")
@click.option(
    "--seconds", type=float, envvar=LIMIT_VARIABLE, show_envvar=True, help="End so long after the first record."
)
@click.option("--rate", type=RateType(), default=2_000.0, show_default=True, help="Records a second.")
@click.option(
    "--model", default="tabular.copula", show_default=True, help="Generator; `synthstream models` lists them."
)
@click.option("--port", default=PAGE_PORT, show_default=True, type=click.IntRange(0, 65_535), help="Port of the page.")
@as_json
def demo_command(seconds: float | None, rate: float, model: str, port: int, as_json: bool) -> None:
    """Train on New York's flights, publish them, watch them, let them drift, see the alarm fire and clear."""
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds={seconds:g}: must be > 0; leave it out to run until Ctrl-C")
    began = time.monotonic()
    artifact = _trained(model, as_json)
    facts = {"trained_rows": artifact.profile.rows, "train_s": round(time.monotonic() - began, 2)}
    spec = demo_spec(FOLDER / "flights", rate)
    with assemble.reached(place(EMBEDDED, EMBEDDED, None, {})) as outside, until_interrupted() as stop:
        clock, timeline = Clock(), Timeline()
        job = assemble.publishing(spec, artifact, outside, clock)
        watch = monitoring.watch(spec, artifact, outside, "earliest")
        exporter = PublisherExporter(spec.stream, watch.judges.exporter.registry)
        demo = Demo(job, watch, timeline, clock, exporter.sent)
        snapshots = Snapshots(
            monitoring.about(spec, artifact, outside), watch, timeline, spec.monitor, demo.tally.by_shard
        )

        def state() -> dict[str, Any]:
            text = f"{INCIDENT.column} shifted by {INCIDENT.by:+g}"
            incident = {"available": seconds is None, "active": demo.incident, "text": text}
            return {**snapshots.take(), "incident": incident}

        web = Web(state, exporter.render, lambda: demo.first_record_ms is not None, demo.start_incident)
        with _served(web, port) as served:
            if not as_json:
                click.echo(_welcome(served.url, outside, spec.topic, seconds))
            started = clock.now_ms() - (time.monotonic() - began) * 1_000
            demo.run(seconds, stop.is_set)
    facts["first_record_s"] = round(((demo.first_record_ms or clock.now_ms()) - started) / 1_000, 2)
    form = {**facts, "asked_rate_per_s": as_asked(rate), **summary(demo, watch)}
    SUMMARY.write_text(json.dumps(form, indent=2) + "\n", encoding="utf-8")
    show(form, as_json)


def _trained(model: str, quiet: bool) -> Artifact:
    with progress_bar(quiet) as told:
        told(0.0, "reading 336,776 flights")
        plan = training.Training(model, "flights", Choices(), reference_rows=REFERENCE_ROWS)
        return training.train(Rows.of(flights()), plan, FOLDER / "flights", told)


def _served(web: Web, port: int) -> Served:
    """Serve on the port, or on any free one when another program has it."""
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    return serve(app(web), "127.0.0.1", 0 if taken else port)


def _welcome(url: str, outside: assemble.Outside, topic: str, seconds: float | None) -> str:
    bootstrap, registry = outside.cluster.bootstrap, outside.registry_url
    drift = "press its button to let the stream drift" if seconds is None else "it drifts at second 20"
    program = Path(os.environ.get("VIRTUAL_ENV", ".venv")) / "bin" / "synthstream"
    return f"""
Look at {url} ({drift}); metrics at {url}/metrics.
Read the topic from another terminal:
  {program} consume --topic {topic} --bootstrap {bootstrap} --registry {registry} --count 5
  kcat -C -b {bootstrap} -t {topic} -X isolation.level=read_committed -c 5 -f 'partition %p offset %o key %k\\n'
"""
