from __future__ import annotations

import numpy as np
import pytest

from monitors.dispersion import inflation
from monitors.distances import Counts
from monitors.evidence import Subject
from tests.monitors import scene

LAYOUT = scene.layout()
BLOCKS, ROWS = 400, 1_000


def blocks(together: int, seed: int = 0) -> list[Counts]:
    """Blocks whose records come in runs of so many that are all alike."""
    rng = np.random.default_rng(seed)
    shares = {name: bins.expected for name, bins in LAYOUT.bins.items()}
    panes = [scene.drawn(rng, LAYOUT, shares, ROWS // together) for _ in range(BLOCKS)]
    return [pane.counts * together for pane in panes]


@pytest.mark.parametrize("seed", range(3))
def test_independent_records_spread_by_no_more_than_chance(seed: int) -> None:
    assert inflation(LAYOUT, blocks(1, seed)) == {}


@pytest.mark.parametrize("together", [4, 10])
def test_records_in_runs_are_worth_as_many_fewer(together: int) -> None:
    found = inflation(LAYOUT, blocks(together))
    for metric, column in (("drift_ks", "weight"), ("drift_ks", "pieces"), ("drift_chi_square", "size")):
        assert 0.8 * together < found[Subject(metric, column)] < 2 * together
    assert found[Subject("quality_null", "weight")] == pytest.approx(together, rel=0.25)
    assert Subject("quality_unseen", "size") not in found


def test_nothing_drawn_says_nothing() -> None:
    assert inflation(LAYOUT, []) == {}
    assert inflation(LAYOUT, [np.zeros(LAYOUT.size, np.int64)] * 3) == {}
