from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from generators.discrete.cells import Cells, Codes, cells_of
from generators.discrete.expectation import fit_mixture, fitted, update_mixture
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import ignore, orders, table

TWO = table([(Column(name, Kind.CATEGORY), ["x", "y"] * 5) for name in ("a", "b", "c")])
CELLS = cells_of(TWO[1], profile_table(*TWO), 8)


def two_kinds(rows: int) -> Codes:
    """Rows of two kinds: in one all columns are mostly 0, in the other mostly 1."""
    rng = np.random.Generator(np.random.PCG64(3))
    kind = rng.random((rows, 1)) < 0.3
    return (rng.random((rows, 3)) < np.where(kind, 0.95, 0.1)).astype(np.int32)


def test_kinds_that_are_there_are_found() -> None:
    kinds = fit_mixture(two_kinds(8_000), CELLS, 2, 10.0, 1, ignore)
    order = np.argsort(kinds.shares)
    assert kinds.shares[order] == pytest.approx([0.3, 0.7], abs=0.03)
    assert kinds.chances[order][:, 1::2] == pytest.approx(np.array([[0.95] * 3, [0.1] * 3]), abs=0.04)


def test_the_same_seed_finds_the_same_and_chances_are_distributions() -> None:
    first, second = (fit_mixture(two_kinds(3_000), CELLS, 5, 60.0, 7, ignore) for _ in range(2))
    assert (first.shares == second.shares).all()
    assert (first.chances == second.chances).all()
    assert first.shares.sum() == pytest.approx(1, abs=1e-5)
    for start, end in pairwise(CELLS.first.tolist()):
        assert first.chances[:, start:end].sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (first.chances[:, start:end] > 0).all()


def marginals(cells: Cells, rows: Codes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    sizes = np.diff(cells.first)
    return np.concatenate([np.bincount(rows[:, j], minlength=n) / len(rows) for j, n in enumerate(sizes)])


def test_marginals_are_those_of_all_rows() -> None:
    real, schema = orders()
    cells = cells_of(schema, profile_table(real, schema), 32)
    rows = cells.codes(real, schema, profile_table(real, schema))
    kinds = fit_mixture(rows, cells, 30, 10.0, 1, ignore)
    assert kinds.shares @ kinds.chances == pytest.approx(marginals(cells, rows), abs=0.01)


def test_cells_that_are_not_known_tell_nothing() -> None:
    rows = two_kinds(8_000)
    rows[::2, 0] = -1
    kinds = fit_mixture(rows, CELLS, 2, 10.0, 1, ignore)
    assert np.sort(kinds.shares) == pytest.approx([0.3, 0.7], abs=0.03)


def test_columns_that_follow_from_each_other_do_and_independent_ones_stay_so() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    rows = two_kinds(6_000)
    rows[:, 1] = rows[:, 0]
    rows[:, 2] = rng.random(len(rows)) < 0.5
    kinds = fit_mixture(rows, replace(CELLS, share=marginals(CELLS, rows)), 40, 10.0, 1, ignore)
    zero, one, two = (kinds.chances[:, at] for at in (1, 3, 5))
    differ = zero * (1 - one) + (1 - zero) * one
    assert (kinds.shares * differ).sum() < 0.02
    assert (kinds.shares * zero * two).sum() == pytest.approx(rows[:, 0].mean() * 0.5, abs=0.02)


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_few_rows_are_enough(rows: int) -> None:
    kinds = fit_mixture(two_kinds(rows), CELLS, 3, 10.0, 1, ignore)
    assert np.isfinite(kinds.chances).all()
    assert kinds.shares.sum() == pytest.approx(1, abs=1e-5)


def test_an_update_moves_towards_new_rows_by_how_many_were_known() -> None:
    """The kinds keep their meaning; how far they move is by the rows that they have seen."""
    kinds = fit_mixture(two_kinds(8_000), CELLS, 2, 10.0, 1, ignore)
    rng = np.random.Generator(np.random.PCG64(8))
    kind = rng.random((1_000, 1)) < 0.3
    new = (rng.random((1_000, 3)) < np.where(kind, 0.95, [[0.4, 0.1, 0.1]])).astype(np.int32)
    cells = replace(CELLS, share=marginals(CELLS, new))

    def first_column(known_rows: int) -> float:
        after = update_mixture(new, cells, kinds, known_rows, 10.0, 1, ignore)
        assert after.shares @ after.chances == pytest.approx(cells.share, abs=1e-3)
        rare = int(np.argmin(after.shares))
        assert after.chances[rare][[1, 3, 5]] == pytest.approx([0.95] * 3, abs=0.08)
        return float(after.shares.min())

    few, many = first_column(100), first_column(10_000_000)
    assert abs(many - kinds.shares.min()) < 0.01
    assert abs(few - 0.3) < 0.1


def test_the_same_update_is_the_same_mixture() -> None:
    kinds = fit_mixture(two_kinds(3_000), CELLS, 5, 60.0, 7, ignore)
    new = two_kinds(4_000)[3_000:]
    first, second = (update_mixture(new, CELLS, kinds, 3_000, 60.0, 7, ignore) for _ in range(2))
    assert (first.chances == second.chances).all()


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_few_rows_update(rows: int) -> None:
    kinds = fit_mixture(two_kinds(3_000), CELLS, 3, 10.0, 1, ignore)
    after = update_mixture(two_kinds(rows), CELLS, kinds, 3_000, 10.0, 1, ignore)
    assert np.isfinite(after.chances).all()


def test_marginals_are_brought_to_the_tables_and_kinds_stay_apart() -> None:
    kinds = fit_mixture(two_kinds(8_000), CELLS, 2, 10.0, 1, ignore)
    cells = replace(CELLS, share=np.array([0.2, 0.8, 0.5, 0.5, 0.9, 0.1]))
    after = fitted(kinds, cells)
    assert after.shares @ after.chances == pytest.approx(cells.share, abs=1e-3)
    order = np.argsort(after.shares)
    assert (after.chances[order][0, 1::2] > after.chances[order][1, 1::2]).all()
