"""A table under rules of every kind, and generators that keep them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.artifact import Artifact
from generators.blocks import Source
from generators.constraints.constrained import Constrained
from generators.constraints.rows import ruled
from generators.fitting import fit_artifact
from generators.randomness import uniforms
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.rows import Rows
from schemas.rule_forms import rules_of
from schemas.rules import Rule
from schemas.table import Column, Kind, Role, TableSchema
from tests.generators.tables import Made, brief, ignore, table

FORMS: Sequence[dict[str, Any]] = (
    {"rule": "range", "column": "pieces", "low": 1, "high": 40},
    {"rule": "allowed", "column": "rate", "values": [0, 7, 19]},
    {"rule": "allowed", "column": "carrier", "values": ["DHL", "UPS"]},
    {"rule": "not_null", "column": "country"},
    {"rule": "compare", "left": "net", "op": "<=", "right": "gross"},
    {"rule": "compare", "left": "came", "op": ">", "right": "placed"},
    {"rule": "compare", "left": "home", "op": "==", "right": "bill"},
    {"rule": "ordered", "columns": ["placed", "shipped", "came"]},
    {"rule": "combinations", "columns": ["country", "currency"], "rows": [["DE", "EUR"], ["FR", "EUR"], ["PL", "PLN"]]},
    {"rule": "formula", "column": "total", "expression": "pieces + extra"},
    {"rule": "formula", "column": "gross", "expression": "net * (1 + rate / 100)", "tolerance": 0.0051},
    {"rule": "matches", "column": "plate", "pattern": "B[0-9]{4}[A-Z]+"},
    {"rule": "unique", "columns": ["id"]},
    {"rule": "unique", "columns": ["code"]},
    {
        "rule": "implies",
        "if": {"rule": "allowed", "column": "country", "values": ["DE"]},
        "then": {"rule": "allowed", "column": "rate", "values": [7, 19]},
    },
    {
        "rule": "implies",
        "if": {"rule": "is_null", "column": "shipped"},
        "then": {"rule": "range", "column": "pieces", "high": 30},
    },
    {"rule": "predicate", "expression": "pieces < 3 * extra + 45 or rate == 0"},
)
"""Rules of every kind that stands on its own; `is_null` stands in a condition."""

RULES: tuple[Rule, ...] = rules_of(list(FORMS))
BLOCK = 4_096


@cache
def shop(rows: int = 3_000) -> Made:
    """Orders that meet the rules, all but every hundredth, whose total is off by one."""
    rng = np.random.Generator(np.random.PCG64(11))
    country = rng.choice(["DE", "FR", "PL"], rows, p=[0.5, 0.3, 0.2])
    pieces, extra = rng.integers(1, 31, rows), rng.integers(0, 9, rows)
    rate = np.where(country == "DE", rng.choice([7, 19], rows), rng.choice([0, 7, 19], rows))
    net = np.round(rng.gamma(2, 10, rows), 2)
    days = rng.integers(0, 300, rows)
    first = date(2024, 1, 1)
    shipped, came = days + rng.poisson(2, rows), days + 4 + rng.poisson(2, rows)
    came = np.maximum(came, shipped)
    gone = rng.random(rows) < 0.1
    home = rng.choice(["N", "S"], rows, p=[0.7, 0.3]).tolist()
    start = datetime(2024, 1, 1, tzinfo=UTC)

    def on(numbers: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None) -> list[date | None]:
        there = ~(np.zeros(rows, bool) if missing is None else missing)
        return [first + timedelta(int(n)) if here else None for n, here in zip(numbers, there, strict=True)]

    total = pieces + extra + (np.arange(rows) % 100 == 99)
    return table(
        [
            (Column("id", Kind.INTEGER, role=Role.KEY), list(range(1, rows + 1))),
            (Column("code", Kind.TEXT, role=Role.IDENTIFIER), [f"K{i:05d}" for i in range(rows)]),
            (Column("country", Kind.CATEGORY), country.tolist()),
            (Column("currency", Kind.CATEGORY), np.where(country == "PL", "PLN", "EUR").tolist()),
            (
                Column("carrier", Kind.TEXT, nullable=True),
                [None if g else "DHL" if n % 3 else "UPS" for n, g in zip(days, gone, strict=True)],
            ),
            (Column("home", Kind.CATEGORY), home),
            (Column("bill", Kind.CATEGORY), home),
            (Column("pieces", Kind.INTEGER), pieces.tolist()),
            (Column("extra", Kind.INTEGER), extra.tolist()),
            (Column("total", Kind.INTEGER), total.tolist()),
            (Column("placed", Kind.DATE), on(days)),
            (Column("shipped", Kind.DATE, nullable=True), on(shipped, gone)),
            (Column("came", Kind.DATE), on(came)),
            (
                Column("at", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"),
                [start + timedelta(minutes=int(n)) for n in days],
            ),
            (Column("rate", Kind.INTEGER), rate.tolist()),
            (Column("net", Kind.NUMBER, decimals=2), net.tolist()),
            (Column("gross", Kind.NUMBER, decimals=2), np.round(net * (1 + rate / 100), 2).tolist()),
            (Column("plate", Kind.TEXT, nullable=True), [f"B{n:04d}XY" for n in rng.integers(0, 400, rows)]),
        ],
        "shop",
    )


@cache
def keeping(model: str, rules: tuple[Rule, ...] = RULES) -> Artifact:
    """A generator of the shop's orders that keeps rules, trained briefly."""
    rows, schema = shop()
    return fit_artifact(ruled(Rows.of(rows), schema, rules), schema, model, brief(model), 0, ignore, reference_rows=1)


def keeper(artifact: Artifact) -> Constrained:
    """What draws it."""
    assert isinstance(artifact.generator, Constrained)
    return artifact.generator


def small(
    columns: list[tuple[Column, list[Any]]], forms: list[dict[str, Any]], model: str = "tabular.copula"
) -> Artifact:
    """A generator of a small table under rules."""
    rows, schema = table(columns)
    return fit_artifact(ruled(Rows.of(rows), schema, rules_of(forms)), schema, model, {}, 0, ignore, reference_rows=1)


def drawn(model: Constrained, n: int = BLOCK, given: dict[str, Any] | None = None, block: int = 0) -> pa.RecordBatch:
    """Rows by numbers of their own."""
    return model.sample(n, uniforms((9, 9), block, n, model.width), given)


def read_back(batch: pa.RecordBatch, schema: TableSchema) -> pa.RecordBatch:
    """What a reader of the topic has: encoded to Avro and decoded."""
    codec = Codec(avro_schema(schema))
    return codec.decode(codec.encode(batch, 1).values()).batch


def blocks(artifact: Artifact, count: int, shards: int = 2) -> pa.Table:
    """The first blocks of each shard, as a reader has them."""
    sources = [Source(artifact, seed=1, epoch=0, shard=shard, shards=shards) for shard in range(shards)]
    return pa.Table.from_batches(
        [read_back(source.block(i), artifact.schema) for source in sources for i in range(count)]
    ).unify_dictionaries()


def violations(rules: Sequence[Rule], rows: pa.Table) -> dict[str, int]:
    """By rule how many of all these rows break it together."""
    batch = rows.combine_chunks().to_batches()[0]
    return {rule.name: int(rule.violations(batch).sum()) for rule in rules}
