"""Whether every kind of rule is kept by every record, read back from Avro, and how fast such records are drawn.

For each kind a generator is trained on a made-up table under a rule of that kind. Its records, over four shards, are
drawn, encoded and decoded, and those that break the rule are counted; for uniqueness all values of the stream are held
against each other. Rows a second are of drawing alone, on all cores; the last line is all rules at once. The exit code
is 1 where any record breaks a rule.

    python -m benchmarks.rules [--rows 10000000] [--model tabular.copula] [--json FILE]
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.constraints.rows import ruled
from generators.fitting import fit_artifact
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.joint_rules import Unique
from schemas.rows import Rows
from schemas.rule_forms import rules_of
from schemas.rules import Rule
from schemas.table import Column, Kind, Role, TableSchema

SHARDS = 4
AHEAD = 32
"""Blocks that are drawn before their counts are taken."""

CURRENCIES = {"DE": "EUR", "FR": "EUR", "PL": "PLN", "CZ": "CZK"}

FORMS: Mapping[str, Mapping[str, Any]] = {
    "range": {"rule": "range", "column": "pieces", "low": 1, "high": 25},
    "allowed": {"rule": "allowed", "column": "rate", "values": [0, 7, 19, 21, 23]},
    "allowed (text)": {"rule": "allowed", "column": "carrier", "values": ["DHL", "UPS", "GLS"]},
    "not_null": {"rule": "not_null", "column": "came"},
    "compare": {"rule": "compare", "left": "net", "op": "<=", "right": "gross"},
    "compare (dates)": {"rule": "compare", "left": "placed", "op": "<", "right": "came"},
    "ordered (dates)": {"rule": "ordered", "columns": ["placed", "shipped", "came"]},
    "combinations": {"rule": "combinations", "columns": ["country", "currency"], "rows": [*CURRENCIES.items()]},
    "formula (sum)": {"rule": "formula", "column": "total", "expression": "gross + freight"},
    "formula": {"rule": "formula", "column": "gross", "expression": "net * (1 + rate / 100)", "tolerance": 0.0051},
    "matches": {"rule": "matches", "column": "plate", "pattern": "B[0-9]{4}[A-Z]+"},
    "unique (key)": {"rule": "unique", "columns": ["id"]},
    "unique": {"rule": "unique", "columns": ["code"]},
    "implies": {
        "rule": "implies",
        "if": {"rule": "allowed", "column": "country", "values": ["DE"]},
        "then": {"rule": "allowed", "column": "rate", "values": [7, 19]},
    },
    "implies (is_null)": {
        "rule": "implies",
        "if": {"rule": "is_null", "column": "shipped"},
        "then": {"rule": "range", "column": "pieces", "high": 10},
    },
    "predicate": {"rule": "predicate", "expression": "freight < 3 + pieces or net > 30"},
}
"""A rule of every kind, and what is tried of it."""


@dataclass(frozen=True)
class Figures:
    """What came of one kind of rule.

    Args:
        kind: the kind, and what is tried of it.
        rows: records read back.
        violations: those that break the rule, or repeat a value of the stream.
        rows_per_s: records drawn a second.
    """

    kind: str
    rows: int
    violations: int
    rows_per_s: float


def made_up(rows: int = 20_000) -> tuple[pa.Table, TableSchema]:
    """Orders that meet every rule, always the same."""
    rng = np.random.default_rng(0)
    country = rng.choice([*CURRENCIES], rows, p=[0.5, 0.25, 0.15, 0.1])
    rate = np.where(country == "DE", rng.choice([7, 19], rows), rng.choice([0, 7, 21, 23], rows))
    gone = rng.random(rows) < 0.1
    pieces = np.where(gone, rng.integers(1, 11, rows), rng.integers(1, 26, rows))
    net = np.round(rng.gamma(2, 12, rows), 2)
    gross = np.round(net * (1 + rate / 100), 2)
    freight = np.round(np.minimum(rng.gamma(2, 2, rows), 2.99 + pieces), 2)
    placed = rng.integers(19_000, 19_600, rows)
    shipped = placed + rng.poisson(2, rows)
    came = shipped + 1 + rng.poisson(3, rows)
    days = [
        pa.array(d.astype(np.int32), mask=m).view(pa.date32())
        for d, m in ((placed, None), (shipped, gone), (came, None))
    ]
    columns: list[tuple[Column, pa.Array[Any]]] = [
        (Column("id", Kind.INTEGER, role=Role.KEY), pa.array(np.arange(1, rows + 1))),
        (Column("code", Kind.TEXT, role=Role.IDENTIFIER), pa.array([f"K{i:06d}" for i in range(rows)])),
        (Column("country", Kind.CATEGORY), _category(country)),
        (Column("currency", Kind.CATEGORY), _category(np.array([CURRENCIES[c] for c in country]))),
        (Column("carrier", Kind.TEXT), pa.array(rng.choice(["DHL", "UPS", "GLS"], rows).tolist())),
        (Column("pieces", Kind.INTEGER), pa.array(pieces)),
        (Column("rate", Kind.INTEGER), pa.array(rate)),
        (Column("net", Kind.NUMBER, decimals=2), pa.array(net)),
        (Column("gross", Kind.NUMBER, decimals=2), pa.array(gross)),
        (Column("freight", Kind.NUMBER, decimals=2), pa.array(freight)),
        (Column("total", Kind.NUMBER, decimals=2), pa.array(np.round(gross + freight, 2))),
        (Column("placed", Kind.DATE), days[0]),
        (Column("shipped", Kind.DATE, nullable=True), days[1]),
        (Column("came", Kind.DATE), days[2]),
        (Column("plate", Kind.TEXT), pa.array([f"B{n:04d}XY" for n in rng.integers(0, 3_000, rows)])),
    ]
    schema = TableSchema("orders", tuple(column for column, _ in columns))
    return pa.table([array for _, array in columns], schema=schema.arrow_schema), schema


def _category(values: Any) -> pa.Array[Any]:
    coded: pa.Array[Any] = pa.array(values.tolist()).dictionary_encode()
    return coded


def measure(kind: str, rules: Sequence[Rule], model: str, rows: int) -> Figures:
    """Train under rules, then draw, encode, decode and judge so many records.

    Args:
        kind: what the figures are called.
        rules: what is kept.
        model: the generator.
        rows: how many records, rounded up to whole blocks of every shard.
    """
    table, schema = made_up()
    artifact = fit_artifact(ruled(Rows.of(table), schema, rules), schema, model, {}, 0, lambda share, what: None, 1)
    codec = Codec(avro_schema(schema))
    alone = [rule for rule in rules if not isinstance(rule, Unique)]
    seen: dict[str, list[pa.Array[Any]]] = {r.name: [] for r in rules if isinstance(r, Unique)}
    broken, count, began, judged_s = 0, 0, time.perf_counter(), 0.0
    for batch in _blocks(artifact, rows):
        start = time.perf_counter()
        read = codec.decode(codec.encode(batch, 1).values()).batch
        broken += int(np.logical_or.reduce([np.zeros(read.num_rows, bool), *(r.violations(read) for r in alone)]).sum())
        for rule in rules:
            if rule.name in seen:
                seen[rule.name].append(_plain(read.column(rule.columns[0])))
        count += read.num_rows
        judged_s += time.perf_counter() - start
    drawn_s = time.perf_counter() - began - judged_s
    for arrays in seen.values():
        values = pa.chunked_array(arrays)
        broken += len(values) - pc.count_distinct(values).as_py()
    return Figures(kind, count, broken, count / drawn_s)


def _plain(column: pa.Array[Any]) -> pa.Array[Any]:
    return column.cast(pa.string()) if isinstance(column, pa.DictionaryArray) else column


def _blocks(artifact: Artifact, rows: int) -> Iterator[pa.RecordBatch]:
    """The first blocks of all shards, drawn on all cores a few ahead."""
    sources = [Source(artifact, seed=1, epoch=0, shard=shard, shards=SHARDS) for shard in range(SHARDS)]
    numbers = range(-(-rows // BLOCK_ROWS))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for first in range(0, len(numbers), AHEAD):
            some = numbers[first : first + AHEAD]
            yield from list(threads.map(lambda n: sources[n % SHARDS].block(n // SHARDS), some))


@click.command()
@click.option("--rows", default=10_000_000, show_default=True, help="Records of every kind of rule.")
@click.option("--model", default="tabular.copula", show_default=True, help="The generator.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(rows: int, model: str, file: Path | None) -> None:
    """Hold every kind of rule against the records drawn under it."""
    every = rules_of(list(FORMS.values()))
    found: list[Figures] = []
    click.echo(f"{'rule':20} {'records':>12} {'violations':>12} {'records/s':>12}")
    for kind, rules in (*((kind, [rule]) for kind, rule in zip(FORMS, every, strict=True)), ("all", every)):
        found.append(measure(kind, rules, model, rows))
        click.echo(f"{kind:20} {found[-1].rows:12,} {found[-1].violations:12,} {found[-1].rows_per_s:12,.0f}")
    if file is not None:
        file.write_text(json.dumps([asdict(figures) for figures in found], indent=2) + "\n")
    sys.exit(int(any(figures.violations for figures in found)))


if __name__ == "__main__":
    main()
