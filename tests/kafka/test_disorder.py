"""A worker publishes a disturbed stream on a real broker; labels, quarantine and records add up across a takeover."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox, topic_setting
from generators.artifact import load_artifact
from schemas.stream import load
from stream_app import assemble
from stream_app.arranged import HEADER
from stream_app.lineage import HEADER as LINEAGE
from stream_app.lineage import parse
from stream_app.quarantine import HEADER as WHY
from stream_app.settings import Place
from stream_app.shards import OwnedShard

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

COUNT, SHARDS = 10_000, 2
DISORDER = {"out_of_order": {"share": 0.05}, "duplicates": {"share": 0.02}, "missing": {"share": 0.01}}
Seen = tuple[int, int, dict[str, object], bytes | None]


def read(cluster: Cluster, topic: str) -> list[Seen]:
    """Shard, sequence, headers and value of every committed record."""
    seen: list[Seen] = []
    inbox = Inbox(cluster, topic)
    while not inbox.at_end():
        polled = inbox.poll(10_000, 0.2)
        for headers, value in zip(polled.headers, polled.values, strict=True):
            named = dict(headers or [])
            mark = parse(named[LINEAGE])  # type: ignore[arg-type]
            assert mark is not None
            seen.append((mark.shard, mark.sequence, dict[str, object](named), value))
    inbox.close()
    return seen


def test_labels_quarantine_and_records_add_up(cluster: Cluster, registry: EmbeddedRegistry, stream: Path) -> None:
    form = yaml.safe_load(stream.read_text()) | {"shards": SHARDS, "count": COUNT, "disorder": DISORDER}
    form |= {"rules": [{"rule": "range", "column": "size", "high": 44, "hard": True}], "quarantine": {}}
    stream.write_text(yaml.safe_dump(form))
    spec = load(stream)
    topics, now_ms = assemble.topics_of(spec), time.time() * 1_000
    topics.create(cluster, assemble.topic_shape(spec))
    assemble.ensure_side_topics(spec, cluster)
    assert spec.artifact is not None
    assert topic_setting(cluster, spec.topic, "max.message.bytes") == "1048588"
    assert topic_setting(cluster, "never-made", "max.message.bytes") is None
    with assemble.reached(Place(cluster.bootstrap, registry.url)) as outside:
        recipe = assemble.recipe(spec, load_artifact(spec.artifact), outside)
        for shard in range(SHARDS):
            for cut in (1_234, COUNT // SHARDS):  # the first owner leaves records behind that it never committed
                owned = OwnedShard(
                    cluster, topics, recipe, shard, assemble.initial_state(spec), COUNT, now_ms - COUNT * 1_000
                )
                owned.publisher.publish_until(cut)
                owned.commit()
                owned.publisher.publish_until(min(cut + 500, COUNT // SHARDS))
                owned.abandon() if cut == 1_234 else owned.close()
    assert spec.labels_topic is not None
    assert spec.quarantine_topic is not None
    records, aside = read(cluster, spec.topic), read(cluster, spec.quarantine_topic)
    labels = [json.loads(value or b"") for *_, value in read(cluster, spec.labels_topic)]
    everything = {(shard, n) for shard in range(SHARDS) for n in range(COUNT // SHARDS)}
    here, kept = [(shard, n) for shard, n, *_ in records], [(shard, n) for shard, n, *_ in aside]
    gone = [(form["shard"], form["sequence"]) for form in labels if "missing" in form]
    assert sorted({*here}) == sorted(everything - {*gone} - {*kept})
    assert len(kept) == len({*kept})
    assert len(gone) == len({*gone})
    assert {*kept}.isdisjoint(gone)
    copies = [(form["shard"], form["sequence"]) for form in labels if "copy" in form]
    assert sorted(each for each, times in Counter(here).items() if times > 1) == sorted(copies)
    assert len(here) == len({*here}) + len(copies)
    assert {named[WHY] for _, _, named, _ in aside} == {b"range:size"}
    assert sum(HEADER in named for _, _, named, _ in records) == len(labels) - len(gone)
    assert min(len(gone), len(kept), len(copies)) > 0
