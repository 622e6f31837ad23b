"""The page, the JSON behind it, the metrics and the two health checks, over HTTP.

The only file that names starlette and uvicorn. It knows nothing of Kafka or monitors: it is handed four callables
and asks them when somebody looks.
"""

from __future__ import annotations

import errno
import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.errors import Problem, ServiceError

UI = Path(__file__).parent / "ui"
START_S = 10.0
GRACE_S = 2
# Whole numbers past this are not exact in a browser, so they travel as text.
EXACT_IN_A_BROWSER = 2**53

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Web:
    """What the page shows, asked for anew each time somebody looks; the callables run in threads of their own.

    Args:
        state: everything on the page, as plain values (numbers that are not finite become null).
        metrics: the metrics in Prometheus's text format.
        ready: whether records are flowing and being measured.
        start_incident: starts a labelled drift and says so in words; None where there is none to start.
        page: the file of `ui/` that is the page.
    """

    state: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], bytes]
    ready: Callable[[], bool]
    start_incident: Callable[[], str] | None = None
    page: str = "index.html"


def app(web: Web) -> Starlette:
    """The ASGI application: page, static files, `/api/state`, `/api/incident`, `/metrics`, `/healthz`, `/readyz`."""

    def state(_: Request) -> Response:
        return _json(web.state())

    def metrics(_: Request) -> Response:
        return Response(web.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def ready(_: Request) -> Response:
        return PlainTextResponse("ready\n") if web.ready() else PlainTextResponse("not ready\n", status_code=503)

    def incident(request: Request) -> Response:
        return _incident(web, request)

    async def page(_: Request) -> Response:
        return FileResponse(UI / web.page)

    # Needs no thread, so it answers however busy the other callables are.
    async def alive(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    routes = [
        Route("/", page),
        Route("/api/state", state),
        Route("/api/incident", incident, methods=["POST"]),
        Route("/metrics", metrics),
        Route("/healthz", alive),
        Route("/readyz", ready),
        Mount("/ui", StaticFiles(directory=UI)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Headers)])


class Served:
    """A server at work in a thread of its own; also a context manager that closes it.

    Args:
        url: where it answers, without a trailing slash.
        server: the server, already listening.
        thread: the thread it runs in.
    """

    def __init__(self, url: str, server: uvicorn.Server, thread: threading.Thread) -> None:
        self.url = url
        self._server = server
        self._thread = thread

    def close(self) -> None:
        """Stop listening, let requests under way end, and wait for the thread; a second call does nothing."""
        self._server.should_exit = True
        self._thread.join(START_S)

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(app: ASGIApp, host: str, port: int) -> Served:
    """Serve an application from a daemon thread, and return once it answers.

    Args:
        app: the ASGI application.
        host: a name or address of this machine; 0.0.0.0 or :: for all of them.
        port: the port, or 0 for any free one.

    Raises:
        ServiceError: the port is taken, or this machine has no such address.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    if not server.listens.wait(START_S):
        listener.close()
        raise ServiceError(f"port={port}: the web server did not start within {START_S:.0f} s; see the log")
    url = _url(host, listener.getsockname()[1])
    log.info("serving the page at %s", url)
    return Served(url, server, thread)


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listens.set()


class _Headers:
    """Adds the headers that every answer carries; only static files may be kept, and only after asking again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["cache-control"] = "no-cache" if scope["path"].startswith("/ui/") else "no-store"
            await send(message)

        await self.app(scope, receive, with_headers)


def _incident(web: Web, request: Request) -> Response:
    # A page of another origin may make a browser post here, but can not hide where it came from.
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        return _json({"text": "asked from another site: refused"}, 403)
    if web.start_incident is None:
        return _json({"text": "this stream has no incident to start"}, 404)
    try:
        return _json({"text": web.start_incident()}, 202)
    except Problem as problem:
        return _json({"text": str(problem)}, 409)


def _json(value: Mapping[str, Any], status_code: int = 200) -> Response:
    text = json.dumps(_plain(value), allow_nan=False, separators=(",", ":"), default=str)
    return Response(text, status_code=status_code, media_type="application/json")


def _plain(value: Any) -> Any:
    """The value as JSON can carry it and a browser can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, int) and abs(value) > EXACT_IN_A_BROWSER:
        return str(value)
    return value


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fault = f"port={port}: is taken on {host}; name another, or 0 for any free one"
        else:
            fault = f"{host}:{port}: can not listen there ({error.strerror}); name an address of this machine"
        raise ServiceError(fault) from error


def _url(host: str, port: int) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
