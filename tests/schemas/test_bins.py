from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.bins import Bins, bins_of
from schemas.profile import profile_table
from schemas.table import Column, Kind, TableSchema
from tests.generators.tables import AWKWARD, orders, rare_values, table


def bins(column: Column, cells: list[Any]) -> Bins:
    (known,) = profile_table(*table([(column, cells)]))
    return bins_of(column, known)


@pytest.mark.parametrize("name", AWKWARD)
def test_every_cell_of_a_table_is_counted_once(name: str) -> None:
    made, schema = AWKWARD[name]()
    profile = profile_table(made, schema)
    for column in schema:
        found = bins_of(column, profile[column.name])
        counts = found.counts(made.column(column.name))
        assert counts.sum() == made.num_rows
        assert counts.shape == found.expected.shape == (found.size,)
        assert len(set(found.labels)) <= len(found.labels) == found.size
        assert found.expected.sum() == pytest.approx(1)
        assert (found.expected >= 0).all()
        assert counts[found.null] == made.column(column.name).null_count
        assert (np.diff(found.edges) > 0).all()


def test_the_profile_expects_what_the_table_holds() -> None:
    made, schema = orders()
    profile = profile_table(made, schema)
    for column in schema:
        found = bins_of(column, profile[column.name])
        seen = found.counts(made.column(column.name)) / made.num_rows
        rare = rare_values(made.column(column.name))
        rarely = pc.is_in(made.column(column.name).cast(rare.type), value_set=rare)
        moved = rarely.to_pylist().count(True) / made.num_rows
        assert np.abs(np.cumsum(seen - found.expected)).max() < 0.01 + (moved if moved < 0.5 else 0), column.name


def test_numbers() -> None:
    found = bins(Column("n", Kind.INTEGER, nullable=True), [1] * 5 + [2] * 5 + [9] * 5 + [None])
    assert found.labels == ("under 1", "1", "2", "3 to 8", "9", "over 9", "null")
    codes = found.codes(pa.array([0, 1, 2, 9, 10, None]))
    assert codes[0] == 0
    assert codes[-1] == found.null == found.size - 1
    assert codes[-2] == found.size - 2
    assert (np.diff(codes[:5]) > 0).all()
    assert found.ordered
    assert found.unseen is None


def test_numbers_that_are_no_numbers() -> None:
    found = bins(Column("x", Kind.NUMBER, nullable=True), [k / 7 for k in range(700)])
    codes = found.codes(pa.array([float("nan"), float("inf"), -float("inf"), None]))
    assert codes.tolist() == [found.null, found.size - 2, 0, found.null]


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_table_and_search_agree(decimals: int) -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    values = np.round(rng.gamma(2, 20, 5_000), decimals)
    column = Column("x", Kind.NUMBER, decimals=decimals)
    found = bins(column, values.tolist())
    tried = np.round(np.concatenate([values, rng.normal(50, 80, 5_000)]), decimals)
    searched = np.searchsorted(found.edges, tried, side="right")
    assert found.codes(pa.array(tried)).tolist() == searched.tolist()


def test_a_frequent_value_has_its_own_cell() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    found = bins(Column("x", Kind.NUMBER), [0.0] * 500 + rng.normal(0, 1, 500).tolist())
    zero, near = found.codes(pa.array([0.0, np.nextafter(0, 1)]))
    assert zero != near
    assert found.expected[zero] == pytest.approx(0.5)


def test_categories() -> None:
    found = bins(Column("c", Kind.CATEGORY, nullable=True), ["b"] * 6 + ["a"] * 5 + ["rare", None])
    assert found.labels == ("b", "a", "unseen", "null")
    assert (found.unseen, found.null, found.ordered) == (2, 3, False)
    plain = pa.array(["a", None, "rare", "b", "new"])
    assert found.codes(plain).tolist() == [1, 3, 2, 0, 2]
    assert found.codes(plain.dictionary_encode()).tolist() == [1, 3, 2, 0, 2]
    assert found.codes(plain.dictionary_encode().slice(2, 2)).tolist() == [2, 0]
    assert found.codes(pa.array([], pa.string())).tolist() == []
    nulls = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array([None, "a"], pa.string()))
    assert found.codes(nulls).tolist() == [3, 1]


def test_booleans_and_text() -> None:
    flags = bins(Column("b", Kind.BOOLEAN), [True] * 9 + [False] * 5)
    assert flags.codes(pa.array([True, False, None])).tolist() == [0, 1, 3]
    notes = bins(Column("t", Kind.TEXT, nullable=True), ["x", None, "y", "z"])
    assert notes.labels == ("present", "null")
    assert notes.codes(pa.array(["q", None])).tolist() == [0, 1]
    assert notes.expected.tolist() == [0.75, 0.25]


def test_dates_say_their_days() -> None:
    column = Column("d", Kind.DATE)
    found = bins(column, [date(2024, 2, 28)] * 5 + [date(2024, 3, 1)] * 5)
    assert found.labels[0] == "under 2024-02-28"
    assert found.labels[-2] == "over 2024-03-01"
    assert found.codes(pa.array([date(2024, 2, 27), date(2024, 3, 2)])).tolist() == [0, found.size - 2]


def test_instants_say_their_seconds() -> None:
    made, schema = orders()
    schema = TableSchema("t", (schema["at"],))
    found = bins_of(schema["at"], profile_table(made.select(["at"]), schema)["at"])
    assert found.labels[0] == "under 2024-01-01T00:00:00Z"
