"""`synthstream sample`: the records a stream publishes, written to a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from connectors.files import writable, write_table
from generators.artifact import Artifact, load_artifact
from generators.blocks import Source
from generators.population import population_of
from generators.steered import steered
from schemas.errors import InputError
from schemas.keying import Keying
from schemas.steering import Steering, part_of
from schemas.stream import from_mapping
from stream_app.changes import Changes, flat, flat_schema
from stream_app.contents import Content
from stream_app.options import KeyType, as_json, dry_run, shares_option, show
from stream_app.recipe import fractions_of
from stream_app.schedule import share
from stream_app.specs import check_fits
from stream_app.steering import asked_steering


@dataclass(frozen=True)
class Asked:
    """The flags of `sample`.

    Raises:
        InputError: a range that makes no sense.
    """

    folder: Path
    rows: int
    out: Path
    seed: int
    epoch: int
    shards: int
    shard: int | None
    start: int
    key: Keying = "surrogate"
    given: tuple[str, ...] = ()
    shares: str | None = None
    changes: str | None = None

    def __post_init__(self) -> None:
        if self.shard is None and self.start:
            raise InputError(f"start={self.start}: needs --shard, since every shard counts its own records")
        if self.shard is not None and self.shard >= self.shards:
            raise InputError(f"shard={self.shard}: must be below --shards, which is {self.shards}")

    def changing(self, artifact: Artifact, steering: Steering) -> Changes | None:
        """The changes that records are; None where they are rows of their own.

        Raises:
            InputError: changes that make no sense, or do not fit artifact, key or steering.
        """
        if self.changes is None:
            return None
        stream = {"stream": "sample", "topic": "sample", "shards": self.shards, "key": self.key, "steer": steering}
        form = part_of("changes", self.changes)
        spec = from_mapping({**stream, "changes": {} if form is None else form}, Path())
        check_fits(spec, artifact)
        assert spec.changes is not None
        return Changes(spec.changes)

    def ranges(self, fractions: Sequence[float]) -> list[tuple[int, int, int]]:
        """Shard, first and last sequence (exclusive) of what is written, in order.

        Args:
            fractions: which part of the stream's records each shard has.
        """
        if self.shard is not None:
            return [(self.shard, self.start, self.start + self.rows)]
        counts = [share(self.rows, shard, fractions) for shard in range(self.shards)]
        return [(shard, 0, count) for shard, count in enumerate(counts) if count]


@click.command("sample")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--rows", required=True, type=click.IntRange(1), help="How many records.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File: .csv, .csv.gz, .parquet or .jsonl.")
@click.option("--seed", default=0, show_default=True, help="The stream's seed.")
@click.option("--epoch", default=0, show_default=True, type=click.IntRange(0), help="The stream's epoch.")
@click.option(
    "--shards", default=1, show_default=True, type=click.IntRange(1), help="Into how many shards the stream is split."
)
@click.option("--shard", type=click.IntRange(0), help="Only this shard; --rows are then its records.")
@click.option(
    "--start", default=0, show_default=True, type=click.IntRange(0), help="With --shard: the first sequence number."
)
@click.option(
    "--key",
    default="surrogate",
    show_default=True,
    type=KeyType(),
    help="What the stream is keyed by; also as in '{column: NAME}'.",
)
@click.option("--given", metavar="COLUMN=VALUE", multiple=True, help="A value to hold a column at; repeatable.")
@shares_option
@click.option(
    "--changes",
    metavar="YAML",
    help="Write changes as a stream's file has them, as in '{form: upserts, deletes: 0.1}'.",
)
@dry_run
@as_json
def sample_command(as_json: bool, dry_run: bool, **flags: Any) -> None:
    """Write the records that `publish` sends under the same seed, epoch, shards, key and steering, shard by shard.

    Of changes a file has the rows after, of a delete the row before, with __op (c, u or d) and the entity's __key.
    """
    asked = Asked(**flags)
    writable(asked.out)
    artifact = load_artifact(asked.folder)
    steering = asked_steering(artifact, asked.given, asked.shares, None, asked.key)
    how, changes = steered(artifact.generator, steering), asked.changing(artifact, steering)
    schema = artifact.schema if changes is None else flat_schema(artifact.schema)
    population = population_of(artifact.generator, asked.key, asked.shards)
    sources = [
        (Source(artifact, asked.seed, asked.epoch, shard, asked.shards, population=population), start, stop)
        for shard, start, stop in asked.ranges(fractions_of(population, asked.shards))
    ]
    if not dry_run:

        def rows(source: Source, start: int, stop: int) -> Iterator[pa.RecordBatch]:
            if changes is None:
                return source.rows(start, stop, how)
            return flat(changes, source, Content(steering=steering), (start, stop))

        write_table((batch for each in sources for batch in rows(*each)), schema, asked.out)
    facts = {"artifact": artifact.identity, "rows": asked.rows, "shards": asked.shards, "seed": asked.seed}
    show({**facts, "would_write" if dry_run else "file": str(asked.out)}, as_json)
