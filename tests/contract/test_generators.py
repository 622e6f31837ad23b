"""The laws every generator keeps."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import chi2_contingency

import generators
from generators.base import Generator
from generators.blocks import Source
from generators.randomness import uniforms
from generators.task import Task
from schemas.errors import InputError
from schemas.numeric import as_numbers
from schemas.table import Kind
from tests.generators.tables import (
    AWKWARD,
    BRIEF,
    Made,
    brief,
    flights,
    flights_artifact,
    only_invented,
    orders,
    rare_values,
)

MADE = AWKWARD | {"only_invented": only_invented}
KEY = (3, 5)
ROWS = 600
QUICK = ("tabular.copula", "tabular.marginals", "tabular.mixture")
FLIGHTS_DRAWN, FEW_FLIGHTS = 1_000_000, 50_000
"""Flights that quick generators draw, and others."""


def afresh(name: str, made: Made) -> Generator:
    """A model, fitted for this test alone."""
    table, schema = made
    generator = generators.load(name)
    settings = generators.settings_for(generator, brief(name))
    return generator.fit(Task.of(table, schema, settings))


@cache
def fitted(name: str, made: str = "orders") -> Generator:
    """A model, fitted once for all tests: drawing changes none, which is a law too."""
    return afresh(name, MADE[made]())


def drawn(model: Generator, rows: int = ROWS, given: dict[str, Any] | None = None) -> pa.RecordBatch:
    return model.sample(rows, uniforms(KEY, 0, rows, model.width), given)


@pytest.fixture(params=generators.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=MADE)
def made(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_batch_keeps_its_shape_and_its_domain(name: str, made: str) -> None:
    model = fitted(name, made)
    schema = model.schema
    batch = drawn(model)
    batch.validate(full=True)
    assert batch.num_rows == ROWS
    assert batch.schema.equals(schema.arrow_schema)
    for column in schema:
        array, known = batch.column(column.name), model.profile[column.name]
        if not column.nullable:
            assert array.null_count == 0
        if known.nulls == known.rows:
            assert array.null_count == ROWS
        if known.values:
            assert set(array.drop_null().cast(pa.string()).to_pylist()) <= set(known.values)
        if column.kind is Kind.NUMBER and known.knots and len(array.drop_null()):
            assert known.knots[0] <= pc.min(array).as_py()
            assert pc.max(array).as_py() <= known.knots[-1]


def test_no_value_of_fewer_than_five_rows_comes_out(name: str) -> None:
    table, schema = orders()
    batch = drawn(fitted(name), 20_000)
    for column in schema:
        if column.name in ("exact", "size"):  # continuous: any number in reach may come out, none is stored
            continue
        real = table.column(column.name)
        secret = rare_values(real, 10**9 if column.is_surrogate else 5)
        cells = batch.column(column.name).cast(secret.type)
        assert not pc.any(pc.is_in(cells.drop_null(), value_set=secret)).as_py(), column.name


def test_the_uniforms_decide_and_nothing_else(name: str, made: str) -> None:
    model = fitted(name, made)
    before = np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    first = drawn(model)
    assert drawn(model).equals(first)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index] # noqa: NPY002
    assert afresh(name, MADE[made]()).sample(ROWS, uniforms(KEY, 0, ROWS, model.width)).equals(first)


def test_the_weights_are_the_whole_model(name: str, made: str) -> None:
    model = fitted(name, made)
    again = type(model).from_weights(model.weights(), model.schema, model.profile)
    assert again.width == model.width
    assert drawn(again).equals(drawn(model))


def test_a_sliced_table_fits_like_a_copy(name: str) -> None:
    table, schema = orders(700)
    copied = pa.Table.from_pylist(table.slice(100, 500).to_pylist(), schema=schema.arrow_schema)
    sliced = afresh(name, (table.slice(100, 500), schema))
    assert drawn(sliced).equals(drawn(afresh(name, (copied, schema))))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pieces", 3),
        ("pieces", None),
        ("colour", "grün"),
        ("paid", True),
        ("paid", None),
        ("exact", 0.5),
        ("size", 0.1),
    ],
)
def test_given_columns_hold_their_value(name: str, column: str, value: Any) -> None:
    model = fitted(name)
    batch = drawn(model, given={column: value})
    assert set(batch.column(column).to_pylist()) == {value}
    assert batch.schema.equals(model.schema.arrow_schema)
    assert len(pc.unique(batch.column("at"))) > 100


def test_given_columns_may_be_several(name: str) -> None:
    batch = drawn(fitted(name), given={"colour": "red", "pieces": None, "size": -1.0})
    assert set(batch.column("colour").to_pylist()) == {"red"}
    assert batch.column("pieces").null_count == ROWS
    assert set(batch.column("size").to_pylist()) == {-1.0}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shape": 1}, "given column='shape': not in the table"),
        ({"colour": None}, "colour=null: the column is never missing"),
        ({"colour": "pink"}, "colour=pink: is not a known value"),
        ({"pieces": 10_000}, "pieces=10000: never drawn"),
        ({"pieces": "many"}, "pieces=many: must be a integer"),
        ({"size": -np.inf}, "size=-inf: never drawn"),
        ({"size": 1e308}, "size=1e\\+308: never drawn"),
        ({"uuid": "abc"}, "uuid=abc: the column's values are invented"),
    ],
)
def test_a_bad_given_is_refused(name: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        drawn(fitted(name), given=given)


def test_nothing_rare_of_the_flights_is_stored_or_drawn(name: str) -> None:
    table, _ = flights()
    artifact = flights_artifact(name)
    tails = table.column("tailnum").drop_null().unique().to_pylist()
    stored = b"".join(array.tobytes() for array in artifact.generator.weights().values())
    stored += json.dumps(artifact.profile.to_json()).encode()
    assert len(tails) == 4_043
    assert [t for t in tails if str(t).encode() in stored] == []
    count = FLIGHTS_DRAWN if name in QUICK else FEW_FLIGHTS
    rows = pa.Table.from_batches(Source(artifact, seed=1, epoch=0, shard=0, shards=1).rows(0, count))
    assert rows.num_rows == count
    for column in artifact.schema:
        secret = rare_values(table.column(column.name), 10**9 if column.name == "tailnum" else 5)
        cells = rows.column(column.name).cast(secret.type)
        assert not pc.any(pc.is_in(cells.drop_null(), value_set=secret)).as_py(), column.name
        known = artifact.profile[column.name]
        if known.knots:
            rare = as_numbers(column, secret)[0]
            assert np.intersect1d(known.knots, rare).size == 0, column.name
        assert not set(known.values) & set(secret.cast(pa.string()).to_pylist()), column.name


HELD_ROWS = 8_192
ALL = pc.CountOptions(mode="all")


@pytest.mark.parametrize("column", ["colour", "paid", "pieces", "plate"])
def test_rows_given_values_in_their_shares_are_rows_as_they_are_drawn_freely(name: str, column: str) -> None:
    """Drawing a column from its domain and the rest given it is drawing the table."""
    model = well_fitted(name)
    domain = model.domain(column)
    assert domain.shares.sum() == pytest.approx(1)
    assert (np.diff(domain.shares) < 1e-9).all()
    u = uniforms((7, 7), 0, HELD_ROWS, 1)[:, 0]
    present = u >= domain.null_share
    rank = np.searchsorted(np.cumsum(domain.shares), (u - domain.null_share) / (1 - domain.null_share), side="right")
    indices: pa.Array[Any] = pa.array(np.minimum(rank.clip(0), len(domain.values) - 1), mask=~present)
    held, free = drawn(model, HELD_ROWS, {column: domain.values.take(indices)}), drawn(model, 4 * HELD_ROWS)
    assert held.column(column).to_pylist() == domain.values.take(indices).to_pylist()
    assert held.schema.equals(free.schema)
    for other in ("size", "colour", "paid", "pieces"):
        if other != column:
            table = pair_counts(held, free, column, other)
            shares = table / table.sum(axis=1, keepdims=True)
            alike = chi2_contingency(table).pvalue > 1e-4
            assert alike or np.abs(shares[0] - shares[1]).sum() / 2 < model.CONDITIONS_OFF, other


@cache
def well_fitted(name: str) -> Generator:
    """A model trained for as long as it takes; a small one where that is long, and a game for a few epochs."""
    table, schema = orders()
    generator = generators.load(name)
    small = {"width": 96, "steps": 8} if "steps" in generator.SETTINGS else BRIEF.get(name, {})
    if "latent" in generator.SETTINGS:
        small = small | {"max_epochs": 20}
    settings = generators.settings_for(generator, small)
    return generator.fit(Task.of(table, schema, settings))


def pair_counts(first: pa.RecordBatch, second: pa.RecordBatch, column: str, other: str) -> npt.NDArray[np.int64]:
    """How often two samples hold each pair of two columns' values, shape (2, pairs); what is rare is pooled."""
    cells = [
        pa.table({"a": batch.column(column).cast(pa.string()), "b": coarse(batch.column(other))}).group_by(["a", "b"])
        for batch in (first, second)
    ]
    counts = [
        {(row["a"], row["b"]): row["a_count"] for row in each.aggregate([("a", "count", ALL)]).to_pylist()}
        for each in cells
    ]
    common = [pair for pair, n in counts[1].items() if n >= 40]
    observed = np.array([[c.get(pair, 0) for pair in common] for c in counts])
    rest = np.array([[sum(c.values())] for c in counts]) - observed.sum(axis=1, keepdims=True)
    return np.hstack([observed, rest]) if rest.sum() > 0 else observed


def coarse(array: pa.Array[Any]) -> pa.Array[Any]:
    """Categories as they are, numbers in steps of one half."""
    if pa.types.is_floating(array.type):
        return pc.floor(pc.multiply(array, 2.0)).cast(pa.string())
    return array.cast(pa.string())


def test_a_domain_has_an_end(name: str) -> None:
    model = fitted(name)
    for column, says in (
        ("size", "size: is a number with decimals"),
        ("uuid", "uuid: has a value of its own in every row"),
        ("id", "id: has a value of its own in every row"),
        ("shape", "column='shape'"),
    ):
        with pytest.raises(InputError, match=says):
            model.domain(column)
