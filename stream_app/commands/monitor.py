"""`synthstream monitor` and `count`: watch a stream from outside, with a page, metrics and alarms."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connectors.alertmanager import Alertmanager
from generators.artifact import Artifact
from schemas.errors import InputError, Problem
from schemas.secrets import resolved
from schemas.stream import StreamSpec
from stream_app import assemble, monitoring
from stream_app.options import as_json, dry_run, show, where
from stream_app.publish import Clock
from stream_app.settings import EMBEDDED, place
from stream_app.specs import stream_spec
from stream_app.terminal import until_interrupted
from stream_app.watching.keeping import Keeper
from stream_app.watching.merged import Member, Merged, count
from stream_app.watching.snapshot import Snapshots
from stream_app.watching.timeline import Timeline
from stream_app.watching.watch import Watch
from stream_app.web import Web, app, serve

HOST = "0.0.0.0"

logger = logging.getLogger(__name__)


@click.command("monitor")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of page and metrics; 0 for a free one.")
@click.option("--from-start", is_flag=True, help="Begin anew with the oldest record.")
@click.option("--anew", is_flag=True, help="Begin anew with the next record, whatever is known already.")
@click.option("--alertmanager", metavar="URL", help="Tell this Alertmanager of alarms, without a Prometheus between.")
@click.option("--merged", is_flag=True, help="Read no records, but what `synthstream count` says of them.")
@where
@dry_run
@as_json
def monitor_command(
    source: Path, port: int | None, from_start: bool, bootstrap: str | None, registry: str | None, **how: Any
) -> None:
    """Watch the topic of STREAM.yaml: sliding windows, drift with intervals, rules, alarms, Prometheus metrics.

    A monitor goes on where the last one of the same file and artifact ended, with all that it knew; the first one
    begins with the next record.
    """
    if how["merged"] and (from_start or how["anew"]):
        raise InputError("--merged: begins where counting began; give --from-start to `synthstream count`")
    with _reached(source, bootstrap, registry) as (spec, artifact, outside):
        url = spec.monitor.alertmanager if how["alertmanager"] is None else how["alertmanager"]
        paged = None if url is None else Alertmanager(resolved("alertmanager", url, os.environ))
        if how["dry_run"]:
            rules = len(monitoring.judges(spec, artifact).layout.rules)
            show({"stream": spec.stream, "would_watch": spec.topic, "rules": rules}, how["as_json"])
            return
        watch: Watch | Merged
        keeper: Keeper | None = None
        if how["merged"]:
            watch = monitoring.merged(spec, artifact, outside)
        else:
            watch = reader = _reader(spec, artifact, outside, from_start, how["anew"])
            keeper = _keeper(spec, artifact, outside, reader)
        timeline, clock, alarms = Timeline(), Clock(), 0
        watch.judges.follower.noted = lambda kind, text: timeline.note(clock.now_ms(), kind, text)
        timeline.note(clock.now_ms(), "started", f"watching {spec.topic}")
        for event in (event for alarm in watch.ongoing.all for event in alarm.events):
            timeline.alarm(event, clock.now_ms())
        snapshots = Snapshots(monitoring.about(spec, artifact, outside), watch, timeline, spec.monitor)
        web = Web(snapshots.take, watch.judges.exporter.render, lambda: len(watch.memory.verdicts) > 0)
        listen = spec.monitor.port if port is None else port
        responder = monitoring.responder(
            spec, artifact, outside, watch, lambda stage, text: timeline.note(clock.now_ms(), "response", text)
        )
        pager = None if paged is None else monitoring.pager(spec, paged, watch)
        followers = [each for each in (responder, pager) if each is not None]
        with until_interrupted() as stop, serve(app(web), HOST, listen) as served, ExitStack() as ends:
            for each in followers:
                ends.callback(each.close)
            show({"page": served.url, "metrics": f"{served.url}/metrics"}, how["as_json"])
            while not stop.is_set():
                for event in watch.step():
                    timeline.alarm(event, clock.now_ms())
                    alarms += 1
                for each in followers:
                    each.see(watch)
                if keeper is not None:
                    keeper.see()
            if keeper is not None:
                keeper.close()
        show({"stream": spec.stream, "monitored": watch.memory.records, "alarms": alarms}, how["as_json"])


def _reader(spec: StreamSpec, artifact: Artifact, outside: assemble.Outside, from_start: bool, anew: bool) -> Watch:
    """The reader: it goes on from what the last one knew, unless asked otherwise or that can not be used."""
    if not (from_start or anew):
        try:
            known = monitoring.kept(spec, artifact, outside)
            if known is not None:
                ended = datetime.fromtimestamp(known.at_ms / 1_000, UTC).isoformat(timespec="seconds")
                logger.info("goes on where the last monitor ended", extra={"at": ended})
                return monitoring.watch(spec, artifact, outside, known)
        except Problem as problem:
            logger.warning("begun anew: what is kept can not be used", extra={"why": str(problem)})
    return monitoring.watch(spec, artifact, outside, "earliest" if from_start else "latest")


def _keeper(spec: StreamSpec, artifact: Artifact, outside: assemble.Outside, reader: Watch) -> Keeper | None:
    """What keeps what the monitor knows; None where the broker does not let it."""
    try:
        return monitoring.keeper(spec, artifact, outside, reader)
    except Problem as problem:
        logger.warning("what the monitor knows is not kept", extra={"why": str(problem)})
        return None


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

        def join() -> Member:
            return monitoring.member(spec, artifact, outside, "earliest" if from_start else "latest")

        first = join()
        with until_interrupted() as stop:
            show({"stream": spec.stream, "counts": spec.topic}, as_json)
            counted = count(first, join, stop)
        show({"stream": spec.stream, "counted": counted}, as_json)


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
