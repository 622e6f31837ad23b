"""How fast a monitor is: records decoded and counted into panes, and read from a broker before that.

Run by `benchmarks.monitors` in a process that is pinned to one processor, threads and all; figures are records a second
of the time that the processor gave to the whole process, so that other programs take nothing from them but cache.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.codec import BATCHES, KINDS, avro, made_up, per_second
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox, Outbox, Records, TopicShape, ensure_topic
from connectors.registry import Registry
from monitors.pane import Deltas, PaneLayout
from schemas.codec import Codec, warm
from schemas.pairs import MAX_PAIRS
from schemas.profile import profile_table
from schemas.table import Column, Kind, TableSchema
from stream_app.decoding import AT_ONCE, AT_ONCE_BYTES, Decoders
from stream_app.lineage import HEADER, headers
from stream_app.watching.counting import Counter
from stream_app.watching.watch import MOST_RECORDS, POLL_S

KINDS_40 = {f"{name}_{k}": kind for k in range(3) for name, kind in KINDS.items() if k < 2 or not "s0" <= name <= "s4"}
MONITORED = {"long": Kind.INTEGER, "string": Kind.CATEGORY, "double": Kind.NUMBER}
SECONDS = 4.0
PARTITIONS, READ_RECORDS, TURNS = 4, 1_000_000, 3
PER_PANE_MS = 50
"""How many records of a partition have one event time in milliseconds: 200,000 records a second of four."""


@dataclass(frozen=True)
class Scene:
    """Records of some columns and what a monitor of theirs needs.

    Args:
        kinds: the Avro types of the columns.
        rows: how many records are decoded at once.
    """

    kinds: Mapping[str, str]
    rows: int

    @property
    def schema(self) -> TableSchema:
        """The columns."""
        return TableSchema("watched", tuple(Column(name, MONITORED[kind]) for name, kind in self.kinds.items()))

    @property
    def table(self) -> pa.RecordBatch:
        """Records for some batches."""
        return made_up(self.rows * BATCHES, self.kinds)

    @property
    def deltas(self) -> Deltas:
        """Counts cells, moments and as many pairs as a monitor ever does; they go together or not."""
        profile = profile_table(pa.Table.from_batches([self.table]), self.schema)
        return Deltas(PaneLayout(self.schema, profile, pairs=list(combinations(self.schema.names, 2))[:MAX_PAIRS]))


def rows_at_once(kinds: Mapping[str, str]) -> int:
    """How many records a monitor decodes at once."""
    sample = made_up(1_000, kinds)
    record_bytes = len(Codec(avro(kinds)).encode(sample, 1).buffer) // 1_000
    return max(AT_ONCE, AT_ONCE_BYTES // record_bytes)


def counting(kinds: Mapping[str, str]) -> dict[str, float]:
    """Decoding, counting, and both one after the other, of messages that were read already."""
    rows = rows_at_once(kinds)
    scene, codec = Scene(kinds, rows), Codec(avro(kinds))
    deltas, table = scene.deltas, scene.table
    blobs = [codec.encode(table.slice(i * rows, rows), 1).blobs for i in range(BATCHES)]
    batches = [codec.decode(each).batch for each in blobs]
    at = np.arange(rows)
    where = (at // PER_PANE_MS, (at % PARTITIONS).astype(np.int32), at, 1_000.0)
    found = per_second(
        {
            "decoded_per_s": (lambda i: codec.decode(blobs[i]), rows),
            "counted_per_s": (lambda i: deltas.count(batches[i], *where), rows),
            "records_per_s": (lambda i: deltas.count(codec.decode(blobs[i]).batch, *where), rows),
        },
        SECONDS,
    )
    return {"columns": len(kinds), **found, "values_per_s": found["records_per_s"] * len(kinds)}


def reading(bootstrap: str) -> dict[str, float]:
    """All that a monitor does before it judges, on a topic that is full: reading, decoding, following, counting.

    Args:
        bootstrap: a broker, in other processes.

    Returns:
        Records a second, with and without every record's lineage looked at.
    """
    scene, cluster, topic = Scene(KINDS, AT_ONCE), Cluster(bootstrap), f"speed-{os.getpid()}"
    ensure_topic(cluster, topic, TopicShape(PARTITIONS, retention_ms=-1))  # its records are years old
    with EmbeddedRegistry() as served:
        registry = Registry(served.url)
        fill(cluster, topic, scene, registry.register(f"{topic}-value", avro(KINDS)))
        deltas, taken = scene.deltas, dict[bool, list[float]]({True: [], False: []})
        for _ in range(TURNS):
            for follows, rates in taken.items():
                counter = Counter(Decoders(registry), scene.schema, deltas, None, follows=follows)
                rates.append(read_all(Inbox(cluster, topic), counter))
    return {"read_per_s": median(taken[True]), "read_without_lineage_per_s": median(taken[False])}


def fill(cluster: Cluster, topic: str, scene: Scene, schema_id: int) -> None:
    """Put records on a topic as a publisher does, with their lineage."""
    codec, table, outbox = Codec(avro(scene.kinds)), scene.table, Outbox(cluster, topic, None)
    blobs = [codec.encode(table.slice(i * scene.rows, scene.rows), schema_id).blobs for i in range(BATCHES)]
    for start in range(0, READ_RECORDS // PARTITIONS, scene.rows):
        stop = start + scene.rows
        stamps_ms = 1_700_000_000_000 + np.arange(start, stop) // PER_PANE_MS
        for partition in range(PARTITIONS):
            heads = [(HEADER, headers("ab" * 16, 1, partition, start, stop))]
            outbox.send(Records(blobs[start // scene.rows % BATCHES], None, heads), partition, stamps_ms)
    outbox.flush()


def read_all(inbox: Inbox, counter: Counter) -> float:
    """Records a second of processor time, from the first tenth on to the last."""
    total, read, warm_at, began_s = sum(inbox.ends().values()), 0, 0, 0.0
    while read < total:
        polled = inbox.poll(MOST_RECORDS, POLL_S)
        if len(polled.values):
            counter.count(polled, 1_700_000_000_000.0)
        read += len(polled.values)
        if warm_at == 0 and read >= total // 10:
            warm_at, began_s = read, time.process_time()
    rate = (read - warm_at) / (time.process_time() - began_s)
    inbox.close()
    return rate


def main() -> None:
    """Print all of it as one JSON object."""
    warm()
    found: dict[str, Any] = {f"columns_{len(kinds)}": counting(kinds) for kinds in (KINDS, KINDS_40)}
    sys.stdout.write(json.dumps({**found, **reading(sys.argv[1])}) + "\n")


if __name__ == "__main__":
    main()
