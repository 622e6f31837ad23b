from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from monitors.drift.jensen_shannon import METRIC
from tests.monitors import scene

LAYOUT = scene.layout()
SHARES = {n: b.expected for n, b in LAYOUT.bins.items()}
TILTED = {**SHARES, "pieces": np.roll(SHARES["pieces"], 1)}
TRUTH = jensenshannon(SHARES["pieces"], TILTED["pieces"], 2) ** 2


def test_it_is_scipys_for_many_records() -> None:
    rng = np.random.default_rng(0)
    reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, SHARES, 2_000_000))
    estimate = METRIC.estimate(scene.window_of(scene.drawn(rng, LAYOUT, TILTED, 2_000_000)), reference, "pieces")
    assert estimate.value == pytest.approx(TRUTH, rel=0.01)
    assert estimate.low <= TRUTH <= estimate.high


def test_cells_that_only_one_has_are_a_whole_bit() -> None:
    one, other = (scene.pane_with(LAYOUT, "size", {size: 5_000}) for size in ("M", "L"))
    estimate = METRIC.estimate(scene.window_of(one), scene.reference_of(LAYOUT, other), "size")
    assert estimate.value == pytest.approx(1, abs=0.001)
    assert estimate.high == 1


@pytest.mark.parametrize("shares", [SHARES, TILTED])
def test_the_interval_holds_the_truth_95_times_in_100(
    shares: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
) -> None:
    rng = np.random.default_rng(4)
    truth = 0.0 if shares is SHARES else TRUTH

    def held() -> bool:
        reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, SHARES, 3_000))
        estimate = METRIC.estimate(scene.window_of(scene.drawn(rng, LAYOUT, shares, 800)), reference, "pieces")
        return bool(estimate.low <= truth <= estimate.high)

    assert np.mean([held() for _ in range(300)]) >= 0.92
