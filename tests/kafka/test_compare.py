"""`compare` on a real broker: a topic like the synthetic one represents it, another one brings advice on a topic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox, topic_partitions
from generators.artifact import save
from generators.fitting import fit_artifact
from schemas.inference import conform, infer
from stream_app.specs import stream_spec
from tests.stream_app.shop import cli

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

RATE, COUNT = 10_000, 40_000


@pytest.fixture
def larger(tmp_path: Path) -> Path:
    """An artifact of things that are larger than those of the stream."""
    rows = np.random.default_rng(1)
    raw = pa.table({"size": pa.array(rows.integers(20, 70, 2_000)), "color": pa.array(["red", "green"] * 1_000)})
    schema = infer(raw, "things")
    save(
        fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 0, lambda done, doing: None), tmp_path / "l"
    )
    return tmp_path / "l"


def test_a_real_topic_is_compared_on_a_real_broker(
    cluster: Cluster, registry: EmbeddedRegistry, stream: Path, folder: Path, larger: Path
) -> None:
    stream.write_text(f"{stream.read_text()}monitor: {{allowed_lateness_s: 0.5}}\n")
    spec = stream_spec(stream, {}, {})
    where = ("--bootstrap", cluster.bootstrap, "--registry", registry.url)
    shape = ("--rate", RATE, "--count", COUNT, "--shards", spec.shards, *where)
    same, other = f"{spec.topic}-same", f"{spec.topic}-other"
    for artifact, topic, seed in ((folder, spec.topic, 0), (folder, same, 1), (larger, other, 2)):
        published = cli("publish", artifact, "--topic", topic, "--seed", seed, *shape)
        assert published.exit_code == 0, published.stderr
    how = ("--synthetic", stream, "--from-start", "--once", "--window", 2, "--after", 1, "--port", 0, "--json")
    alike = cli("compare", "--real", same, *how)
    assert (alike.exit_code, json.loads(alike.stdout.splitlines()[-1])["band"]) == (0, "represents"), alike.stderr
    apart = cli("compare", "--real", other, *how)
    assert apart.exit_code == 1, apart.stderr
    _, advice, _ = map(json.loads, apart.stdout.splitlines())
    topic = f"{spec.stream}.advice"
    assert topic_partitions(cluster, topic) == 1
    inbox = Inbox(cluster, topic)
    assert [json.loads(value or b"") for value in inbox.poll(1, 10.0).values] == [advice]
    inbox.close()
