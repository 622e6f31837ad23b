"""`synthstream sample`: the records a stream publishes, written to a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from connectors.files import writable, write_table
from generators.artifact import Artifact, load_artifact
from generators.blocks import Source
from schemas.errors import InputError
from stream_app.options import as_json, dry_run, show
from stream_app.schedule import share


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
    shards: int
    shard: int | None
    start: int

    def __post_init__(self) -> None:
        if self.shard is None and self.start:
            raise InputError(f"start={self.start}: needs --shard, since every shard counts its own records")
        if self.shard is not None and self.shard >= self.shards:
            raise InputError(f"shard={self.shard}: must be below --shards, which is {self.shards}")

    @property
    def ranges(self) -> list[tuple[int, int, int]]:
        """Shard, first and last sequence (exclusive) of what is written, in order."""
        if self.shard is not None:
            return [(self.shard, self.start, self.start + self.rows)]
        return [(shard, 0, share(self.rows, shard, self.shards)) for shard in range(self.shards)]


@click.command("sample")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--rows", required=True, type=click.IntRange(1), help="How many records.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File: .csv, .csv.gz, .parquet or .jsonl.")
@click.option("--seed", default=0, show_default=True, help="The stream's seed.")
@click.option(
    "--shards", default=1, show_default=True, type=click.IntRange(1), help="Into how many shards the stream is split."
)
@click.option("--shard", type=click.IntRange(0), help="Only this shard; --rows are then its records.")
@click.option(
    "--start", default=0, show_default=True, type=click.IntRange(0), help="With --shard: the first sequence number."
)
@dry_run
@as_json
def sample_command(as_json: bool, dry_run: bool, **flags: Any) -> None:
    """Write the records that `publish` sends under the same seed and shards, by shard and then by sequence."""
    asked = Asked(**flags)
    writable(asked.out)
    artifact = load_artifact(asked.folder)
    if not dry_run:
        write_table(_records(artifact, asked), artifact.schema, asked.out)
    facts = {"artifact": artifact.identity, "rows": asked.rows, "shards": asked.shards, "seed": asked.seed}
    show({**facts, "would_write" if dry_run else "file": str(asked.out)}, as_json)


def _records(artifact: Artifact, asked: Asked) -> Iterator[pa.RecordBatch]:
    for shard, start, stop in asked.ranges:
        yield from Source(artifact, asked.seed, 0, shard, asked.shards).rows(start, stop)
