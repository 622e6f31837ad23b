"""A real broker for the tests marked `kafka`: the one named by the environment, or one started from Maven artifacts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster
from connectors.local_broker import down, up

MISSING = [program for program in ("java", "mvn") if shutil.which(program) is None]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    named = os.environ.get("SYNTHSTREAM_TEST_BOOTSTRAP")
    if named:
        yield Cluster(named)
        return
    if MISSING:
        pytest.skip(f"no broker: {' and '.join(MISSING)} missing, and SYNTHSTREAM_TEST_BOOTSTRAP names none")
    folder: Path = tmp_path_factory.mktemp("kafka")
    broker = up(folder)
    yield Cluster(broker.bootstrap)
    down(folder)


@pytest.fixture(scope="session")
def registry() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as registry:
        yield registry
