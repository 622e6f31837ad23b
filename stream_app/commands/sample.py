"""`synthstream sample`: the records a stream publishes, written to a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from connectors.files import writable, write_table
from generators.artifact import load_artifact
from generators.blocks import Source
from generators.population import population_of
from generators.steered import steered
from schemas.errors import InputError
from schemas.keying import Keying
from stream_app.options import KeyType, as_json, dry_run, shares_option, show
from stream_app.recipe import fractions_of
from stream_app.schedule import share
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

    def __post_init__(self) -> None:
        if self.shard is None and self.start:
            raise InputError(f"start={self.start}: needs --shard, since every shard counts its own records")
        if self.shard is not None and self.shard >= self.shards:
            raise InputError(f"shard={self.shard}: must be below --shards, which is {self.shards}")

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
@dry_run
@as_json
def sample_command(as_json: bool, dry_run: bool, **flags: Any) -> None:
    """Write the records that `publish` sends under the same seed, epoch, shards, key and steering, shard by shard."""
    asked = Asked(**flags)
    writable(asked.out)
    artifact = load_artifact(asked.folder)
    how = steered(artifact.generator, asked_steering(artifact, asked.given, asked.shares, None, asked.key))
    population = population_of(artifact.generator, asked.key, asked.shards)
    sources = [
        (Source(artifact, asked.seed, asked.epoch, shard, asked.shards, population=population), start, stop)
        for shard, start, stop in asked.ranges(fractions_of(population, asked.shards))
    ]
    if not dry_run:
        records = (batch for source, start, stop in sources for batch in source.rows(start, stop, how))
        write_table(records, artifact.schema, asked.out)
    facts = {"artifact": artifact.identity, "rows": asked.rows, "shards": asked.shards, "seed": asked.seed}
    show({**facts, "would_write" if dry_run else "file": str(asked.out)}, as_json)
