"""The laws every generator keeps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import generators
from generators.base import Generator
from generators.blocks import Source
from generators.randomness import uniforms
from schemas.errors import InputError
from schemas.numeric import as_numbers
from schemas.profile import profile_table
from schemas.table import Kind
from tests.generators.tables import AWKWARD, Made, flights, flights_artifact, ignore, orders, rare_values

KEY = (3, 5)
ROWS = 600


def fitted(name: str, made: Made) -> Generator:
    table, schema = made
    generator = generators.load(name)
    settings = generators.settings_for(generator, {})
    return generator.fit(table, schema, profile_table(table, schema), settings, 0, ignore)


def drawn(model: Generator, rows: int = ROWS, given: dict[str, Any] | None = None) -> pa.RecordBatch:
    return model.sample(rows, uniforms(KEY, 0, rows, model.width), given)


@pytest.fixture(params=generators.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=AWKWARD)
def made(request: pytest.FixtureRequest) -> Made:
    return AWKWARD[request.param]()


def test_a_batch_keeps_its_shape_and_its_domain(name: str, made: Made) -> None:
    schema = made[1]
    model = fitted(name, made)
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
    batch = drawn(fitted(name, (table, schema)), 20_000)
    for column in schema:
        if column.name in ("exact", "size"):  # continuous: any number in reach may come out, none is stored
            continue
        real = table.column(column.name)
        secret = rare_values(real, 10**9 if column.is_surrogate else 5)
        cells = batch.column(column.name).cast(secret.type)
        assert not pc.any(pc.is_in(cells.drop_null(), value_set=secret)).as_py(), column.name


def test_the_uniforms_decide_and_nothing_else(name: str, made: Made) -> None:
    model = fitted(name, made)
    before = np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    first = drawn(model)
    assert drawn(model).equals(first)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index] # noqa: NPY002
    assert fitted(name, made).sample(ROWS, uniforms(KEY, 0, ROWS, model.width)).equals(first)


def test_the_weights_are_the_whole_model(name: str, made: Made) -> None:
    model = fitted(name, made)
    again = type(model).from_weights(model.weights(), model.schema, model.profile)
    assert again.width == model.width
    assert drawn(again).equals(drawn(model))


def test_a_sliced_table_fits_like_a_copy(name: str) -> None:
    table, schema = orders(700)
    copied = pa.Table.from_pylist(table.slice(100, 500).to_pylist(), schema=schema.arrow_schema)
    sliced = fitted(name, (table.slice(100, 500), schema))
    assert drawn(sliced).equals(drawn(fitted(name, (copied, schema))))


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
    model = fitted(name, orders())
    batch = drawn(model, given={column: value})
    assert set(batch.column(column).to_pylist()) == {value}
    assert batch.schema.equals(model.schema.arrow_schema)
    assert len(pc.unique(batch.column("at"))) > 100


def test_given_columns_may_be_several(name: str) -> None:
    batch = drawn(fitted(name, orders()), given={"colour": "red", "pieces": None, "size": -1.0})
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
        ({"uuid": "abc"}, "uuid=abc: the column's values are invented"),
    ],
)
def test_a_bad_given_is_refused(name: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        drawn(fitted(name, orders(500)), given=given)


def test_nothing_rare_of_the_flights_is_stored_or_drawn(name: str) -> None:
    table, _ = flights()
    artifact = flights_artifact(name)
    tails = table.column("tailnum").drop_null().unique().to_pylist()
    stored = b"".join(array.tobytes() for array in artifact.generator.weights().values())
    stored += json.dumps(artifact.profile.to_json()).encode()
    assert len(tails) == 4_043
    assert [t for t in tails if str(t).encode() in stored] == []
    rows = pa.Table.from_batches(Source(artifact, seed=1, epoch=0, shard=0, shards=1).rows(0, 1_000_000))
    assert rows.num_rows == 1_000_000
    for column in artifact.schema:
        secret = rare_values(table.column(column.name), 10**9 if column.name == "tailnum" else 5)
        cells = rows.column(column.name).cast(secret.type)
        assert not pc.any(pc.is_in(cells.drop_null(), value_set=secret)).as_py(), column.name
        known = artifact.profile[column.name]
        if known.knots:
            rare = as_numbers(column, secret)[0]
            assert np.intersect1d(known.knots, rare).size == 0, column.name
        assert not set(known.values) & set(secret.cast(pa.string()).to_pylist()), column.name
