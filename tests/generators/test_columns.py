import numpy as np
import pyarrow as pa
import pytest

from generators.columns import (
    Columns,
    Part,
    categorical,
    column_parts,
    intervals_of,
    pieces_of,
    place,
    places_of,
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
    low, high = pieces.intervals(0, np.array([2.0, 3.0, 4.0]))
    assert low.tolist() == pytest.approx([0.5, np.nan, 0.0], nan_ok=True)
    assert high.tolist() == pytest.approx([1.0, np.nan, 0.5], nan_ok=True)


def test_shares_too_small_to_be_added_up_are_never_drawn() -> None:
    one = Part(np.array([0.7, 1e-17, 0.3, 1e-17]), np.arange(4.0), np.ones(4), 1.0)
    pieces = pieces_of([one])
    assert np.isfinite(pieces.table).all()
    assert [place(u, pieces.table, pieces.guide[0]) for u in (0.0, 0.69, 0.7, 1 - 2**-53)] == [0, 0, 2, 2]


def test_an_interval_is_all_that_becomes_a_value() -> None:
    pieces, values = pieces_of([column_parts(INTEGER, DIE)]), pa.array([1, 2, 4, 5, 6])
    low, high = intervals_of(INTEGER, DIE, pieces, 0, (values, places_of(INTEGER, DIE, values)))
    for value, first, last in zip([1, 2, 4, 5, 6], low, high, strict=True):
        inside = [first + 1e-12, last - 1e-12]
        assert [place(u, pieces.table, pieces.guide[0]) for u in inside] == [value, value]
        if first > 0:
            assert place(first - 1e-9, pieces.table, pieces.guide[0]) == value - 1


def test_an_atom_of_doubles_has_its_interval_and_other_doubles_a_point() -> None:
    known = ColumnProfile("x", 9, 0, 9, (0.0, 1.0, 3.0), (0.0, 0.5, 0.0), (0.25, 0.25))
    low, high = pieces_of([column_parts(Column("x", Kind.NUMBER), known)]).intervals(
        0, np.array([0.0, 0.5, 1.0, 2.0, 3.0, -0.1, 3.1])
    )
    assert low.tolist() == pytest.approx([0.0, 0.125, 0.25, 0.875, 1.0, np.nan, np.nan], nan_ok=True)
    assert high.tolist() == pytest.approx([0.0, 0.125, 0.75, 0.875, 1.0, np.nan, np.nan], nan_ok=True)


def test_a_missing_value_may_be_any() -> None:
    values = pa.array([None, 1])
    low, high = intervals_of(INTEGER, DIE, pieces_of([column_parts(INTEGER, DIE)]), 0, (values, np.array([0.0, 1.0])))
    assert (low.tolist(), high.tolist()) == ([0.0, 0.0], [1.0, 0.1])


def test_values_out_of_reach_are_refused() -> None:
    with pytest.raises(InputError, match="die=7: never drawn; choose a value of the column from 1 to 6"):
        intervals_of(INTEGER, DIE, pieces_of([column_parts(INTEGER, DIE)]), 0, (pa.array([1, 7]), np.array([1.0, 7.0])))


def test_the_order_of_categories_is_kept() -> None:
    known = ColumnProfile("c", 9, 0, 3, values=("a", "b", "c"), shares=(0.5, 0.3, 0.2))
    part = column_parts(Column("c", Kind.CATEGORY), known, np.array([2, 0, 1], np.int32))
    assert part.start.tolist() == [2, 0, 1]
    assert part.mass.tolist() == [0.2, 0.5, 0.3]
    column = Column("c", Kind.CATEGORY)
    assert places_of(column, known, pa.array(["c", None, "a"]).dictionary_encode()).tolist() == [2, 0, 0]
    assert places_of(column, known, pa.array([], pa.string()).dictionary_encode()).tolist() == []
    with pytest.raises(InputError, match="c=d: is not a known value; choose one of a, b, c"):
        places_of(column, known, pa.array(["a", "d"]).dictionary_encode())


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
