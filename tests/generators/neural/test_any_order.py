"""Which cells are given while a network is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generators.neural.any_order import few_given, some_given


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
