"""Which cells are given while a network is trained, and what it learns of few rows."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from generators.discrete.cells import Cells
from generators.fitting import fit_artifact
from generators.neural.any_order import few_given, judged_at_once, some_given
from generators.randomness import uniforms
from schemas.table import Column, Kind
from tests.generators.tables import ignore, table


def test_some_rows_have_any_number_of_cells_given_and_the_others_none() -> None:
    torch.manual_seed(0)
    given = some_given(torch.zeros(4_000, 12)).numpy()
    counts = np.bincount(given.sum(axis=1), minlength=13) / len(given)
    assert counts[0] == pytest.approx(0.26, abs=0.04)  # a fifth of the rows, and those whose chance was small
    assert (counts[1:] > 0.003).all()
    assert counts[1:3].sum() > counts[5:7].sum()


@pytest.mark.parametrize("columns", [1, 2, 12])
def test_at_the_close_one_or_two_cells_of_every_row_are_given_and_any_of_them(columns: int) -> None:
    torch.manual_seed(0)
    given = few_given(torch.zeros(4_000, columns)).numpy()
    counts = np.bincount(given.sum(axis=1), minlength=3) / len(given)
    assert len(counts) == 3
    assert counts[0] == 0
    assert counts[1] == pytest.approx(1.0 if columns == 1 else 0.5, abs=0.03)
    assert given.mean(axis=0) == pytest.approx(np.full(columns, given.sum() / len(given) / columns), abs=0.03)


def test_of_few_rows_too_it_learns_what_one_column_settles_of_another() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    wind = rng.integers(0, 40, 4_000)
    x = np.round(3 * wind + rng.normal(0, 4, 4_000), 1)
    y = np.round(2 * x + rng.normal(0, 3, 4_000), 1)
    columns = [
        (Column("category", Kind.INTEGER), (wind // 5).tolist()),
        (Column("x", Kind.NUMBER, decimals=1), x.tolist()),
        (Column("y", Kind.NUMBER, decimals=1), y.tolist()),
        (Column("wind", Kind.INTEGER), wind.tolist()),
    ]
    rows, schema = table(columns)
    model = fit_artifact(rows, schema, "tabular.nade", {"max_epochs": 12}, 0, ignore, reference_rows=1).generator
    drawn = model.sample(20_000, uniforms((9, 9), 0, 20_000, model.width))
    assert np.mean(drawn.column("category").to_numpy() != drawn.column("wind").to_numpy() // 5) < 0.03


@pytest.mark.parametrize(("most", "rows"), [(10, 16_384), (4_096, 16_384), (100_000, 671), (2**27, 1)])
def test_of_a_column_of_very_many_cells_fewer_rows_are_judged_at_a_time(most: int, rows: int) -> None:
    first = np.array([0, 3, 3 + most])
    cells = Cells(*(first if field.name == "first" else np.empty(0) for field in fields(Cells)))  # type: ignore[arg-type]
    assert judged_at_once(cells) == rows
