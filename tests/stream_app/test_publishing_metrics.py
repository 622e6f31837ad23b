"""The publisher's own metrics, asked for over HTTP while it publishes."""

from __future__ import annotations

import re
import socket
from urllib.request import urlopen

import numpy as np
import pytest

from schemas.errors import ServiceError
from stream_app.publishing_metrics import published_metrics


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def test_what_is_told_is_served_while_the_block_runs() -> None:
    port = free_port()
    with published_metrics("orders", port, lambda: {"epoch": 0}) as exporter:
        exporter.sent(0, np.array([0.001, 0.002]))
        exporter.sent(1, np.array([0.5]))
        exporter.sent(0, np.array([0.1]))
        exporter.publishing(0, True)
        exporter.publishing(1, False)
        text = ask(port, "/metrics")
        assert ask(port, "/readyz") != ""
        assert '"epoch":0' in ask(port, "/api/state").replace(" ", "")
    counted = re.findall(r'^synthstream_\w*records\w*_total\{.*?shard="(\d)".*?\} (\S+)$', text, re.MULTILINE)
    assert {shard: float(value) for shard, value in counted} == {"0": 3.0, "1": 1.0}
    running = re.findall(r'^synthstream_shard_publishing\{.*?shard="(\d)".*?\} (\S+)$', text, re.MULTILINE)
    assert {shard: float(value) for shard, value in running} == {"0": 1.0, "1": 0.0}
    with pytest.raises(OSError, match="refused"):
        ask(port, "/metrics")


def test_without_a_port_nothing_is_served() -> None:
    with published_metrics("orders", None) as exporter:
        exporter.sent(0, np.array([0.001]))
        assert exporter.published == 1


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"port={port}: is taken"), published_metrics("orders", port):
            pass
