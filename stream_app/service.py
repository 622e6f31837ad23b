"""A worker: Faust says which shards are ours, generator processes publish them."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from typing import Any

from connectors.kafka import Cluster, Outbox
from generators.golden import check_golden
from schemas.errors import InputError
from schemas.stream import StreamSpec
from stream_app import assemble
from stream_app.generation import Generation, Moved, Ready, Refused, Released, Report, Taken, Waiting, die_with_parent
from stream_app.logs import log_to_stderr, logged_here
from stream_app.processors import Duties, run_worker, worker_app
from stream_app.publishing_metrics import published_metrics
from stream_app.settings import Place
from stream_app.shards import OwnedShard, enter_epoch
from stream_app.topics import Topics
from stream_app.workers import Pool, cores

logger = logging.getLogger(__name__)

SESSION_TIMEOUT_S = 6.0
"""A worker that is silent for so long has its shards given to others; brokers take no less by default."""

READY_S = 120.0
"""How long a generator process may take to load its artifact."""


@dataclass(frozen=True)
class Assignment:
    """What a generator process needs to know to publish any shard of a stream.

    Args:
        spec: the stream.
        place: where broker and registry are.
        artifact: identity of the artifact the worker checked.
        log: how the worker logs, as `log_to_stderr` takes it.
    """

    spec: StreamSpec
    place: Place
    artifact: str
    log: tuple[str, str]


def generate(parent: Connection, assignment: Assignment) -> None:
    """What a generator process runs."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    log_to_stderr(*assignment.log)
    spec = assignment.spec
    artifact = assemble.stream_artifact(spec)
    if artifact.identity != assignment.artifact:
        raise InputError(f"artifact={spec.artifact}: changed while the worker started; start it again")
    with assemble.reached(assignment.place) as outside:
        recipe = assemble.recipe(spec, artifact, outside)
        topics = assemble.topics_of(spec)
        initial = assemble.initial_state(spec)

        def take(shard: int) -> OwnedShard:
            return OwnedShard(outside.cluster, topics, recipe, shard, initial, spec.count, time.time() * 1_000)

        gc.freeze()  # what is loaded by now stays; scanning it again and again would delay records
        Generation(take, parent, spec.publish.transaction_s).run()


class Service:
    """One worker of a stream.

    Args:
        spec: the stream.
        place: where broker and registry are.
        outside: the same, reached.
        processes: how many generator processes; None for one a core, at most one a shard.
        metrics_port: serve Prometheus metrics here; None for nowhere.

    Raises:
        InputError: the artifact can not be used or draws differently here, or the topics have another shape.
    """

    def __init__(
        self,
        spec: StreamSpec,
        place: Place,
        outside: assemble.Outside,
        processes: int | None,
        metrics_port: int | None,
    ) -> None:
        self._spec, self._outside, self._metrics_port = spec, outside, metrics_port
        self._artifact = assemble.stream_artifact(spec)
        if not check_golden(self._artifact):
            raise InputError(
                f"artifact={spec.artifact}: draws other records on this machine than where it was trained; "
                "train it here, or run the worker on a machine like that one"
            )
        self._processes = min(cores(), spec.shards) if processes is None else processes
        self._topics = assemble.topics_of(spec)
        self._assignment = Assignment(spec, place, self._artifact.identity, logged_here())
        self._records = 0
        self._closed = threading.Event()
        self._shards: dict[int, str] = {}
        self._refused: dict[int, str] = {}

    def run(self) -> dict[str, Any]:
        """Publish until told to stop.

        Returns:
            A summary: how many records this worker handed over.

        Raises:
            InputError: a shard can not be published here; names each, with the reason.
            ServiceError: a broker or registry does not do its part.
        """
        self._prepare()
        with (
            published_metrics(self._spec.stream, self._metrics_port, self._state) as exporter,
            TemporaryDirectory(prefix="synthstream-") as folder,  # Faust wants one, and keeps nothing in it
        ):

            def told(report: Report) -> None:
                if isinstance(report, Moved):
                    self._records += len(report.late_s)
                    exporter.sent(report.shard, report.late_s)
                elif not isinstance(report, Ready):
                    self._told(report)
                    exporter.publishing(report.shard, isinstance(report, Taken))

            pool = Pool(generate, (self._assignment,), self._processes, told)
            duties = Duties(pool.assign, pool.obey, lambda: self._close(pool))
            timeouts = {"broker_session_timeout": SESSION_TIMEOUT_S, "broker_heartbeat_interval": SESSION_TIMEOUT_S / 5}
            app = worker_app(self._outside.cluster, self._topics, duties, {**timeouts, "datadir": folder})
            try:
                pool.wait_until_ready(READY_S)
                run_worker(app)
            except SystemExit as ended:
                if ended.code not in (0, None):
                    raise
            finally:
                self._close(pool)
        if self._refused:
            raise InputError(*(f"shard={shard}: {reason}" for shard, reason in sorted(self._refused.items())))
        return {"stream": self._spec.stream, "handed_over": self._records, "pid": os.getpid()}

    def _prepare(self) -> None:
        """Have topics, schema and epoch in place before anybody takes a shard."""
        cluster, topics, spec = self._outside.cluster, self._topics, self._spec
        recipe = assemble.recipe(spec, self._artifact, self._outside)
        assemble.warn_of_empty_shards(recipe)
        topics.create(cluster, assemble.topic_shape(spec), grow=spec.epoch > 0)
        assemble.ensure_side_topics(spec, cluster, grow=spec.epoch > 0)
        enter_epoch(cluster, topics, recipe, assemble.initial_state(spec), time.time() * 1_000)
        _announce(cluster, topics, spec, self._artifact.identity)

    def _told(self, report: Taken | Waiting | Released | Refused) -> None:
        facts: dict[str, Any] = {"shard": report.shard}
        match report:
            case Taken():
                self._shards[report.shard] = "publishing"
                logger.info("shard taken", extra=facts | {"position": report.position})
            case Released():
                self._shards.pop(report.shard, None)
                logger.info("shard let go", extra=facts)
            case Waiting():
                self._shards[report.shard] = f"waiting: {report.reason}"
                level = logging.INFO if report.fenced else logging.WARNING
                logger.log(level, "shard waits and will be taken again", extra=facts | {"reason": report.reason})
            case Refused():
                self._refused[report.shard] = report.reason
                logger.error("shard refused", extra=facts | {"reason": report.reason})
                os.kill(os.getpid(), signal.SIGTERM)  # Faust ends in order; the other shards go to other workers

    def _state(self) -> dict[str, object]:
        return {"stream": self._spec.stream, "shards": dict(sorted(self._shards.items()))}

    def _close(self, pool: Pool) -> None:
        if not self._closed.is_set():
            self._closed.set()
            pool.close()


def _announce(cluster: Cluster, topics: Topics, spec: StreamSpec, artifact: str) -> None:
    """Say on the artifacts topic what the stream is, so that a lineage header can be followed."""
    facts = {"spec": json.loads(spec.model_dump_json()), "artifact": {"identity": artifact}}
    outbox = Outbox(cluster, topics.artifacts, None)
    outbox.send_one(topics.artifacts, artifact[:32].encode(), json.dumps(facts).encode(), 0)
    outbox.flush()
