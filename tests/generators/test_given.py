from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.given import alike, held_columns
from generators.invented.surrogates import Surrogates
from schemas.errors import InputError
from schemas.profile import profile_table
from tests.generators.tables import orders

TABLE, SCHEMA = orders(500)
PROFILE = profile_table(TABLE, SCHEMA)
SURROGATES = Surrogates.fit(TABLE, SCHEMA, PROFILE, 0)
PLATE = SCHEMA.names.index("plate")


def held(given: dict[str, Any], n: int = 3) -> dict[int, Any]:
    return held_columns(given, n, SCHEMA, PROFILE, SURROGATES)


def test_one_value_and_an_array_of_it_hold_the_same() -> None:
    for name, value in (("pieces", 3), ("colour", "grün"), ("paid", True), ("paid", "TRUE")):
        one = held({name: value})
        many = held({name: pa.array([value] * 3)})
        at = SCHEMA.names.index(name)
        assert one[at].values.to_pylist() == many[at].values.to_pylist()
        assert one[at].places.tolist() == many[at].places.tolist()
        assert many[at].present.all()


def test_arrays_may_hold_nulls_and_come_in_chunks() -> None:
    chunks = pa.chunked_array([[3, None], [5]])
    column = held({"pieces": chunks})[SCHEMA.names.index("pieces")]
    assert column.places.tolist() == [3, 0, 5]
    assert column.present.tolist() == [True, False, True]


def test_invented_values_may_be_held_at_those_that_were_invented() -> None:
    pool = SURROGATES.columns[PLATE].pool
    assert pool is not None
    plates = pool.take(np.array([4, 4, 0]))
    assert held({"plate": plates})[PLATE].values.to_pylist() == plates.to_pylist()
    with pytest.raises(InputError, match="plate=nobody's: is not among the values invented for it"):
        held({"plate": "nobody's"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pieces": pa.array([1, 2])}, "pieces: has 2 given values for 3 rows; expected one a row"),
        ({"pieces": pa.array(["a", "b", "c"])}, "pieces: given string: must be a integer"),
        ({"pieces": 2**63}, f"pieces={2**63}: must be a integer"),
        ({"size": float("nan")}, "size=nan: must be a number; give null for a missing value"),
        ({"colour": pa.array(["red", None, "red"])}, "colour=null: the column is never missing"),
        ({"uuid": pa.array(["a", "b", "c"])}, "uuid=a: the column's values are invented"),
        ({"id": 3}, "id=3: the column's values are invented"),
    ],
)
def test_what_can_not_be_held_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        held(given)


def test_every_bad_given_is_listed() -> None:
    with pytest.raises(InputError) as caught:
        held({"b": 1, "colour": None, "uuid": "x"})
    assert len(caught.value.faults) == 3


def test_rows_that_ask_for_the_same_are_found_whatever_they_are_told_apart_by() -> None:
    rng = np.random.default_rng(0)
    keys = [rng.integers(-1, 3, 500), rng.integers(0, 2, 500) / 7, rng.random((500, 2))[:, 0] < 0.5]
    first, kind = alike(keys, 500)
    rows = list(zip(*(key.tolist() for key in keys), strict=True))
    assert [rows.index(row) for row in rows] == first[kind].tolist()
    assert (np.diff(first) > 0).all()
    assert [part.tolist() for part in alike([], 2)] == [[0], [0, 0]]
    assert [part.tolist() for part in alike(keys[:0], 0)] == [[], []]
