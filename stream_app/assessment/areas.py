"""Areas under ROC curves, with the part that every row has in their error."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from monitors.estimate import Estimate
from monitors.intervals import Z, between

Floats = npt.NDArray[np.float64]


def area(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """The area under the curve, and each row's influence on it (DeLong, DeLong and Clarke-Pearson, Biometrics 1988).

    Args:
        scores: higher where a row is thought to be positive, shape (rows,).
        positive: whether it is, shape (rows,); both kinds are there.

    Returns:
        The area, and influences with mean 0, whose deviation over the root of the rows is the area's error.

    >>> area(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))[0]
    0.75
    """
    n, m = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(scores)
    above = (ranks[positive] - rankdata(scores[positive])) / m  # of each positive, negatives below it
    below = (ranks[~positive] - rankdata(scores[~positive])) / n  # of each negative, positives below it
    value = float(above.mean())
    influence = np.empty(len(scores))
    influence[positive] = (above - value) * (len(scores) / n)
    influence[~positive] = (1 - below - value) * (len(scores) / m)
    return value, influence


def with_error(value: float, influence: Floats, low: float = 0.0, high: float = 1.0) -> Estimate:
    """A number with its normal interval, within bounds.

    Where no row says anything of the error (all are told apart), it is at least what one row in the sample could do.

    Args:
        value: the number.
        influence: the rows' influences on it, shape (rows,).
        low: the least it can be.
        high: the most it can be.
    """
    rows = len(influence)
    error = max(float(np.std(influence)) / sqrt(rows), 1 / rows)
    return between(value, max(value - Z * error, low), min(value + Z * error, high), rows)
