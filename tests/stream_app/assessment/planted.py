"""A made-up table whose law is known, and faults that are planted in draws of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.inference import Choices, conform, infer
from schemas.rules import Range, Rule
from schemas.table import TableSchema
from stream_app.assessment.assessed import Assessed, assess
from stream_app.assessment.causes import Causes, Finding
from stream_app.assessment.limits import Limits
from stream_app.assessment.tables import Tables, ground_of
from stream_app.assessment.verdict import Verdict, judge

CITIES = ("Berlin", "Paris", "Praha", "Roma", "Wien")
RULE = Range("size", 0, 60)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def people(rows: int, seed: int) -> pa.Table:
    """Rows of a law with ties between most columns, a rare value and values missing where another says so."""
    rng = rng_of(seed)
    base = rng.normal(size=rows)
    size = np.clip(np.round(25 + 8 * (0.8 * base + 0.6 * rng.normal(size=rows)), 1), 0, 60)
    pay = np.round(np.exp(1.5 * (0.7 * base + 0.7 * rng.normal(size=rows))) * 100, 2)
    city = np.clip(np.round(base + rng.normal(size=rows) * 0.6 + 2), 0, 4).astype(int)
    plan = np.where(rng.random(rows) < 0.15, "trial", np.where(base + rng.normal(size=rows) > 0, "gold", "plain"))
    left = rng.random(rows) < 1 / (1 + np.exp(-1.5 * base - (plan == "trial")))
    return pa.table(
        {
            "size": pa.array(size),
            "pay": pa.array(pay, mask=(plan == "trial") & (rng.random(rows) < 0.5)),
            "city": pa.array(np.array(CITIES)[city]).dictionary_encode(),
            "plan": pa.array(plan.astype(str)).dictionary_encode(),
            "visits": pa.array(rng.poisson(np.exp(base / 3) * 4)),
            "left": pa.array(left),
        }
    )


def schema_of(table: pa.Table, target: str | None = None) -> TableSchema:
    found = infer(table, "people", choices=Choices(target=target))
    return replace(found, columns=tuple(replace(column, nullable=True) for column in found))


def tables_of(
    real: pa.Table,
    synthetic: pa.Table,
    holdout: pa.Table | None = None,
    target: str | None = None,
    rules: tuple[Rule, ...] = (),
) -> Tables:
    """The tables of an assessment, as reading makes them."""
    schema = schema_of(real, target)
    sides = [None if each is None else conform(each, schema) for each in (real, synthetic, holdout)]
    assert sides[0] is not None
    fewest = min(each.num_rows for each in sides if each is not None)
    ground = ground_of(sides[0], schema, fewest, target, rules)
    return Tables.of(ground, sides)


def judged(tables: Tables) -> tuple[Assessed, Verdict, tuple[Finding, ...]]:
    assessed = assess(tables, lambda done, doing: None)
    verdict = judge(assessed, Limits())
    return assessed, verdict, Causes(assessed, verdict).find()


def put(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def shuffled(table: pa.Table, *names: str) -> pa.Table:
    for place, name in enumerate(names):
        order = rng_of(100 + place).permutation(table.num_rows)
        table = put(table, name, table.column(name).take(order).combine_chunks())
    return table


def evenly(values: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.float64]:
    """Values drawn evenly inside bins of equal probability."""
    edges = np.quantile(values, np.linspace(0, 1, bins + 1))
    at = np.clip(np.searchsorted(edges, values, "right") - 1, 0, bins - 1)
    return np.asarray(edges[at] + (edges[at + 1] - edges[at]) * rng_of(7).random(len(values)))


def _even(table: pa.Table, real: pa.Table) -> pa.Table:
    size = np.round(evenly(table.column("size").to_numpy(), 4), 1)
    return put(table, "size", pa.array(size))


def _copied(table: pa.Table, real: pa.Table) -> pa.Table:
    part = table.num_rows // 20
    return pa.concat_tables([real.slice(0, part), table.slice(part)]).unify_dictionaries().combine_chunks()


def _dropped(table: pa.Table, real: pa.Table) -> pa.Table:
    plans = table.column("plan").to_pylist()
    return table.filter(pa.array([plan != "trial" for plan in plans])).combine_chunks()


def _broken(table: pa.Table, real: pa.Table) -> pa.Table:
    size = table.column("size").to_numpy().copy()
    size[:25] = 61.0
    return put(table, "size", pa.array(size))


FAULTS: Mapping[str, Callable[[pa.Table, pa.Table], pa.Table]] = {
    "independent columns": lambda table, real: shuffled(table, *table.column_names),
    "copied rows": _copied,
    "mode dropped": _dropped,
    "target shuffled": lambda table, real: shuffled(table, "left"),
    "broken rule": _broken,
    "even inside wide bins": _even,
}
"""What is planted, by the name it is to be found under."""
