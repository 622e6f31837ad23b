from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from monitors.telling import Telling
from tests.monitors import scene

LAYOUT = scene.layout()


def test_its_p_value_is_that_of_a_fair_coin_and_ties_do_not_count() -> None:
    counts = np.zeros((3, LAYOUT.size), np.int64)
    counts[:, LAYOUT.told] = [(60, 40, 900), (500, 500, 0), (0, 0, 0)]
    answer = Telling(LAYOUT).answer(counts)
    assert np.exp(answer.log_p[:, 0]) == pytest.approx([binom.sf(59, 100, 0.5), binom.sf(499, 1_000, 0.5), 1.0])
    assert answer.n[:, 0].tolist() == [1_000, 1_000, 0]
    assert (answer.least[:2] < 0).all()
    assert answer.least[2, 0] == -np.inf


def test_pairs_that_count_as_one_are_worth_as_many_fewer() -> None:
    counts = np.zeros((2, LAYOUT.size), np.int64)
    counts[:, LAYOUT.told] = [(60, 40, 0), (240, 160, 0)]
    alone, together = (Telling(LAYOUT, factor).answer(counts).log_p[:, 0] for factor in (1.0, 4.0))
    assert together[1] == pytest.approx(alone[0])


def test_its_size_is_by_how_much_more_pairs_are_told_right() -> None:
    counts = np.zeros((1, LAYOUT.size), np.int64)
    counts[0, LAYOUT.told] = (70_000, 30_000, 0)
    assert 0.38 < float(Telling(LAYOUT).answer(counts).least[0, 0]) < 0.4
