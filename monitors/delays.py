"""The cells that delays, ages and lateness are counted in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitors.pane_kernels import code_delays

DELAY_EDGES_S: npt.NDArray[np.float64] = np.append(0.0, 1e-4 * 2 ** (np.arange(240) / 8))
"""Lower edges of the cells delays are counted in: all below 0.1 ms, then eight to an octave (9 % wide) up to a day."""

FIRST_BY_EXPONENT = 1 + 8 * np.arange(30)
"""By power of two of a delay over the second edge, the cell that begins there."""


def delay_codes(delays_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Which cell of `DELAY_EDGES_S` each delay falls in; what lies below zero counts as zero.

    >>> delay_codes(np.array([-1.0, 0.0, 0.00011, 1e9])).tolist()
    [0, 0, 2, 240]
    """
    codes = np.empty(len(delays_s), np.int32)
    code_delays(delays_s, DELAY_EDGES_S, FIRST_BY_EXPONENT, codes)
    return codes
