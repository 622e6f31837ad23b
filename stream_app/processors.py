"""Faust in its place: partition assignment is shard ownership, and commands reach the shards."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import faust
from faust.types import TP
from faust.types.auth import CredentialsT

from connectors.kafka import Cluster, security
from schemas.errors import InputError
from stream_app.control import Desired
from stream_app.topics import Topics

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Duties:
    """What a worker does when Faust says so.

    Args:
        assigned: told which shards are ours now, all of them, after every rebalance.
        obey: told of a command to a shard.
        closed: told when the worker stops, before it leaves the group.
    """

    assigned: Callable[[frozenset[int]], None]
    obey: Callable[[int, Desired], None]
    closed: Callable[[], None]


def worker_app(cluster: Cluster, topics: Topics, duties: Duties, settings: dict[str, Any]) -> faust.App:
    """The Faust application of a stream: its assignment on the shards topic is shard ownership.

    A rebalance first revokes everything; shards carry on then, and only what the next assignment leaves out
    is let go. Fencing keeps that safe.

    Args:
        cluster: the broker; its security settings are Faust's too.
        topics: the stream's topics; they must exist.
        duties: what to do.
        settings: Faust settings (session time-outs, data folder).

    Raises:
        InputError: a security setting that Faust can not follow.
    """
    app = faust.App(
        topics.stream,
        broker=[f"kafka://{address}" for address in cluster.bootstrap.split(",")],
        broker_credentials=_credentials(cluster),
        store="memory://",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
        **settings,
    )
    ownership = app.topic(topics.ownership, value_serializer="raw")
    commands = app.topic(topics.commands, value_serializer="raw")

    @app.agent(ownership, name=f"{topics.stream}.ownership")
    async def own(stream: faust.StreamT[bytes]) -> None:
        async for _ in stream:
            logger.warning("a record on the ownership topic, which carries none", extra={"topic": topics.ownership})

    @app.agent(commands, name=f"{topics.stream}.commands")
    async def command(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            try:
                duties.obey(event.message.partition, Desired.from_bytes(event.value))
            except InputError as error:
                logger.error(str(error))

    @app.on_partitions_assigned.connect
    async def assigned(sender: Any, /, *given: Any, signal: Any = None, **_: Any) -> None:
        partitions: set[TP] = given[0]
        mine = frozenset(tp.partition for tp in partitions if tp.topic == topics.ownership)
        logger.info("shards assigned", extra={"shards": sorted(mine)})
        duties.assigned(mine)

    @app.on_before_shutdown.connect
    async def closing(sender: Any, /, *given: Any, signal: Any = None, **_: Any) -> None:
        await app.loop.run_in_executor(None, duties.closed)

    return app


def _credentials(cluster: Cluster) -> CredentialsT | None:
    secured = security(cluster.settings)
    login = secured.login
    if login is None:
        return None if secured.tls is None else faust.SSLCredentials(secured.tls)
    logging.getLogger("aiokafka.conn").setLevel(logging.INFO)  # its debug log shows requests, logins among them
    return faust.SASLCredentials(
        username=login.username, password=login.password, ssl_context=secured.tls, mechanism=login.mechanism
    )


def run_worker(app: faust.App) -> None:
    """Run the worker until it is told to stop (SIGTERM, Ctrl-C); standard output stays ours."""
    worker = faust.Worker(
        app, quiet=True, stdout=sys.stderr, redirect_stdouts=False, override_logging=False, loglevel="warning"
    )
    worker.spinner = None  # it writes what moves a cursor into the log, whether or not there is one
    worker.execute_from_commandline()
