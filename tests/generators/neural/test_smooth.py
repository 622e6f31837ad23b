"""Vectors of cells."""

from __future__ import annotations

import numpy as np
import torch

from generators.discrete.cells import cells_of
from generators.neural.smooth import Smooth
from schemas.profile import profile_table
from tests.generators.tables import orders


def test_cells_of_numbers_share_with_their_neighbours_and_others_do_not() -> None:
    table, schema = orders()
    cells = cells_of(schema, profile_table(table, schema), 40)
    torch.manual_seed(0)
    smooth = Smooth(cells, 8, 0.1)
    with torch.no_grad():
        smooth.own.zero_()
        vectors = smooth().numpy()
    for j, start in enumerate(cells.first[:-1].tolist()):
        end = int(cells.first[j + 1]) - int(cells.null[j] >= 0)
        assert (vectors[end : cells.first[j + 1]] == 0).all()
        steps = np.linalg.norm(np.diff(vectors[start:end], axis=0), axis=1)
        if not cells.ordered[j]:
            assert (vectors[start:end] == 0).all()
        elif end - start > 40:
            far = np.linalg.norm(vectors[start] - vectors[end - 1])
            assert 0 < steps.max() < far
