"""`synthstream worker`: publish a stream exactly once, together with any number of other workers."""

from __future__ import annotations

import os
from pathlib import Path

import click

from connectors.kafka import security
from schemas.errors import InputError
from stream_app import assemble
from stream_app.options import as_json, dry_run, show, where
from stream_app.settings import EMBEDDED, place
from stream_app.specs import stream_spec


@click.command("worker")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option(
    "--processes", type=click.IntRange(1), help="Generator processes; one a core (at most one a shard) by default."
)
@click.option(
    "--metrics-port", type=click.IntRange(0, 65_535), help="Serve Prometheus metrics on this port (0 picks one)."
)
@where
@dry_run
@as_json
def worker_command(
    source: Path,
    processes: int | None,
    metrics_port: int | None,
    bootstrap: str | None,
    registry: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Own shards of STREAM.yaml and publish them, each record exactly once, until told to stop.

    Start a second worker on any machine and Kafka hands it its part of the shards.
    """
    spec = stream_spec(source, {"bootstrap": bootstrap, "registry": registry}, os.environ)
    where_to = place(spec.bootstrap, spec.registry, spec, os.environ)
    if where_to.bootstrap == EMBEDDED:
        raise InputError(
            "bootstrap=embedded: workers share a broker, and the embedded one lives in one process; "
            "start one with `synthstream broker up`, or publish from one process with `synthstream publish`"
        )
    security(where_to.kafka)  # what its control path can not follow is refused before anything is reached
    from stream_app.service import Service  # noqa: PLC0415  # faust takes a second to import

    with assemble.reached(where_to) as outside:
        service = Service(spec, where_to, outside, processes, metrics_port)
        if dry_run:
            show({"stream": spec.stream, "topic": spec.topic, "would_own": f"a share of {spec.shards} shards"}, as_json)
            return
        summary = service.run()
    show(summary, as_json)
