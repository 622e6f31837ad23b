"""The HTTP side of the page, against a server really listening."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from datetime import date
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from schemas.errors import InputError, ServiceError
from stream_app.web import HEADERS, UI, Served, Web, app, serve


def web(
    state: Callable[[], Mapping[str, Any]] = dict,
    metrics: Callable[[], bytes] = lambda: b"up 1\n",
    ready: Callable[[], bool] = lambda: True,
    start_incident: Callable[[], str] | None = None,
) -> Served:
    return serve(app(Web(state, metrics, ready, start_incident)), "127.0.0.1", 0)


def ask(
    served: Served, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(urlsplit(served.url).netloc, timeout=30)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_the_page_and_every_file_it_names_are_served() -> None:
    with web() as served:
        answer, body = ask(served, "/")
        assert (answer.status, answer.getheader("content-type")) == (200, "text/html; charset=utf-8")
        assert body == (UI / "index.html").read_bytes()
        for file in (path for path in UI.rglob("*") if path.is_file()):
            answer, body = ask(served, f"/ui/{file.relative_to(UI).as_posix()}")
            assert (answer.status, body) == (200, file.read_bytes())
        assert ask(served, "/ui/../web.py")[0].status == 404
        assert ask(served, "/ui/none.js")[0].status == 404


def test_scripts_and_styles_carry_types_a_strict_browser_takes() -> None:
    with web() as served:
        assert "javascript" in str(ask(served, "/ui/app.js")[0].getheader("content-type"))
        assert "text/css" in str(ask(served, "/ui/style.css")[0].getheader("content-type"))


def test_every_answer_carries_the_security_headers() -> None:
    with web() as served:
        for path in ("/", "/ui/app.js", "/api/state", "/metrics", "/healthz", "/nowhere"):
            answer, _ = ask(served, path)
            assert {name: answer.getheader(name) for name in HEADERS} == HEADERS, path
            assert answer.getheader("server") is None
            kept = "no-cache" if path.startswith("/ui/") else "no-store"
            assert answer.getheader("cache-control") == kept, path


def test_state_is_json_whatever_is_in_it() -> None:
    values: dict[str, Any] = {"nan": float("nan"), "low": float("-inf"), "big": 2**53 + 1, "exact": 2**53, "true": True}
    values |= {"n": np.int64(7), "x": np.float32("nan"), "day": date(2013, 1, 2)}
    awkward: dict[Any, Any] = {"values": [values], "pair": (1, None), "text": "naïve </script>  \ud800", 3: "three"}
    with web(lambda: awkward) as served:
        answer, body = ask(served, "/api/state")
    assert answer.getheader("content-type") == "application/json"
    assert json.loads(body) == {
        "values": [
            {"nan": None, "low": None, "big": "9007199254740993", "exact": 2**53, "true": True}
            | {"n": 7, "x": None, "day": "2013-01-02"}
        ],
        "pair": [1, None],
        "text": "naïve </script>  \ud800",
        "3": "three",
    }


def test_metrics_are_passed_on_as_they_are() -> None:
    with web(metrics=lambda: b"# HELP a b\na 1\n") as served:
        answer, body = ask(served, "/metrics")
    assert str(answer.getheader("content-type")).startswith("text/plain; version=0.0.4")
    assert body == b"# HELP a b\na 1\n"


def test_alive_is_not_ready() -> None:
    with web(ready=lambda: False) as served:
        assert ask(served, "/healthz")[0].status == 200
        assert ask(served, "/readyz")[0].status == 503
    with web() as served:
        assert ask(served, "/readyz")[0].status == 200


def test_a_state_that_fails_is_an_error_and_the_rest_lives_on() -> None:
    def fail() -> Mapping[str, Any]:
        raise RuntimeError("no state")

    with web(fail) as served:
        assert ask(served, "/api/state")[0].status == 500
        assert ask(served, "/healthz")[0].status == 200


def test_an_incident_starts_by_post_alone() -> None:
    started: list[str] = []

    def start() -> str:
        started.append("one")
        return "dep_delay + 45"

    with web(start_incident=start) as served:
        assert ask(served, "/api/incident")[0].status == 405
        assert started == []
        answer, body = ask(served, "/api/incident", "POST")
    assert (answer.status, json.loads(body), started) == (202, {"text": "dep_delay + 45"}, ["one"])


def test_an_incident_needs_one_to_start_and_a_page_of_our_own() -> None:
    with web() as served:
        assert ask(served, "/api/incident", "POST")[0].status == 404
    with web(start_incident=lambda: "started") as served:
        foreign = {"origin": "https://example.org"}
        assert ask(served, "/api/incident", "POST", foreign)[0].status == 403
        assert ask(served, "/api/incident", "POST", {"origin": "null"})[0].status == 403
        assert ask(served, "/api/incident", "POST", {"origin": served.url})[0].status == 202


def test_an_incident_refused_says_why() -> None:
    def refuse() -> str:
        raise InputError("incident: one is running; wait until it ends")

    with web(start_incident=refuse) as served:
        answer, body = ask(served, "/api/incident", "POST")
    assert (answer.status, json.loads(body)) == (409, {"text": "incident: one is running; wait until it ends"})


def test_a_taken_port_is_named() -> None:
    with web() as served:
        port = urlsplit(served.url).port
        assert port is not None
        with pytest.raises(ServiceError, match=f"port={port}: is taken on 127.0.0.1"):
            serve(app(Web(dict, bytes, bool)), "127.0.0.1", port)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(ServiceError, match=r"192\.0\.2\.1:0: can not listen there"):
        serve(app(Web(dict, bytes, bool)), "192.0.2.1", 0)


def test_closing_frees_the_port_and_may_be_repeated() -> None:
    served = web()
    port = urlsplit(served.url).port
    assert port is not None
    served.close()
    served.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)
    with serve(app(Web(dict, bytes, bool)), "127.0.0.1", port) as again:
        assert again.url == served.url


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://localhost:")])
def test_the_address_is_one_a_browser_can_open(host: str, url: str) -> None:
    with serve(app(Web(dict, bytes, bool)), host, 0) as served:
        assert served.url.startswith(url)
        assert ask(served, "/healthz")[0].status == 200
