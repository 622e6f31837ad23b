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
from typing import Any

from connectors.kafka import Cluster, Outbox
from generators.artifact import check_golden
from schemas.errors import InputError, ServiceError
from schemas.stream import StreamSpec
from stream_app import assemble
from stream_app.processors import Duties, run_worker, worker_app
from stream_app.publishing_metrics import published_metrics
from stream_app.settings import Place
from stream_app.shards import OwnedShard
from stream_app.topics import Topics
from stream_app.workers import Generation, Lost, Moved, Pool, cores, die_with_parent

logger = logging.getLogger(__name__)

SESSION_TIMEOUT_S = 10.0
"""A worker that is silent for so long has its shards given to others."""


READY_S = 120.0
"""How long a generator process may take to load its artifact."""


@dataclass(frozen=True)
class Assignment:
    """What a generator process needs to know to publish any shard of a stream.

    Args:
        spec: the stream.
        bootstrap: the broker, reached.
        registry: the registry's URL, reached.
        artifact: identity of the artifact the worker checked.
    """

    spec: StreamSpec
    bootstrap: str
    registry: str
    artifact: str


def generate(parent: Connection, assignment: Assignment) -> None:
    """What a generator process runs."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    spec = assignment.spec
    artifact = assemble.stream_artifact(spec)
    if artifact.identity != assignment.artifact:
        raise InputError(f"artifact={spec.artifact}: changed while the worker started; start it again")
    with assemble.reached(Place(assignment.bootstrap, assignment.registry, spec.kafka)) as outside:
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
        self._assignment = Assignment(spec, outside.cluster.bootstrap, place.registry, self._artifact.identity)
        self._records = 0
        self._failed: dict[int, str] = {}
        self._closed = threading.Event()

    def run(self) -> dict[str, Any]:
        """Publish until told to stop.

        Returns:
            A summary: how many records this worker handed over.

        Raises:
            ServiceError: a shard could not be published any longer; names each, with the reason.
        """
        self._topics.create(self._outside.cluster, assemble.topic_shape(self._spec))
        _announce(self._outside.cluster, self._topics, self._spec, self._artifact.identity)
        with published_metrics(self._spec.stream, self._metrics_port) as sent:

            def moved(message: Moved) -> None:
                self._records += len(message.late_s)
                sent(message.shard, message.late_s)

            pool = Pool(generate, (self._assignment,), self._processes, moved, self._on_lost)
            duties = Duties(pool.assign, pool.obey, lambda: self._close(pool))
            app = worker_app(
                self._outside.cluster.bootstrap,
                self._topics,
                duties,
                {"broker_session_timeout": SESSION_TIMEOUT_S, "broker_heartbeat_interval": SESSION_TIMEOUT_S / 5},
            )
            try:
                pool.wait_until_ready(READY_S)
                run_worker(app)
            except SystemExit as ended:
                if ended.code not in (0, None):
                    raise
            finally:
                self._close(pool)
        if self._failed:
            raise ServiceError(*(f"shard={shard}: {reason}" for shard, reason in sorted(self._failed.items())))
        return {"stream": self._spec.stream, "handed_over": self._records, "pid": os.getpid()}

    def _on_lost(self, message: Lost) -> None:
        """A fenced shard has another owner; one that failed has none, so the worker gives all its shards back."""
        logger.log(
            logging.INFO if message.fenced else logging.ERROR,
            "shard lost",
            extra={"shard": message.shard, "reason": message.reason},
        )
        if not message.fenced:
            self._failed[message.shard] = message.reason
            os.kill(os.getpid(), signal.SIGTERM)

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
