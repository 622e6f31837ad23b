"""A shop's orders: a small table, what is trained on it, and stand-ins for time, topic and registry."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import pyarrow as pa
from click.testing import CliRunner, Result

from connectors.kafka import Headers, Heads, Inbox, Outbox, Polled, Records
from connectors.registry import Registry
from generators.artifact import Artifact
from generators.fitting import fit_artifact
from schemas.avro import avro_schema
from schemas.blobs import Blobs, Longs
from schemas.codec import Codec
from schemas.drift_kinds import Shift
from schemas.errors import InputError
from schemas.inference import conform, infer
from stream_app.cli import main
from stream_app.decoding import Decoders
from stream_app.drifts import Running
from stream_app.publish import Clock, ShardPublisher
from stream_app.recipe import Recipe
from stream_app.schedule import Schedule

SCHEMA_ID = 7
SCHEMA_GUID = UUID("c7e5f3d0-94a5-5cf2-8b0c-0d6c5a5f2f11")
START_MS = 1_767_272_400_000.0  # 2026-01-01 13:00:00 UTC
quick_fit = partial(fit_artifact, reference_rows=100_000)
"""Training that measures itself on fewer of its own rows."""


def orders_table(rows: int = 3_000) -> pa.Table:
    """The orders as a CSV file has them: strings."""
    rng = np.random.Generator(np.random.PCG64(5))
    size = rng.normal(0, 1, rows)
    pieces = rng.poisson(np.exp(size / 2 + 1)).clip(0, 9)
    minutes = rng.integers(0, 700, rows)
    return pa.table(
        {
            "id": [str(i + 1) for i in range(rows)],
            "price": [f"{50 + 10 * v:.2f}" for v in np.round(size, 1)],
            "pieces": ["NA" if gone else str(n) for n, gone in zip(pieces, rng.random(rows) < 0.1, strict=True)],
            "colour": rng.choice(["red", "green", "grün"], rows, p=[0.5, 0.3, 0.2]).tolist(),
            "paid": rng.choice(["true", "false"], rows).tolist(),
            "day": [f"2024-01-{d:02d}" for d in rng.integers(1, 29, rows)],
            "at": [f"2024-01-02T{m // 60:02d}:{m % 60:02d}:00Z" for m in minutes],
            "plate": [f"B{n:04d}XY" for n in rng.integers(0, 9_999, rows)],
        }
    )


def write_csv(table: pa.Table, path: Path) -> Path:
    """A table of strings as a CSV file."""
    lines = [table.column_names, *zip(*(column.to_pylist() for column in table.columns), strict=True)]
    path.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")
    return path


@cache
def trained() -> Artifact:
    """The artifact of the orders."""
    raw = orders_table()
    schema = infer(raw, "orders")
    return quick_fit(conform(raw, schema), schema, "tabular.copula", {}, 0, lambda share, what: None)


def recipe(shards: int = 1, artifact: Artifact | None = None, **settings: Any) -> Recipe:
    """A stream of orders."""
    artifact = trained() if artifact is None else artifact
    plain = Recipe(artifact, Codec(avro_schema(artifact.schema)), SCHEMA_ID, seed=3, shards=shards)
    return replace(plain, **settings)


def storm(column: str, by: float, name: str = "storm") -> Running:
    """A sudden shift that goes on for as long as a content log says."""
    return Running(Shift(name=name, kind="shift", column=column, by=by, start_records=0))


@dataclass(frozen=True)
class Record:
    """One record as it was handed over."""

    value: bytes
    key: bytes | None
    partition: int
    timestamp_ms: int
    headers: Headers


@dataclass
class Kept:
    """An outbox that keeps what it is given."""

    records: list[Record] = field(default_factory=list)
    aside: dict[str, list[Record]] = field(default_factory=dict)
    flushed: int = 0

    def send(
        self,
        records: Records,
        partition: int,
        timestamps_ms: Longs,
        topic: str | None = None,
    ) -> None:
        """Keep records."""
        keys = [None] * len(records) if records.keys is None else list(records.keys)
        rows = zip(records.values, keys, timestamps_ms.tolist(), map(records.headers, count()), strict=False)
        kept = self.records if topic is None else self.aside.setdefault(topic, [])
        kept += [Record(cast(bytes, value), key, partition, ms, marks) for value, key, ms, marks in rows]

    def flush(self) -> None:
        """Count the flushes."""
        self.flushed = len(self.records)

    def shard(self, shard: int) -> list[Record]:
        """The records of one shard, in order."""
        return [record for record in self.records if record.partition == shard]

    @property
    def outbox(self) -> Outbox:
        """This, as the loop takes it."""
        return cast(Outbox, self)


@dataclass
class Hands:
    """A clock that moves only while somebody waits."""

    now: float = START_MS

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds * 1_000

    @property
    def clock(self) -> Clock:
        """This, as the loop takes it."""
        return Clock(lambda: self.now, self.sleep)


def publishers(
    shared: Recipe, kept: Kept, schedule: Callable[[int], Schedule], count: int | None
) -> list[ShardPublisher]:
    """A publisher a shard."""
    return [
        ShardPublisher(
            shared,
            shard,
            kept.outbox,
            schedule(shard),
            count=shared.count(shard, count),
        )
        for shard in range(shared.shards)
    ]


@dataclass
class Topic:
    """An inbox over records that somebody keeps."""

    records: list[Record]
    partitions: int = 1
    resets: int = 0
    asked: Callable[[], None] = lambda: None
    most: int = 20_000
    _read: int = 0
    _offsets: dict[int, int] = field(default_factory=dict)

    @property
    def assignment(self) -> tuple[int, ...]:
        """All partitions."""
        return tuple(range(self.partitions))

    @property
    def positions(self) -> Mapping[int, int]:
        """How far every partition was read."""
        return dict(self._offsets)

    def poll(self, most: int, wait_s: float) -> Polled:
        """What came since the last time."""
        self.asked()
        new = self.records[self._read : self._read + min(most, self.most)]
        self._read += len(new)
        offsets = []
        for record in new:
            offsets.append(self._offsets.get(record.partition, 0))
            self._offsets[record.partition] = offsets[-1] + 1
        return Polled(
            Blobs.of(record.value for record in new),
            Blobs.of(record.key for record in new),
            np.array([record.partition for record in new], np.int32),
            np.array(offsets, np.int64),
            np.array([record.timestamp_ms for record in new], np.int64),
            Heads.of(record.headers for record in new),
        )

    def at_end(self) -> bool:
        """Whether all was read that is there."""
        return self._read >= len(self.records)

    @property
    def inbox(self) -> Inbox:
        """This, as readers take it."""
        return cast(Inbox, self)


@dataclass
class Book:
    """A registry that knows some schemas, and counts how often it is asked."""

    schemas: Mapping[int | UUID, Mapping[str, Any]]
    asked: list[int | UUID] = field(default_factory=list)

    def schema(self, identity: int | UUID) -> dict[str, Any]:
        """The schema of an id or GUID."""
        self.asked.append(identity)
        if identity not in self.schemas:
            raise InputError(f"no schema {identity}")
        return dict(self.schemas[identity])

    @property
    def decoders(self) -> Decoders:
        """Decoders that ask this registry."""
        return Decoders(cast(Registry, self))


def decoders() -> Decoders:
    """Decoders of the orders."""
    avro = avro_schema(trained().schema)
    return Book({SCHEMA_ID: avro, SCHEMA_GUID: avro}).decoders


def decoded(records: list[Record]) -> pa.Table:
    """Records back into columns."""
    values, heads = Blobs.of(record.value for record in records), Heads.of(record.headers for record in records)
    return pa.Table.from_batches(decoders().decode(values, heads).batches)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Give back the log as it was: a command sends it to a standard error that ends with the command."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def cli(*arguments: object, environment: Mapping[str, str] | None = None) -> Result:
    """Run `synthstream` in this process; a failure that is no exit is raised."""
    names = {"SYNTHSTREAM_BOOTSTRAP": None, "SYNTHSTREAM_REGISTRY": None, **(environment or {})}
    with quiet_logs():
        return CliRunner().invoke(main, [str(a) for a in arguments], env=names, catch_exceptions=False)


def lines(result: Result) -> list[str]:
    """What a command said on standard error, the embedded broker's warning left out."""
    return [line for line in result.stderr.splitlines() if "the embedded broker is for trying things" not in line]


@contextmanager
def signalled(number: int, when: Callable[[], bool], act: Callable[[int], None]) -> Iterator[None]:
    """Signal this process once something holds: what a user's Ctrl-C does while a command runs."""
    over = threading.Event()

    def wait() -> None:
        while not over.wait(0.02):
            if when():
                act(number)
                return

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
