from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import entropy

from schemas.pairs import MAX_PAIRS, SURELY, shared_information, strongest_pairs
from schemas.profile import profile_table
from schemas.table import Column, Kind, Role, TableSchema


def rows(n: int, seed: int = 0) -> tuple[pa.Table, TableSchema]:
    rng = np.random.Generator(np.random.PCG64(seed))
    a = rng.normal(0, 1, n).round(3)
    b = (a + rng.normal(0, 0.2, n)).round(3)
    c = np.where(a + rng.normal(0, 1, n) > 0, "up", "down")
    alone = rng.choice(["x", "y", "z"], n)
    schema = TableSchema(
        "t",
        (
            Column("id", Kind.INTEGER, role=Role.KEY),
            Column("a", Kind.NUMBER, decimals=3),
            Column("b", Kind.NUMBER, decimals=3),
            Column("c", Kind.CATEGORY),
            Column("alone", Kind.CATEGORY),
        ),
    )
    texts = [pa.array(text).dictionary_encode() for text in (c, alone)]
    arrays: list[Any] = [pa.array(np.arange(n)), pa.array(a), pa.array(b), *texts]
    return pa.Table.from_arrays(arrays, schema=schema.arrow_schema), schema


def test_it_is_mutual_information_where_there_are_many_rows() -> None:
    counts = np.array([[900_000, 300_000, 100_000], [200_000, 400_000, 700_000]])
    both = counts / counts.sum()
    nats = entropy(both.sum(0)) + entropy(both.sum(1)) - entropy(both.ravel())
    information, above = shared_information(counts)
    assert information == pytest.approx(nats, abs=1e-6)
    assert above > 1_000


def test_chance_alone_is_taken_off() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    found = [shared_information(rng.multinomial(2_000, np.full(64, 1 / 64)).reshape(8, 8)) for _ in range(200)]
    assert np.mean([nats for nats, _ in found]) < 0.2 * 49 / 4_000
    assert np.mean([above > SURELY for _, above in found]) < 0.02


@pytest.mark.parametrize("counts", [[[5, 5]], [[5], [3]], [[0, 0], [0, 7]], [[0, 0], [0, 0]], [[1, 0], [0, 0]]])
def test_what_does_not_vary_says_nothing(counts: list[list[int]]) -> None:
    assert shared_information(np.array(counts)) == (0.0, 0.0)


def test_the_strongest_pairs_come_first_and_chance_is_none() -> None:
    made, schema = rows(8_000)
    found = strongest_pairs(schema, profile_table(made, schema), made.to_batches())
    assert found[0] == ("a", "b")
    assert set(found) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert strongest_pairs(schema, profile_table(made, schema), made.to_batches(), 1) == (("a", "b"),)


def test_their_number_is_bounded() -> None:
    made, _ = rows(2_000)
    names = [f"n{k}" for k in range(12)]
    wide = TableSchema("wide", tuple(Column(name, Kind.NUMBER, decimals=3) for name in names))
    table = pa.Table.from_arrays([made.column("a")] * 12, schema=wide.arrow_schema)
    assert len(list(combinations(names, 2))) > MAX_PAIRS
    assert len(strongest_pairs(wide, profile_table(table, wide), table.to_batches())) == MAX_PAIRS
