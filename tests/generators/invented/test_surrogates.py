from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from generators.invented.surrogates import Surrogate, Surrogates
from generators.randomness import uniforms
from schemas.profile import profile_table
from schemas.table import Column, Kind, Role
from tests.generators.tables import AWKWARD, table

ROWS = 3_000


def fitted(column: Column, cells: list[Any], seed: int = 0) -> Surrogate:
    made, schema = table([(column, cells)])
    return Surrogate.fit(made.column(0), column, profile_table(made, schema)[column.name], seed)


def drawn(surrogate: Surrogate, rows: int = ROWS) -> list[Any]:
    array = surrogate.draw(uniforms((1, 2), 0, rows, surrogate.width))
    assert array.type == surrogate.column.arrow_type
    assert array.null_count == 0
    return array.to_pylist()


TEXT = Column("t", Kind.TEXT, nullable=True)
NUMBER = Column("n", Kind.INTEGER, role=Role.IDENTIFIER)
WORD = Column("c", Kind.CATEGORY, role=Role.IDENTIFIER)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (TEXT, ["a", "b", "c", "d", "e", "f"] * 9),
        (TEXT, [f"{n:02d}" for n in range(100)] * 9),  # every spelling is real: the format grows
        (TEXT, [f"N{n}UA" for n in range(100, 900)]),
        (TEXT, ["secret"]),
        (TEXT, ["Ann Lee", "Bo"]),
        (TEXT, [None, None]),
        (TEXT, ["", " ", "a\0b", "é", "東京"] * 3),
        (NUMBER, list(range(10))),
        (NUMBER, [-5, 10**18, 2**63 - 1]),
        (NUMBER, [10**18 + 7 * k for k in range(500)]),
        (WORD, [f"id-{k}" for k in range(300)]),
    ],
)
def test_nothing_real_ever_comes_out(column: Column, cells: list[Any]) -> None:
    invented = drawn(fitted(column, cells))
    assert len(invented) == ROWS
    assert not set(invented) & set(cells)


def test_the_format_and_the_popularity_are_kept() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    cells = [f"N{n}UA" for n in 100 + np.minimum(rng.geometric(0.02, 20_000), 800)]
    invented = drawn(fitted(TEXT, cells), 20_000)
    assert all(len(v) == 6 and v[0] == "N" and v[1:4].isdigit() and v[4:] == "UA" for v in invented)

    def frequencies(values: list[str]) -> np.ndarray:
        return np.sort(np.unique(values, return_counts=True)[1])[::-1][:20] / len(values)

    assert np.abs(frequencies(invented) - frequencies(cells)).max() < 0.005


def test_a_real_value_is_no_part_of_an_invented_one() -> None:
    cells = [f"{n}" for n in range(1_000, 3_000, 2)] + [f"{n}" for n in range(100_000, 101_000)]
    invented = set(drawn(fitted(TEXT, cells)))
    assert not [v for v in invented for at in range(3) if v[at : at + 4] in set(cells)]


def test_unique_values_with_room_are_fresh_each_row() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    surrogate = fitted(TEXT, [rng.bytes(16).hex() for _ in range(500)])
    assert (surrogate.pool, surrogate.width) == (None, 2)
    assert len(set(drawn(surrogate))) == ROWS


def test_a_pool_depends_on_the_seed_and_survives_its_arrays() -> None:
    cells = [f"N{n}UA" for n in range(100, 300)] * 3
    first, again, other = fitted(TEXT, cells), fitted(TEXT, cells), fitted(TEXT, cells, seed=1)
    assert drawn(first) == drawn(again) != drawn(other)
    read = Surrogate.from_arrays(first.column, first.profile, first.arrays())
    assert drawn(read) == drawn(first)


@pytest.mark.parametrize("name", AWKWARD)
def test_a_tables_surrogates_survive_their_weights(name: str) -> None:
    made, schema = AWKWARD[name]()
    profile = profile_table(made, schema)
    found = Surrogates.fit(made, schema, profile, 0)
    read = Surrogates.from_weights(found.weights(), schema, profile)
    assert read.width == found.width
    u = uniforms((1, 2), 0, 50, found.width)
    assert {i: a.to_pylist() for i, a in read.draw(u, {}).items()} == {
        i: a.to_pylist() for i, a in found.draw(u, {}).items()
    }
    assert set(found.columns) == {i for i, c in enumerate(schema) if c.is_surrogate}


def test_keys_are_placeholders_above_the_real_ones() -> None:
    invented = drawn(fitted(Column("k", Kind.INTEGER, role=Role.KEY), [1, 70]))
    assert min(invented) == 100
    assert len(pc.unique(pa.array(invented))) == ROWS
