"""What networks that draw column by column have in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from generators.discrete.attention import HEAD, Attending, Decoder
from generators.discrete.autoregressive import Network, Walk, nothing_direct
from generators.discrete.columnwise import calibrated

FIRST = np.array([0, 3, 4, 9], np.int64)


def some(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(len(shape)).normal(0, 0.25, shape).astype(np.float32)


NADE = Network(*(some(9, 6), some(3, 6), some(2, 6) + 1, some(6, 6), some(6), some(9, 6), some(9)), *nothing_direct(9))
DECODER = Decoder(
    *(some(9, HEAD), some(3, HEAD), some(1, HEAD, 3 * HEAD), some(1, 3 * HEAD), some(1, HEAD, HEAD), some(1, HEAD)),
    *(some(1, HEAD, HEAD), some(1, HEAD), some(1, HEAD, HEAD), some(1, HEAD), some(9, HEAD), some(9)),
)


@pytest.mark.parametrize("network", [NADE, DECODER])
def test_calibration_brings_marginals_to_a_tables(network: Network | Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    for walk in (Walk, Attending):
        monkeypatch.setattr(walk, "CALIBRATION_ROWS", 1_000)
    shares = np.array([0.1, 0.2, 0.7, 1.0, 0.5, 0.3, 0.1, 0.1, 0.0])
    tuned = calibrated(network, shares, FIRST, np.array([1, 2, 0]), 0)
    found = tuned.walk(FIRST).marginals(np.random.default_rng(8).random((1_000, 3)), np.array([1, 2, 0]))
    assert np.abs(found - shares).max() < 0.02
