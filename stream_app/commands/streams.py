"""`synthstream list`, `status`, `describe`, `delete`: the streams that workers publish, as the broker knows them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from connectors.kafka import Cluster, delete_topics, group_members
from schemas.errors import InputError
from stream_app import assemble
from stream_app.options import as_json, dry_run, show
from stream_app.settings import place
from stream_app.streams import command_history, described, known_streams, stream_status
from stream_app.watching.responses import spelled

bootstrap_option = click.option("--bootstrap", help="HOST:PORT of the broker [env SYNTHSTREAM_BOOTSTRAP].")


@contextmanager
def _broker(bootstrap: str | None) -> Iterator[Cluster]:
    with assemble.reached_broker(place(bootstrap, "unused", None, os.environ)) as cluster:
        yield cluster


@click.command("list")
@bootstrap_option
@as_json
def list_command(bootstrap: str | None, as_json: bool) -> None:
    """List the streams on the broker."""
    with _broker(bootstrap) as cluster:
        streams = known_streams(cluster)
    if as_json:
        click.echo(json.dumps(streams))
    else:
        click.echo("\n".join(streams) if streams else "no streams; `synthstream worker STREAM.yaml` begins one")


@click.command("status")
@click.argument("stream")
@bootstrap_option
@as_json
def status_command(stream: str, bootstrap: str | None, as_json: bool) -> None:
    """Show how far every shard of STREAM has come, what it is doing, and what alarms had done to it."""
    with _broker(bootstrap) as cluster:
        form = stream_status(cluster, stream)
    if as_json:
        click.echo(json.dumps(form))
        return
    show({key: value for key, value in form.items() if key not in ("shards", "responses")}, as_json=False)
    for shard in form["shards"]:
        click.echo("  " + "  ".join(f"{key} {value}" for key, value in shard.items()))
    for line in spelled(form["responses"]):
        click.echo(line)


@click.command("describe")
@click.argument("stream")
@bootstrap_option
@as_json
def describe_command(stream: str, bootstrap: str | None, as_json: bool) -> None:
    """Show what STREAM is: its specification, the artifact that draws it, its topics."""
    with _broker(bootstrap) as cluster:
        form = described(cluster, stream)
    click.echo(json.dumps(form, indent=None if as_json else 2))


@click.command("history")
@click.argument("stream")
@bootstrap_option
@as_json
def history_command(stream: str, bootstrap: str | None, as_json: bool) -> None:
    """Show every command STREAM was given: when, by whom, and what each shard answered."""
    with _broker(bootstrap) as cluster:
        commands = command_history(cluster, stream)
    if as_json:
        click.echo(json.dumps(commands))
        return
    for each in commands:
        click.echo(f"{each['at']}  {each['by']}  {each['asked']}")
        for shard in each["shards"]:
            refused = f", refused: {shard['refused']}" if shard["refused"] else ""
            click.echo(f"  shard {shard['shard']} from record {shard['position']}{refused}")


@click.command("delete")
@click.argument("stream")
@click.option("--data", is_flag=True, help="Also delete the topic the stream published to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@bootstrap_option
@dry_run
@as_json
def delete_command(stream: str, data: bool, yes: bool, bootstrap: str | None, dry_run: bool, as_json: bool) -> None:
    """Delete STREAM's own topics (progress, commands, …); refused while workers of it are running."""
    with _broker(bootstrap) as cluster:
        form = described(cluster, stream)
        topics = [*form["topics"], *([form["spec"]["topic"]] if data else [])]
        if dry_run:
            show({"stream": stream, "would_delete": topics}, as_json)
            return
        workers = group_members(cluster, stream)
        if workers:
            raise InputError(
                f"stream={stream}: workers running: {workers}; end them first (Ctrl-C or SIGTERM; one that crashed is "
                "forgotten after some seconds)"
            )
        if not yes and not click.confirm(f"Delete {', '.join(topics)}?", err=True):
            raise InputError(f"stream={stream}: not deleted")
        delete_topics(cluster, topics)
    show({"stream": stream, "deleted": topics}, as_json)
