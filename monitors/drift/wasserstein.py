"""The Wasserstein distance, in interquartile ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitors.estimate import Estimate
from monitors.intervals import Z, between, nothing
from monitors.metric import ORDERED, Metric
from monitors.pane import PaneLayout
from monitors.reference import Reference
from monitors.window import Window
from schemas.bins import Bins

Numbers = npt.NDArray[np.float64]

SPREADS = ((0.25, 0.75), (0.05, 0.95), (0.0, 1.0))
"""What distances are divided by: the reference's interquartile range; a wider one where one value is that frequent."""

NONE_TO_SPEAK_OF = 1e-9
"""A spread below this share of the whole reach is that of a single value."""


class Wasserstein(Metric):
    """How far values would have to be moved, on average, in interquartile ranges of the reference.

    Present values only, spread evenly over their cells; those beyond the outer edges lie at them, so that it is a lower
    bound where many are. The plain value is lifted above 0 by chance, which the interval's lower end takes off; the
    rest of the interval is the delta method's: the distance is the difference of the means of a function that rises
    where the window lies higher and falls where it lies lower.
    """

    NAME = "drift_wasserstein"
    HELP = "Mean distance that values would have to be moved, in interquartile ranges of the reference."
    UNIT = ""
    SOURCE = "Munk and Czado, Nonparametric validation of similar distributions, JRSS B 1998"
    APPLIES = ORDERED
    COMPARES = True

    def estimate(self, window: Window, reference: Reference, subject: str) -> Estimate:
        """See `Metric.estimate`."""
        bins, cells = window.pane.layout.bins[subject], window.pane.layout.present[subject]
        a, b = window.pane.column(subject)[cells], reference.counts[subject][cells]
        n, m = int(a.sum()), int(b.sum())
        if n == 0 or m == 0:
            return nothing()
        moved = _moved(a / n, b / m, bins.edges)
        unit = _spread(b / m, bins.edges)
        lifted = moved.lifted * np.sqrt(1 / n + 1 / m)
        reach = Z * np.sqrt(moved.of_one / n + moved.of_other / m)
        value = moved.distance
        return between(value / unit, max(value - lifted - reach, 0.0) / unit, (value + reach) / unit, n)

    def subjects(self, layout: PaneLayout) -> tuple[str, ...]:
        """The columns that have at least two edges."""
        return tuple(name for name in super().subjects(layout) if _has_reach(layout.bins[name]))


@dataclass(frozen=True)
class _Moved:
    """A distance and what its error is made of.

    Args:
        distance: the area between the two distribution functions.
        lifted: by how much chance alone lifts it, at most, for one record.
        of_one: the variance of the function whose means differ by it, in one sample; of_other: in the other.
    """

    distance: float
    lifted: float
    of_one: float
    of_other: float


def _moved(p: Numbers, q: Numbers, edges: Numbers) -> _Moved:
    widths, total = np.diff(edges), np.cumsum((p + q) / 2)[:-1]
    gap = np.cumsum(p - q)[:-1]
    left, right = gap[:-1], gap[1:]
    both = np.abs(left) + np.abs(right)
    crossing = left * right < 0  # the functions cross inside the cell: two triangles
    area = np.where(crossing, (left**2 + right**2) / np.maximum(2 * both, 1e-300), both / 2)
    heights = np.concatenate([[0.0], np.cumsum(np.sign(left + right) * widths)])
    means = np.concatenate([heights[:1], (heights[:-1] + heights[1:]) / 2, heights[-1:]])
    error = np.sqrt(np.maximum(total * (1 - total), 0.0))
    variances = [float(max(x @ means**2 - (x @ means) ** 2, 0.0)) for x in (p, q)]
    return _Moved(float(area @ widths), float((error[:-1] + error[1:]) / 2 @ widths), *variances)


def _spread(shares: Numbers, edges: Numbers) -> float:
    reached = np.cumsum(shares)[:-1]
    reach = float(edges[-1] - edges[0])
    spreads = (float(np.diff(np.interp(levels, reached, edges))[0]) for levels in SPREADS)
    return next((spread for spread in spreads if spread > NONE_TO_SPEAK_OF * reach), reach)


def _has_reach(bins: Bins) -> bool:
    return len(bins.edges) > 1 and bool(np.isfinite(bins.edges[-1] - bins.edges[0]))


METRIC = Wasserstein()
