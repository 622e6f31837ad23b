"""Numbers that were drawn evenly inside wide bins: what a histogram with too few bars leaves of a column."""

from __future__ import annotations

from math import sqrt

import numpy as np

from stream_app.assessment.tables import Floats

MOST_ROWS = 20_000
"""So many values are looked at, evenly taken."""

FEWEST = 200
"""Of fewer values nothing is said."""

BINS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 16, 20, 25, 30, 32, 40, 50)
"""How many bins are tried."""

FITS = 1.36
"""Values fit a law when their largest gap from it is at most so many over the root of their number (5 % level)."""

SURELY = 2.0
"""Real values surely do not when their gap is so many times as large."""


def even_bins(real: Floats, here: Floats) -> int | None:
    """The fewest bins, cut by quantiles of the real values or in equal widths, inside which values lie evenly.

    None where there are none such: values do not lie evenly in them, or the real ones do so nearly too.

    Args:
        real: the real values, rising; here: the synthetic ones, rising.
    """
    if min(len(real), len(here)) < FEWEST or real[0] == real[-1] or here[0] == here[-1]:
        return None
    shared = real[(real >= here[0]) & (real <= here[-1])]  # what one table lacks altogether is another matter
    if len(shared) < FEWEST:
        return None
    one, other = (_spread(_thinned(each)) for each in (shared, here))
    bar = FITS / sqrt(len(other))
    for bins in BINS:
        for edges in _edges(real, here, bins):
            if len(edges) >= 2 and _unevenness(other, edges) <= bar and _unevenness(one, edges) > SURELY * bar:
                return len(edges) - 1
    return None


def _thinned(values: Floats) -> Floats:
    chosen: Floats = values
    if len(values) > MOST_ROWS:
        chosen = values[np.linspace(0, len(values) - 1, MOST_ROWS).astype(np.intp)]
    return chosen


def _spread(values: Floats) -> Floats:
    """Values that are the same, spread over the gap to their neighbours, where all lie on one grid of whole numbers."""
    if not np.all(values == np.round(values)) or values[-1] - values[0] > len(values):
        return values
    distinct, counts = np.unique(values, return_counts=True)
    within = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    found: Floats = np.repeat(distinct, counts) + within
    return found


def _edges(real: Floats, here: Floats, bins: int) -> list[Floats]:
    """Bins of equal probability, and of equal width over what either table spans."""
    parts = np.linspace(0, 1, bins + 1)
    inner = np.quantile(real, parts)
    inner[0], inner[-1] = here[0], here[-1]
    wide = [np.linspace(each[0], each[-1], bins + 1) for each in (real, here)]
    return [*(np.unique(each) for each in (np.sort(inner), np.quantile(here, parts))), *wide]


def _unevenness(values: Floats, edges: Floats) -> float:
    """The largest gap between values and the law with their own share of each bin, spread evenly inside it."""
    edges = edges.copy()
    edges[0], edges[-1] = min(edges[0], values[0]), max(edges[-1], values[-1])
    below = np.searchsorted(values, edges, "right") / len(values)
    below[0] = 0.0
    law = np.interp(values, edges, below)
    places = np.arange(1, len(values) + 1) / len(values)
    return float(np.maximum(np.abs(places - law), np.abs(places - 1 / len(values) - law)).max())
