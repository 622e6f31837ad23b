from __future__ import annotations

import numpy as np
import pytest

from monitors.dispersion import Blocks, factors, inflation
from monitors.distances import Counts
from monitors.evidence import SequentialEvidence, Subject
from tests.monitors import scene, seen

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
    assert inflation(LAYOUT, Blocks(blocks(1, seed))) == {}


@pytest.mark.parametrize("together", [4, 10])
def test_records_in_runs_are_worth_as_many_fewer(together: int) -> None:
    found = inflation(LAYOUT, Blocks(blocks(together)))
    for metric, column in (("drift_ks", "weight"), ("drift_ks", "pieces"), ("drift_chi_square", "size")):
        assert 0.8 * together < found[Subject(metric, column)] < 2 * together
    assert found[Subject("quality_null", "weight")] == pytest.approx(together, rel=0.25)
    assert Subject("quality_unseen", "size") not in found


def test_nothing_drawn_says_nothing() -> None:
    assert inflation(LAYOUT, Blocks([])) == {}
    assert inflation(LAYOUT, Blocks([np.zeros(LAYOUT.size, np.int64)] * 3)) == {}


@pytest.mark.parametrize(("most", "together", "alike"), [(8, 30.0, 0.5), (30, 8.0, 0.5), (8, 8.0, 1.0)])
def test_groups_of_one_size_say_what_others_do(most: int, together: float, alike: float) -> None:
    """Records of a group share their values with a chance: the correlation within it is that chance squared."""
    rng = np.random.default_rng(most)
    shares = {name: bins.expected for name, bins in LAYOUT.bins.items()}
    groups = []
    for _ in range(1_500):
        one = scene.drawn(rng, LAYOUT, shares, 1).counts
        own = rng.binomial(most, alike)
        groups.append(one * own + scene.drawn(rng, LAYOUT, shares, most - own).counts)
    found = inflation(LAYOUT, Blocks(groups, together))
    expected = 1 + alike**2 * (together - 1)
    for metric, column in (("drift_ks", "pieces"), ("drift_chi_square", "size")):
        assert found[Subject(metric, column)] == pytest.approx(expected, rel=0.3)


def test_what_is_told_counts_for_every_subject_and_nothing_for_none() -> None:
    told = factors(3.0, LAYOUT, None)
    asked = SequentialEvidence(LAYOUT, seen.reference(12), tolerated={"range:pieces": 0.01}, tells=True)
    assert {s for s in asked.subjects if s.metric not in ("drift_correlation",)} - {
        Subject("quality_violation", "range:weight")
    } <= told.keys()
    assert set(told.values()) == {3.0}
    assert factors(1, LAYOUT, Blocks(blocks(4))) == factors("auto", LAYOUT, None) == {}
    assert factors("auto", LAYOUT, Blocks(blocks(4))) == inflation(LAYOUT, Blocks(blocks(4)))
