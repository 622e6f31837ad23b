"""Calibration under conditions: what follows a given cell comes as often as in the rows that have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from generators.discrete import conditional
from generators.discrete.autoregressive import Network, nothing_direct
from generators.discrete.cells import Cells, cells_of
from generators.discrete.conditional import calibrated_given, frequent_cells, together
from generators.task import silently
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import table

KINDS = [Column("a", Kind.CATEGORY), Column("b", Kind.CATEGORY), Column("c", Kind.CATEGORY)]


def made(*rows: tuple[str, str, str], times: int = 1) -> tuple[npt.NDArray[np.int32], Cells]:
    """A table's rows as cells."""
    columns = [(column, [row[k] for row in rows] * times) for k, column in enumerate(KINDS)]
    made_of, schema = table(columns)
    profile = profile_table(made_of, schema)
    cells = cells_of(schema, profile, 20)
    return cells.codes(made_of, schema, profile), cells


def knowing_nothing(cells: Cells) -> Network:
    """A network that draws every column by its marginal, whatever is given."""
    v, d, h = len(cells.share), len(cells.columns), 8
    shapes = {
        "embeddings": (v, h),
        "starts": (d, h),
        "norm": (2, h),
        "mixing": (h, h),
        "shift": (h,),
        "outputs": (v, h),
    }
    zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    frequent, direct = nothing_direct(v)
    return Network(**zeros, biases=np.log(cells.share + 1e-9).astype(np.float32), frequent=frequent, direct=direct)


@pytest.mark.kernel
def test_rows_that_have_two_cells_are_counted() -> None:
    first = np.array([0, 2, 5], np.int64)
    codes = np.array([[0, 0], [0, 2], [1, 2], [0, 2], [-1, 2], [1, -1]], np.int32)
    counts = together(codes, first, np.array([0, 4], np.int64))
    assert counts.tolist() == [[0, 0, 1, 0, 2], [2, 1, 0, 0, 0]]
    assert together(codes[:0], first, np.array([0], np.int64)).tolist() == [[0.0] * 5]


def test_only_frequent_cells_have_terms_the_most_frequent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    _, cells = made(*[("x", "p", "r")] * 300, *[("y", "q", "s")] * 5, ("x", "q", "r"))
    shares = dict(zip(range(6), cells.share.round(4).tolist(), strict=True))
    found = frequent_cells(cells)
    assert found.tolist() == [at for at, share in shares.items() if share >= conditional.FREQUENT]
    monkeypatch.setattr(conditional, "LARGEST", 3 * len(shares))
    assert frequent_cells(cells).tolist() == sorted(sorted(shares, key=lambda at: -shares[at])[:3])


def test_what_follows_a_given_cell_comes_as_often_as_in_the_rows_that_have_it() -> None:
    rows = [("x", "p", "r")] * 6 + [("x", "q", "s")] * 2 + [("y", "q", "s")] * 3 + [("y", "p", "r")]
    codes, cells = made(*rows, times=100)
    order, first = np.arange(3), cells.first
    plain = knowing_nothing(cells)
    network = calibrated_given(plain, codes, cells, order, 0, silently)
    u = np.random.default_rng(0).random((4_000, 3))
    for cell in range(2):
        held = np.full(u.shape, -1, np.int32)
        held[:, 0] = cell
        real = codes[codes[:, 0] == cell]
        for j in (1, 2):
            share = np.bincount(real[:, j], minlength=2) / len(real)
            shown = [n.walk(first).marginals(u, order[1:], held)[first[j] : first[j + 1]] for n in (plain, network)]
            assert np.abs(shown[0] - share).max() > 0.05
            assert shown[1] == pytest.approx(share, abs=0.02)
    free = np.full(u.shape, -1, np.int32)
    assert np.array_equal(plain.walk(first).draw(u, free, order)[0], network.walk(first).draw(u, free, order)[0])


def test_terms_are_the_same_whoever_works_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, cells = made(("x", "p", "r"), ("y", "q", "s"), ("x", "q", "r"), times=50)
    found = calibrated_given(knowing_nothing(cells), codes, cells, np.arange(3), 7, silently)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    again = calibrated_given(knowing_nothing(cells), codes, cells, np.arange(3), 7, silently)
    assert (found.direct == again.direct).all()
    assert np.isfinite(found.direct).all()


def test_a_cell_says_nothing_of_its_own_column_or_of_what_is_never_known() -> None:
    codes, cells = made(("x", "p", "r"), ("y", "q", "s"), times=50)
    codes[:, 2] = -1
    found = calibrated_given(knowing_nothing(cells), codes, cells, np.arange(3), 0, silently)
    for row, cell in enumerate(found.frequent.tolist()):
        own = int(np.searchsorted(cells.first, cell, side="right")) - 1
        assert not found.direct[row, cells.first[own] : cells.first[own + 1]].any()
        assert not found.direct[row, cells.first[2] :].any()


def test_a_network_begun_again_forgets_its_terms() -> None:
    codes, cells = made(("x", "p", "r"), ("y", "q", "s"), times=50)
    network = knowing_nothing(cells)
    stale = replace(network, frequent=np.array([0], np.int64), direct=np.full((1, len(cells.share)), 9, np.float32))
    fresh = calibrated_given(network, codes, cells, np.arange(3), 0, silently)
    assert (calibrated_given(stale, codes, cells, np.arange(3), 0, silently).direct == fresh.direct).all()
