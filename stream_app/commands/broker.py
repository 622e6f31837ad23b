"""`synthstream broker` and `registry`: a real Kafka and a schema registry on this machine, without Docker."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.embedded_registry import EmbeddedRegistry
from connectors.local_broker import down, status, up
from stream_app.options import as_json, show
from stream_app.terminal import until_interrupted

FOLDER = Path(".synthstream/kafka")
"""Where a local broker keeps its data unless told otherwise."""

folder = click.option(
    "--folder",
    default=FOLDER,
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the broker keeps its data.",
)


@click.group("broker")
def broker_command() -> None:
    """Run an Apache Kafka on this machine (needs a JDK 17 and Maven)."""


@broker_command.command("up")
@folder
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to serve on; a free one by default.")
@click.option("--heap", default="1g", show_default=True, help="The broker's heap.")
@as_json
def broker_up(folder: Path, port: int | None, heap: str, as_json: bool) -> None:
    """Start a broker, or say where the one that runs in the folder is."""
    broker = up(folder, port, heap)
    show({"bootstrap": broker.bootstrap, "pid": broker.pid, "folder": str(broker.folder)}, as_json)


@broker_command.command("down")
@folder
@as_json
def broker_down(folder: Path, as_json: bool) -> None:
    """Stop the broker of the folder; its data stays."""
    show({"folder": str(folder), "stopped": down(folder)}, as_json)


@broker_command.command("status")
@folder
@as_json
def broker_status(folder: Path, as_json: bool) -> None:
    """Say whether a broker runs in the folder, and where."""
    broker = status(folder)
    show(
        {"folder": str(folder), "running": broker is not None, "bootstrap": broker.bootstrap if broker else None},
        as_json,
    )


@click.command("registry")
@click.option("--port", default=8081, show_default=True, type=click.IntRange(0, 65_535), help="Port to serve on.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep the schemas here; without it they end with the process."
)
@as_json
def registry_command(port: int, folder: Path | None, as_json: bool) -> None:
    """Serve a Confluent-compatible schema registry until interrupted: for development, beside a local broker."""
    with until_interrupted() as stop, EmbeddedRegistry(port=port, folder=folder) as registry:
        show({"registry": registry.url}, as_json)
        stop.wait()
