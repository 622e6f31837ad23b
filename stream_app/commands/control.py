"""`synthstream start`, `stop`, `pause`, `resume`, `rate`: commands to a stream that workers publish."""

from __future__ import annotations

import os
from pathlib import Path

import click

from stream_app import assemble
from stream_app.control import ORDERS, Order, at_rate, command
from stream_app.options import Rate, as_json, dry_run, show
from stream_app.schedule import UNPACED
from stream_app.settings import place
from stream_app.specs import stream_spec

ANSWER_S = 30.0
"""How long a command waits for the shards' acknowledgements."""


def _ordered(source: Path, order: Order, verb: str, bootstrap: str | None, dry_run: bool, as_json: bool) -> None:
    spec = stream_spec(source, {"bootstrap": bootstrap}, os.environ)
    where_to = place(spec.bootstrap, "unused", spec.kafka, os.environ)
    with assemble.reached_broker(where_to) as cluster:
        topics = assemble.running_topics(spec, cluster)
        if dry_run:
            show({"stream": spec.stream, "command": verb, "would_tell": list(range(spec.shards))}, as_json)
            return
        answers = command(cluster, topics, assemble.initial_state(spec), order, ANSWER_S)
    positions = [answers[shard].position for shard in sorted(answers)]
    show({"stream": spec.stream, "command": verb, "acknowledged": len(answers), "from_position": positions}, as_json)


def _simple(verb: str, text: str) -> click.Command:
    @click.command(verb, help=text)
    @click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
    @click.option("--bootstrap", help="HOST:PORT of the broker [env SYNTHSTREAM_BOOTSTRAP].")
    @dry_run
    @as_json
    def tell(source: Path, bootstrap: str | None, dry_run: bool, as_json: bool) -> None:
        _ordered(source, ORDERS[verb], verb, bootstrap, dry_run, as_json)

    return tell


start_command = _simple("start", "Start a stopped stream again from where it stopped.")
stop_command = _simple("stop", "Stop a stream: every shard commits and stays where it is.")
pause_command = _simple("pause", "Pause a stream; its schedule shifts by the pause.")
resume_command = _simple("resume", "Resume a paused stream.")


@click.command("rate")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.argument("rate", type=Rate())
@click.option("--bootstrap", help="HOST:PORT of the broker [env SYNTHSTREAM_BOOTSTRAP].")
@dry_run
@as_json
def rate_command(source: Path, rate: float, bootstrap: str | None, dry_run: bool, as_json: bool) -> None:
    """Change a running stream's rate to RATE records a second (or max)."""
    order = at_rate(None if rate == UNPACED else rate)
    _ordered(source, order, f"rate {rate:g}", bootstrap, dry_run, as_json)
