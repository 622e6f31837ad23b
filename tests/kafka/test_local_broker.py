"""Starting and stopping a real broker; the tests that start one are skipped where Java or Maven are missing."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from connectors import local_broker
from connectors.kafka import Cluster, Outbox, Records, TopicShape, check, ensure_topic, last_record
from connectors.local_broker import down, status, tool, up
from schemas.errors import InputError, ServiceError

MISSING = [program for program in ("java", "mvn") if shutil.which(program) is None]


@pytest.mark.kafka
@pytest.mark.skipif(bool(MISSING), reason=f"missing: {' '.join(MISSING)}")
def test_a_broker_keeps_its_address_and_its_records_over_a_restart(tmp_path: Path) -> None:
    first = up(tmp_path, heap="256m")
    try:
        assert up(tmp_path) == status(tmp_path) == first
        cluster = Cluster(first.bootstrap)
        ensure_topic(cluster, "kept", TopicShape(1))
        outbox = Outbox(cluster, "kept", None)
        outbox.send(Records.of([b"still here"]), 0, np.array([int(time.time() * 1_000)]))
        outbox.flush()
        assert down(tmp_path)
        assert status(tmp_path) is None
        with pytest.raises(ServiceError):
            check(cluster, 0.5)
        second = up(tmp_path, heap="256m")
        assert second.bootstrap == first.bootstrap
        assert last_record(cluster, "kept", 0) == b"still here"
    finally:
        down(tmp_path)
    assert not down(tmp_path)


def test_another_process_that_got_the_pid_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text(json.dumps({"bootstrap": "127.0.0.1:1", "pid": os.getpid()}))
    assert status(tmp_path) is None
    assert not down(tmp_path)


@pytest.mark.parametrize("heap", ["", "1", "lots", "1g -Dx=y"])
def test_a_heap_java_does_not_know_is_refused(tmp_path: Path, heap: str) -> None:
    with pytest.raises(InputError, match=f"heap={heap}: expected a size"):
        up(tmp_path / "never", heap=heap)
    assert not (tmp_path / "never").exists()


def test_what_is_missing_is_named_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SYNTHSTREAM_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ServiceError, match="mvn: is not installed; install Maven"):
        up(tmp_path / "broker")
    with pytest.raises(ServiceError, match="java: is not installed; install a JDK 17"):
        tool("org.apache.kafka.tools.ProducerPerformance", ["--help"])
    monkeypatch.setattr(local_broker, "POM", tmp_path / "pom.xml")
    with pytest.raises(ServiceError, match=r"pom\.xml: is missing; .* source checkout"):
        up(tmp_path / "broker")
