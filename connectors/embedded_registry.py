"""A schema registry inside this process, which stock Confluent clients of other processes take for a real one."""

from __future__ import annotations

import hmac
import json
import logging
import re
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.subjects import Refused, Subjects
from schemas.errors import ServiceError

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

Answer = Callable[..., Any]


class Routes:
    """Confluent's REST interface over a memory of subjects.

    Args:
        subjects: the memory.
    """

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects
        known = subjects
        self._table: tuple[tuple[str, re.Pattern[str], Answer], ...] = tuple(
            (method, re.compile(f"{path}/?"), answer)
            for method, path, answer in (
                ("GET", r"/", lambda body: {}),
                ("GET", r"/subjects", lambda body: known.names()),
                ("GET", r"/schemas/types", lambda body: ["AVRO"]),
                ("GET", r"/schemas/ids/(\d+)", self._schema_of),
                ("GET", r"/schemas/ids/(\d+)/schema", lambda body, i: json.loads(known.schema(int(i)))),
                ("GET", r"/schemas/ids/(\d+)/versions", lambda body, i: known.using(int(i))),
                ("GET", r"/schemas/guids/([^/]+)", lambda body, g: known.with_guid(g)),
                ("GET", r"/subjects/([^/]+)/versions", lambda body, s: known.versions(s)),
                ("GET", r"/subjects/([^/]+)/versions/([^/]+)", lambda body, s, v: known.version(s, v)),
                ("POST", r"/subjects/([^/]+)/versions", self._register),
                ("POST", r"/subjects/([^/]+)", lambda body, s: known.find(s, _schema(body))),
                ("DELETE", r"/subjects/([^/]+)", lambda body, s: known.delete(s)),
                ("POST", r"/compatibility/subjects/([^/]+)/versions", self._compatible),
                ("POST", r"/compatibility/subjects/([^/]+)/versions/([^/]+)", self._compatible),
                ("GET", r"/config", lambda body: {"compatibilityLevel": known.level(None)}),
                ("GET", r"/config/([^/]+)", lambda body, s: {"compatibilityLevel": known.level(s)}),
                ("PUT", r"/config", lambda body: self._set_level(body, None)),
                ("PUT", r"/config/([^/]+)", self._set_level),
            )
        )

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """What to answer to a request.

        Raises:
            Refused: the request can not be carried out.
        """
        for wanted, pattern, answer in self._table:
            match = pattern.fullmatch(path) if method == wanted else None
            if match is not None:
                return answer(body, *(unquote(part) for part in match.groups()))
        raise Refused(404, f"HTTP 404 Not Found: {method} {path}")

    def _schema_of(self, body: Mapping[str, Any], identity: str) -> Any:
        return {"schema": self._subjects.schema(int(identity)), "guid": self._subjects.guid(int(identity))}

    def _register(self, body: Mapping[str, Any], subject: str) -> Any:
        identity = self._subjects.register(subject, _schema(body))
        return {"id": identity, "guid": self._subjects.guid(identity)}

    def _compatible(self, body: Mapping[str, Any], subject: str, version: str | None = None) -> Any:
        return {"is_compatible": self._subjects.compatible(subject, version, _schema(body))}

    def _set_level(self, body: Mapping[str, Any], subject: str | None) -> Any:
        self._subjects.set_level(subject, str(body.get("compatibility")))
        return {"compatibility": self._subjects.level(subject)}


def _schema(body: Mapping[str, Any]) -> str:
    if body.get("schemaType", "AVRO") != "AVRO":
        raise Refused(42201, f"Invalid schema: type {body['schemaType']} is not supported; expected AVRO")
    text = body.get("schema")
    if not isinstance(text, str):
        raise Refused(42201, "Empty schema")
    return text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: in two, each answer waits 40 ms for the first one's acknowledgement
    routes: Routes
    authorization: str | None

    def _serve(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            self._check_client()
            body = json.loads(text or b"{}")
            if not isinstance(body, dict):
                raise ValueError("expected an object")
            status, form = 200, self.routes.answer(self.command, urlsplit(self.path).path, body)
        except Refused as refused:
            status, form = refused.status, {"error_code": refused.code, "message": str(refused)}
        except ValueError as error:
            status, form = 400, {"error_code": 400, "message": f"not a JSON request: {error}"}
        reply = json.dumps(form).encode()
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def _check_client(self) -> None:
        shown = self.headers.get("Authorization") or ""
        if self.authorization is not None and not hmac.compare_digest(shown.encode(), self.authorization.encode()):
            raise Refused(401, "Unauthorized")

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        logger.debug("registry: %s", format % args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("registry: %s: %s", client_address, sys.exception())


class EmbeddedRegistry:
    """A schema registry on this machine; also a context manager that ends it.

    Args:
        port: where to serve; 0 for any free port.
        folder: where to keep the schemas; None to forget them at the end.
        tls: serves HTTPS with these certificates; None for HTTP.
        authorization: the `Authorization` header that every request must bear; None for no log-in.

    Raises:
        ServiceError: the port is taken.

    >>> with EmbeddedRegistry() as registry:
    ...     registry.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        port: int = 0,
        folder: Path | None = None,
        tls: ssl.SSLContext | None = None,
        authorization: str | None = None,
    ) -> None:
        form = {"routes": Routes(Subjects(folder)), "authorization": authorization}
        try:
            self._server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), form))
        except OSError as error:
            raise ServiceError(
                f"port={port}: can not serve a registry there ({error.strerror}); name another"
            ) from error
        if tls is not None:  # shaking hands in the thread of each connection, so that a silent one keeps nobody waiting
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="registry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> EmbeddedRegistry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
