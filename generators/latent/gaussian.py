"""The normal distribution as kernels of our own, the same on every run of a platform."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMALLEST = 2.0**-54
"""Uniforms are kept this far from 0, and twice as far from 1: the outermost normals are -8.3 and 8.2."""

REACH = 6.5
"""Latent values beyond are drawn in: their probability is 4e-11."""

GRID = 4_096
"""Points of a tabulated distribution function on [-REACH, REACH]; linear between, which is right to 3e-7."""

LATENTS: Floats = np.linspace(-REACH, REACH, GRID)


@numba.njit(cache=True, nogil=True)
def normal_cdf(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@numba.njit(cache=True, nogil=True)
def normal_quantile(u: float) -> float:
    """The inverse of the standard normal distribution function, right to 1e-15.

    Source: Wichura 1988, algorithm AS 241, PPND16.
    """
    p = min(max(u, SMALLEST), 1.0 - 2.0 * SMALLEST)
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = ((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
        top = (((top + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
        top = (top + 133.14166789178437745) * r + 3.387132872796366608
        low = ((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
        low = (((low + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
        low = (low + 42.313330701600911252) * r + 1.0
        return q * top / low
    r = math.sqrt(-math.log(p if q < 0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        top = ((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
        top = (((top + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
        top = (top + 4.6303378461565452959) * r + 1.42343711074968357734
        low = ((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
        low = (((low + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
        low = (low + 2.05319162663775882187) * r + 1.0
    else:
        r -= 5.0
        top = ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
        top = (((top + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
        top = (top + 5.4637849111641143699) * r + 6.6579046435011037772
        low = ((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
        low = (((low + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
        low = (low + 0.59983220655588793769) * r + 1.0
    return -top / low if q < 0 else top / low


@numba.njit(cache=True, nogil=True)
def cholesky(matrix: Floats) -> Floats:
    """The lower triangle whose square is a positive definite matrix, shape (d, d); one thread, one order."""
    d = matrix.shape[0]
    lower = np.zeros((d, d))
    for j in range(d):
        left = matrix[j, j]
        for k in range(j):
            left -= lower[j, k] ** 2
        lower[j, j] = math.sqrt(max(left, 1e-12))
        for i in range(j + 1, d):
            left = matrix[i, j]
            for k in range(j):
                left -= lower[i, k] * lower[j, k]
            lower[i, j] = left / lower[j, j]
    return lower


@numba.njit(cache=True, nogil=True)
def latents(u: Floats, lower: Floats) -> Floats:
    """Correlated normals from uniforms.

    Args:
        u: in [0, 1), shape (n, d) or wider.
        lower: the Cholesky factor of the correlation, shape (d, d).

    Returns:
        The normals, shape (d, n).
    """
    n, d = u.shape[0], lower.shape[0]
    x = np.empty((d, n))
    for j in range(d):
        for i in range(n):
            x[j, i] = normal_quantile(u[i, j])
    for j in range(d - 1, -1, -1):  # from the last row up, each only needs rows not yet overwritten
        for i in range(n):
            x[j, i] *= lower[j, j]
        for k in range(j):
            weight = lower[j, k]
            for i in range(n):
                x[j, i] += weight * x[k, i]
    return x


@numba.njit(cache=True, nogil=True)
def conditional_latents(
    u: Floats, lower: Floats, low: Floats, high: Floats, ends: Floats, parts: npt.NDArray[np.int64]
) -> Floats:
    """Correlated normals of which the first are held, one after the other: some to an interval of their own in each
    row, then some to unions of intervals.

    Exact when one variable is held; with more, each is drawn given those before it (the GHK importance
    distribution without its weights).

    Args:
        u: in [0, 1), shape (n, d).
        lower: the Cholesky factor, the held variables first, shape (d, d).
        low: where the intervals of the first variables begin, shape (first, n).
        high: where they end, the same place for a point, shape (first, n).
        ends: where the intervals of the next variables begin and end, shape (2, next, most intervals).
        parts: how many intervals each of these has, shape (next,).

    Returns:
        The normals, shape (d, n).
    """
    n, d = u.shape[0], lower.shape[0]
    first = low.shape[0]
    z = np.empty((d, n))
    x = np.zeros((d, n))
    for j in range(d):
        for k in range(j):
            weight = lower[j, k]
            for i in range(n):
                x[j, i] += weight * z[k, i]
        m = j - first
        for i in range(n):
            if j < first and low[j, i] == high[j, i]:
                z[j, i] = (low[j, i] - x[j, i]) / lower[j, j]
            elif j < first:
                z[j, i] = _truncated(u[i, j], x[j, i], lower[j, j], low[j, i : i + 1], high[j, i : i + 1])
            elif m < len(parts):
                z[j, i] = _truncated(u[i, j], x[j, i], lower[j, j], ends[0, m, : parts[m]], ends[1, m, : parts[m]])
            else:
                z[j, i] = normal_quantile(u[i, j])
        for i in range(n):
            x[j, i] += lower[j, j] * z[j, i]
    return x


@numba.njit(cache=True, nogil=True)
def _truncated(u: float, mean: float, sd: float, low: Floats, high: Floats) -> float:
    """A standard normal z with mean + sd z in a union of intervals."""
    below = normal_cdf((low[0] - mean) / sd)
    mass = normal_cdf((high[0] - mean) / sd) - below
    total = mass
    for k in range(1, len(low)):
        total += normal_cdf((high[k] - mean) / sd) - normal_cdf((low[k] - mean) / sd)
    if total <= 1e-14:  # all of it out of reach, or a single point: the nearest place
        best: float = (low[0] - mean) / sd
        for k in range(len(low)):
            for end in (low[k], high[k]):
                if abs((end - mean) / sd) < abs(best):
                    best = (end - mean) / sd
        return best
    left = u * total
    for k in range(len(low)):
        if k > 0:
            below = normal_cdf((low[k] - mean) / sd)
            mass = normal_cdf((high[k] - mean) / sd) - below
        if left < mass or k == len(low) - 1:
            z = normal_quantile(below + min(left, mass))
            kept: float = min(max(z, (low[k] - mean) / sd), (high[k] - mean) / sd)
            return kept
        left -= mass
    return 0.0
