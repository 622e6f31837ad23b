"""A rate over a stretch of time: linear between knots, free to jump at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CURVED = 1e-4
"""How far the lines that stand for a product may be off, of its integral."""

MOST_CUTS = 64
"""Into so many lines at most one segment of a product is cut."""


@dataclass(frozen=True)
class Segments:
    """A rate over a stretch of time.

    Args:
        edges: the knots in order, in seconds, shape (n + 1,).
        left: the rate at the beginning of each segment, shape (n,).
        right: the rate at its end, shape (n,).
    """

    edges: Floats
    left: Floats
    right: Floats

    @property
    def masses(self) -> Floats:
        """The integral over each segment, shape (n,)."""
        masses: Floats = (self.left + self.right) * np.diff(self.edges) / 2
        return masses

    def refined(self, edges: Floats) -> Segments:
        """The same rate between other knots, shape (m + 1,): those it has in their stretch are among them."""
        at = np.clip(np.searchsorted(self.edges, edges[:-1], side="right") - 1, 0, len(self.left) - 1)
        start, length = self.edges[at], np.diff(self.edges)[at]
        left, change = self.left[at], (self.right - self.left)[at]
        return Segments(
            edges, left + change * ((edges[:-1] - start) / length), left + change * ((edges[1:] - start) / length)
        )

    def cut(self, start: float, stop: float) -> Segments:
        """The part of it in [start, stop), which it has to cover."""
        inner = self.edges[np.searchsorted(self.edges, start, "right") : np.searchsorted(self.edges, stop)]
        return self.refined(np.concatenate([[start], inner, [stop]]))

    def tiled(self, start: float, stop: float) -> Segments:
        """The part in [start, stop) of what repeats it, before and after, for ever; its own stretch begins at 0."""
        period = self.edges[-1]
        turns = np.arange(np.floor(start / period), np.floor(stop / period) + 1)  # (turns,)
        edges = np.append((turns[:, None] * period + self.edges[:-1]).ravel(), (turns[-1] + 1) * period)
        return Segments(edges, np.tile(self.left, len(turns)), np.tile(self.right, len(turns))).cut(start, stop)

    def moved(self, seconds: float) -> Segments:
        """The same rate so much later."""
        return Segments(self.edges + seconds, self.left, self.right)

    def times(self, factor: float) -> Segments:
        """The rate multiplied."""
        return Segments(self.edges, self.left * factor, self.right * factor)


def joined(parts: list[Segments]) -> Segments:
    """Stretches that follow each other, as one."""
    return Segments(
        np.concatenate([*(part.edges[:-1] for part in parts), parts[-1].edges[-1:]]),
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
    )


def added(parts: list[Segments]) -> Segments:
    """The sum of rates over one stretch."""
    edges = np.unique(np.concatenate([part.edges for part in parts]))
    refined = [part.refined(edges) for part in parts]
    return Segments(edges, _total([part.left for part in refined]), _total([part.right for part in refined]))


def _total(rates: list[Floats]) -> Floats:
    total: Floats = np.sum(rates, axis=0)
    return total


def multiplied(first: Segments, second: Segments) -> Segments:
    """The product of two rates over one stretch, lines again: cut so finely that they are off by `CURVED` at most."""
    edges = np.unique(np.concatenate([first.edges, second.edges]))
    a, b = first.refined(edges), second.refined(edges)
    bend = np.abs((a.right - a.left) * (b.right - b.left))
    mean = (a.left + a.right) * (b.left + b.right) / 4
    ratio = np.divide(bend, 6 * CURVED * mean, out=np.ones_like(bend), where=mean > 0)
    cuts = np.clip(np.ceil(np.sqrt(ratio)), 1, MOST_CUTS).astype(np.int64)
    if cuts.max() > 1:
        whole, part = (
            np.repeat(np.arange(len(cuts)), cuts),
            np.arange(cuts.sum()) - np.repeat(cuts.cumsum() - cuts, cuts),
        )
        finer = edges[whole] + np.diff(edges)[whole] * (part / cuts[whole])
        edges = np.unique(np.append(finer, edges[-1]))
        a, b = first.refined(edges), second.refined(edges)
    return Segments(edges, a.left * b.left, a.right * b.right)
