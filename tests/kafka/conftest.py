"""For the tests marked `kafka`: a broker (named by the environment, or started), a registry, a stream's file."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster
from connectors.local_broker import down, up
from generators.artifact import save
from generators.fitting import fit_artifact
from schemas.inference import conform, infer

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


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = np.random.default_rng(0)
    colors = rows.choice(["red", "green", "blue"], 2_000).tolist()
    raw = pa.table({"size": pa.array(rows.integers(0, 50, 2_000)), "color": pa.array(colors)})
    schema = infer(raw, "things")
    artifact = fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 0, lambda done, doing: None)
    path = tmp_path_factory.mktemp("artifact") / "things"
    save(artifact, path)
    return path


@pytest.fixture
def stream(cluster: Cluster, registry: EmbeddedRegistry, folder: Path, tmp_path: Path) -> Path:
    name = f"s{uuid.uuid4().hex[:12]}"
    form = {
        "stream": name,
        "topic": f"{name}-data",
        "artifact": str(folder),
        "rate_per_s": 1_000,
        "shards": 4,
        "bootstrap": cluster.bootstrap,
        "registry": registry.url,
        "publish": {"transaction_s": 0.2},
    }
    path = tmp_path / "stream.yaml"
    path.write_text(yaml.safe_dump(form))
    return path
