import numpy as np
import pyarrow as pa
import pytest

from generators.columns import (
    Columns,
    Part,
    categorical,
    check_given,
    column_parts,
    interval_of,
    pieces_of,
    place,
    place_of,
    without,
)
from schemas.errors import InputError
from schemas.profile import ColumnProfile
from schemas.table import Column, Kind

DIE = ColumnProfile("die", 60, 0, 6, (1.0, 6.0), (0.1, 0.1), (0.8,), step=1.0)
INTEGER = Column("die", Kind.INTEGER)


def test_uniforms_become_values_in_their_shares() -> None:
    pieces = pieces_of([column_parts(INTEGER, DIE)])
    drawn = [place(u, pieces.table, pieces.guide[0]) for u in (0.0, 0.0999, 0.1, 0.299, 0.301, 0.899, 0.9, 1 - 2**-53)]
    assert drawn == [1, 1, 2, 2, 3, 5, 6, 6]


def test_doubles_are_spread_evenly() -> None:
    known = ColumnProfile("x", 9, 0, 9, (0.0, 1.0, 3.0), (0.0, 0.5, 0.0), (0.25, 0.25))
    pieces = pieces_of([column_parts(Column("x", Kind.NUMBER), known)])
    drawn = [place(u, pieces.table, pieces.guide[0]) for u in (0.0, 0.125, 0.25, 0.5, 0.75, 0.875)]
    assert drawn == [0.0, 0.5, 1.0, 1.0, 1.0, 2.0]


def test_distributions_side_by_side_stay_apart() -> None:
    pieces = pieces_of(
        [categorical(np.array([0.5, 0.5]), np.array([4, 2])), Part(np.ones(1), np.ones(1), np.ones(1), 1.0)]
    )
    assert [place(u, pieces.table, pieces.guide[0]) for u in (0.0, 0.5)] == [4, 2]
    assert place(0.99, pieces.table, pieces.guide[1]) == 1
    assert pieces.interval(0, 2) == (0.5, 1.0)
    assert pieces.interval(0, 3) is None


@pytest.mark.parametrize("value", [1, 2, 4, 5, 6])
def test_an_interval_is_all_that_becomes_a_value(value: int) -> None:
    pieces = pieces_of([column_parts(INTEGER, DIE)])
    low, high = interval_of(INTEGER, DIE, pieces, 0, value)
    inside = [low + 1e-12, high - 1e-12]
    assert [place(u, pieces.table, pieces.guide[0]) for u in inside] == [value, value]
    if low > 0:
        assert place(low - 1e-9, pieces.table, pieces.guide[0]) == value - 1


@pytest.mark.parametrize(
    ("value", "says"), [(7, "never drawn; choose a value of the column from 1 to 6"), ("x", "must")]
)
def test_values_out_of_reach_are_refused(value: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        interval_of(INTEGER, DIE, pieces_of([column_parts(INTEGER, DIE)]), 0, value)


def test_the_order_of_categories_is_kept() -> None:
    known = ColumnProfile("c", 9, 0, 3, values=("a", "b", "c"), shares=(0.5, 0.3, 0.2))
    part = column_parts(Column("c", Kind.CATEGORY), known, np.array([2, 0, 1], np.int32))
    assert part.start.tolist() == [2, 0, 1]
    assert part.mass.tolist() == [0.2, 0.5, 0.3]
    assert place_of(Column("c", Kind.CATEGORY), known, "c") == 2
    with pytest.raises(InputError, match="c=d: is not a known value; choose one of a, b, c"):
        place_of(Column("c", Kind.CATEGORY), known, "d")


@pytest.mark.parametrize(
    ("column", "profile", "drawn", "said"),
    [
        (Column("x", Kind.NUMBER, decimals=2), {"knots": (0.1, 0.3), "step": 0.01}, [10, 30], [0.1, 0.3]),
        (Column("x", Kind.NUMBER), {"knots": (0.1, 0.3)}, [0.1, 0.3], [0.1, 0.3]),
        (Column("n", Kind.INTEGER), {"knots": (1.0,), "step": 1.0}, [1, 9.3e18], [1, 2**63 - 1024]),
        (Column("b", Kind.BOOLEAN), {"values": ("true", "false")}, [0, 1], [True, False]),
        (Column("c", Kind.CATEGORY), {"values": ("é", "")}, [0, 1], ["é", ""]),
        (Column("t", Kind.TEXT, public=True), {"values": ("é", "")}, [1, 0], ["", "é"]),
    ],
)
def test_drawn_values_become_columns(
    column: Column, profile: dict[str, object], drawn: list[float], said: list[object]
) -> None:
    known = ColumnProfile(column.name, 9, 0, 2, **profile)  # type: ignore[arg-type]
    columns = Columns([(column, known)])
    array = columns.array(0, np.array(drawn, np.float64), None)
    assert array.type == column.arrow_type
    assert array.to_pylist() == said
    masked = columns.array(0, np.array(drawn, np.float64), np.array([False, True]))
    assert masked.to_pylist() == [None, said[1]]


def test_nulls_are_put_in() -> None:
    array = pa.array(["a", "b"])
    assert without(array, np.array([True, True])) is array
    assert without(array.dictionary_encode(), np.array([True, False])).to_pylist() == ["a", None]


def test_every_bad_given_is_listed() -> None:
    columns = [Column("a", Kind.INTEGER), Column("t", Kind.TEXT, nullable=True)]
    check_given({"a": 1, "t": None}, columns)
    with pytest.raises(InputError) as caught:
        check_given({"b": 1, "a": None, "t": "x"}, columns)
    assert len(caught.value.faults) == 3
