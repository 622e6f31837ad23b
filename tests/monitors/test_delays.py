from __future__ import annotations

import numpy as np

from monitors.delays import DELAY_EDGES_S, FIRST_BY_EXPONENT, delay_codes


def test_cells_are_nine_percent_wide_and_reach_a_day() -> None:
    ratios = DELAY_EDGES_S[2:] / DELAY_EDGES_S[1:-1]
    assert ratios.min() > 1.09 > ratios.max() - 0.001
    assert DELAY_EDGES_S[-1] > 86_400


def test_every_edge_is_the_first_delay_of_its_cell() -> None:
    assert delay_codes(DELAY_EDGES_S).tolist() == list(range(len(DELAY_EDGES_S)))
    assert delay_codes(np.nextafter(DELAY_EDGES_S[1:], 0)).tolist() == list(range(len(DELAY_EDGES_S) - 1))
    assert (DELAY_EDGES_S[FIRST_BY_EXPONENT] / DELAY_EDGES_S[1] == 2.0 ** np.arange(30)).all()
