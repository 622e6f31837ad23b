"""The kernel behind the classifier, compiled and as Python runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitors import classifier_kernels as kernels

pytestmark = pytest.mark.kernel


def test_rows_are_counted_by_the_levels_of_three_columns(run: Callable[[Any], Any]) -> None:
    codes = np.array([[0, 1, 1, 1], [2, 0, 0, 1], [1, 1, 1, 2]], np.uint8)
    counts = np.zeros((2, 27))
    counts[1, 0] = 0.5
    run(kernels.tally_tables)(codes, np.array([[0, 1, 2], [2, 2, 0]]), 3, counts)
    assert {(t, cell): counts[t, cell] for t, cell in np.argwhere(counts).tolist()} == {
        (0, 2 * 3 + 1): 1,
        (0, 9 + 1): 2,
        (0, 9 + 3 + 2): 1,
        (1, 0): 0.5,
        (1, 9 + 3): 1,
        (1, 9 + 3 + 1): 2,
        (1, 18 + 6 + 1): 1,
    }
