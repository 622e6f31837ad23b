from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstwobign, norm

from monitors.bridge import BridgeTails


@pytest.mark.parametrize("gap", [0.3, 0.5, 0.65, 0.8, 1.0])
def test_two_cells_have_the_normal_law(gap: float) -> None:
    share = 0.3
    tails = BridgeTails([np.array([share, 1 - share])])
    p = np.exp(tails.log_p(np.array([gap])))[0]
    exact = 2 * norm.sf(gap / np.sqrt(share * (1 - share)))
    assert exact * 0.98 <= p
    assert p <= exact * 1.25 + 0.001


@pytest.mark.parametrize("gap", [0.5, 0.8, 1.2, 1.36, 1.63, 2.0, 3.5])
def test_many_cells_come_near_kolmogorovs_law_and_never_pass_its_bound(gap: float) -> None:
    p = np.exp(BridgeTails([np.full(1_000, 1e-3)]).log_p(np.array([gap])))[0]
    assert p <= min(1, 2 * np.exp(-2 * gap**2)) * (1 + 1e-9)
    assert p == pytest.approx(kstwobign.sf(gap), rel=0.25)


def test_it_falls_as_the_gap_grows_and_begins_at_one() -> None:
    tails = BridgeTails([np.full(16, 1 / 16), np.array([0.5, 0.5])])
    log_p = tails.log_p(np.linspace(0, 6, 500)[:, None] * np.ones(2))
    assert (log_p[0] == 0).all()
    assert (np.diff(log_p, axis=0) <= 1e-9).all()


def test_a_quantile_is_where_the_tail_has_its_chance() -> None:
    tails = BridgeTails([np.full(50, 0.02), np.array([0.2, 0.8])])
    assert tails.log_p(tails.quantile(np.log(1e-5))) == pytest.approx(np.log(1e-5))


def test_a_column_does_not_depend_on_its_neighbours() -> None:
    shares = [np.full(9, 1 / 9), np.array([0.5, 0.5])]
    both, turned = BridgeTails(shares), BridgeTails(shares[::-1])
    gap = np.array([0.7, 0.7])
    assert both.log_p(gap).tolist() == turned.log_p(gap)[::-1].tolist()
