"""`synthstream publish`: a stream from this process to a topic, at a rate, until told to stop."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from schemas.framing import Framing
from schemas.stream import StreamSpec
from stream_app import assemble
from stream_app.arranged import KINDS
from stream_app.options import KeyType, RateType, as_asked, as_json, dry_run, show, where
from stream_app.publish import Clock, run
from stream_app.publishing_metrics import published_metrics
from stream_app.settings import place
from stream_app.specs import stream_spec
from stream_app.terminal import until_interrupted


class Live:
    """Counts what was handed over, and shows it while it goes."""

    def __init__(self, spec: StreamSpec, quiet: bool) -> None:
        columns = (
            TextColumn("publishing to {task.fields[topic]}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} records, {task.fields[rate]:,.0f}/s"),
            TimeElapsedColumn(),
        )
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True)
        self._task: TaskID = self._bar.add_task("", total=spec.count, topic=spec.topic, rate=0.0)
        self.records = 0
        self.worst_late_s = 0.0
        self._began = time.monotonic()

    def sent(self, shard: int, late_s: npt.NDArray[np.float64]) -> None:
        """Count one hand-over."""
        self.records += len(late_s)
        self.worst_late_s = max(self.worst_late_s, float(late_s.max()))
        self._bar.update(self._task, completed=self.records, rate=self.records / max(self.elapsed_s, 1e-9))

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def __enter__(self) -> Live:
        self._bar.start()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


@click.command("publish")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--topic", help="Topic to publish to; created when missing.")
@click.option("--rate", type=RateType(), help="Records a second, max, or a profile.")
@click.option("--shards", type=click.IntRange(1), help="Partitions the stream is split into.")
@click.option("--count", type=click.IntRange(1), help="Stop after exactly so many records.")
@click.option("--seed", type=int, help="The stream's seed.")
@click.option("--key", type=KeyType(), help="What records are keyed by; also as in '{column: NAME}'.")
@click.option("--framing", type=click.Choice(get_args(Framing)), help="Where records name their schema.")
@click.option("--replication", type=click.IntRange(1), help="Replicas of a topic that is created.")
@click.option("--retention-ms", type=click.IntRange(1), help="How long a topic that is created keeps records.")
@click.option(
    "--min-insync-replicas", type=click.IntRange(1), help="Replicas that must have a record before it counts."
)
@click.option(
    "--metrics-port", type=click.IntRange(0, 65_535), help="Serve Prometheus metrics on this port (0 picks one)."
)
@where
@dry_run
@as_json
def publish_command(source: Path, dry_run: bool, as_json: bool, metrics_port: int | None, **flags: Any) -> None:
    """Publish the stream of SOURCE (an artifact's folder or a STREAM.yaml) from this process.

    Records are idempotent, keyed, stamped with their intended time and carry their lineage in one header.
    Workers (`synthstream worker`) publish the same records exactly once across crashes.
    """
    spec = stream_spec(source, flags, os.environ)
    artifact = assemble.stream_artifact(spec)
    where_to = place(spec.bootstrap, spec.registry, spec, os.environ)
    with assemble.reached(where_to) as outside:
        if dry_run:
            assemble.would_publish(spec, artifact, outside)
            show(
                {"stream": spec.stream, "topic": spec.topic, "would_publish": spec.count or "until told to stop"},
                as_json,
            )
            return
        live = Live(spec, quiet=as_json)
        job = assemble.publishing(spec, artifact, outside, Clock())
        with published_metrics(spec.stream, metrics_port) as exporter, until_interrupted() as stop, live:
            gc.freeze()  # what is loaded by now stays; scanning it again and again would delay records

            def sent(shard: int, late_s: npt.NDArray[np.float64]) -> None:
                live.sent(shard, late_s)
                exporter.sent(shard, late_s)

            run(lambda: job.publishers, sent, stop.is_set)
            handed_over_s = live.elapsed_s
            job.outbox.flush()
    show(_summary(spec, live, handed_over_s, job), as_json)


def _summary(spec: StreamSpec, live: Live, took_s: float, job: assemble.Publishing) -> dict[str, Any]:
    asked = assemble.rate(spec)
    return {
        "stream": spec.stream,
        "topic": spec.topic,
        "published": live.records,
        **_mishaps(spec, job),
        "by_shard": [publisher.position for publisher in job.publishers],
        "took_s": round(live.elapsed_s, 3),
        "handed_over_s": round(took_s, 3),
        "rate_per_s": round(live.records / max(live.elapsed_s, 1e-9), 1),
        "asked_rate_per_s": as_asked(asked),
        "worst_publish_delay_s": round(live.worst_late_s, 4),
        "skipped_s": round(max(publisher.skipped_s for publisher in job.publishers), 3),
    }


def _mishaps(spec: StreamSpec, job: assemble.Publishing) -> dict[str, int]:
    """How many records met with which mishap, of those there could be."""
    tally = sum((publisher.tally for publisher in job.publishers), Counter[str]())
    kinds = () if spec.disorder is None else KINDS.values()
    return {kind: tally[kind] for kind in (*kinds, *(() if spec.quarantine is None else ("quarantined",)))}
