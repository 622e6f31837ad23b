from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pytest

from generators.columns import place
from generators.discrete.cells import FEW, Cells, cells_of, codes_of
from schemas.errors import ServiceError
from schemas.profile import profile_rows, profile_table
from tests.generators.tables import AWKWARD, Made, in_pieces, orders

FINE = 32


def cut(made: Made, cells: int = FINE) -> Cells:
    table, schema = made
    return cells_of(schema, profile_table(table, schema), cells)


def codes(made: Made, cells: Cells) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    table, schema = made
    return cells.codes(table, schema, profile_table(table, schema))


@pytest.mark.parametrize("name", AWKWARD)
def test_every_value_has_a_cell_and_cells_are_the_columns_distribution(name: str) -> None:
    table = AWKWARD[name]()
    cells = cut(table)
    found = codes(table, cells)
    assert found.shape == (table[0].num_rows, len(cells.columns))
    for j in range(len(cells.columns)):
        size = cells.first[j + 1] - cells.first[j]
        assert (found[:, j] < size).all()
        assert (found[:, j] >= -1).all()
        assert cells.share[cells.first[j] : cells.first[j + 1]].sum() == pytest.approx(1)


def test_the_cells_of_a_long_table_are_found_piece_by_piece() -> None:
    table, schema = orders(1_000)
    rows = in_pieces(table, 900)
    profile = profile_rows(rows, schema)
    cells = cells_of(schema, profile, FINE)
    told: list[str] = []
    found = codes_of(rows, cells, schema, profile, lambda share, what: told.append(what))
    assert np.array_equal(found, cells.codes(table, schema, profile))
    assert told[-1] == "1,000 rows read"


def test_no_room_for_the_cells_of_a_long_table_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    table, schema = orders(200)
    rows = in_pieces(table, 100)
    profile = profile_rows(rows, schema)

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ServiceError, match=r"has no room for the cells of 200 rows \(No space left.*set TMPDIR"):
        codes_of(rows, cells_of(schema, profile, FINE), schema, profile)


def test_cells_hold_what_the_profile_says_of_them() -> None:
    made = orders()
    cells, found = cut(made), codes(made, cut(made))
    for j in range(len(cells.columns)):
        share = cells.share[cells.first[j] : cells.first[j + 1]]
        counted = np.bincount(found[:, j], minlength=len(share)) / len(found)
        assert np.abs(counted - share).max() < 0.01
        nulls = made[0].column(int(cells.columns[j])).null_count
        assert (found[:, j] == cells.null[j]).sum() == (nulls if cells.null[j] >= 0 else 0)


@pytest.mark.parametrize("fine", [2, 16, 300])
def test_what_is_drawn_inside_a_cell_lies_in_it(fine: int) -> None:
    cells = cut(orders(), fine)
    for j in np.flatnonzero(cells.drawn >= 0).tolist():
        guide = cells.pieces.guide[cells.drawn[j]]
        for code in range(cells.first[j + 1] - cells.first[j] - (cells.null[j] >= 0)):
            at = cells.first[j] + code
            drawn = [place(float(cells.spans[at] @ (1, u)), cells.pieces.table, guide) for u in (1e-9, 0.5, 1 - 1e-9)]
            assert cells.cells_of(j, np.array(drawn)).tolist() == [code] * 3


def test_numbers_get_about_as_many_cells_as_asked_for_and_frequent_ones_their_own() -> None:
    cells = cut(orders())
    named = {orders()[1].names[at]: cells.first[j + 1] - cells.first[j] for j, at in enumerate(cells.columns.tolist())}
    assert FINE / 2 < named["exact"] <= FINE + 1
    assert named["colour"] == 4
    assert named["paid"] == 3
    assert named["plate"] == 2  # invented, or missing
    assert named["pieces"] <= FEW + 1


def test_unknown_categories_have_no_cell() -> None:
    table, schema = orders(500)
    cells = cut((table, schema))
    at = schema.names.index("colour")
    strange = pa.array(["pink"] * 500, pa.string()).dictionary_encode().cast(schema["colour"].arrow_type)
    other = table.set_column(at, schema.arrow_schema.field(at), strange)
    found = cells.codes(other, schema, profile_table(table, schema))
    assert set(found[:, cells.columns.tolist().index(at)].tolist()) == {-1}
