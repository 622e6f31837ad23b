"""Long streams of panes drawn from the scene's shares, and what evidence and alarms make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

from monitors.alarms import Alarms
from monitors.evidence import Sensitivity, SequentialEvidence
from monitors.pane import Pane
from monitors.pane_parts import Span
from monitors.reference import Reference
from monitors.window import Window
from tests.monitors import scene

LAYOUT = scene.layout()
RECORDS = 2_000
"""Records of a pane."""

Shares = dict[str, npt.NDArray[np.float64]]


def shares() -> Shares:
    """The scene's own."""
    return {name: bins.expected for name, bins in LAYOUT.bins.items()}


def drifted(drift: scene.Drift) -> Shares:
    """Those of records that drift."""
    many = scene.pane(LAYOUT, 200_000, drift, seed=11)
    return {name: many.column(name) / many.records for name in LAYOUT.bins}


def shifted(shift: float) -> Shares:
    """The scene's own, but for weights that are up by so many standard deviations."""
    own, moved = shares(), drifted(scene.Drift(shift=shift))["weight"]
    own["weight"] = np.append(moved[:-1] / moved[:-1].sum() * (1 - own["weight"][-1]), own["weight"][-1])
    return own


@cache
def reference(seed: int = 0, rows: int = 1_000_000) -> Reference:
    """The rows a generator with the scene's shares drew at its training."""
    return scene.reference_of(LAYOUT, scene.drawn(np.random.default_rng([seed, 1]), LAYOUT, shares(), rows))


def panes(
    seed: int, count: int, of: Callable[[int], Shares] = lambda slot: shares(), records: int = RECORDS
) -> list[Pane]:
    """Panes of one second each; `of` says what the records of a slot are drawn from."""
    rng = np.random.default_rng([seed, 2])
    drawn = [scene.drawn(rng, LAYOUT, of(slot), records) for slot in range(count)]
    for slot, pane in enumerate(drawn):
        pane.spans[0] = Span(slot * records, (slot + 1) * records - 1, slot * 1_000 + 999)
    return drawn


def windows(some: list[Pane], first_s: float = 0.0) -> Iterator[Window]:
    """Each pane as a window of its own."""
    for slot, pane in enumerate(some):
        yield Window(first_s + slot, first_s + slot + 1, pane, pane, 1.0)


def evidence(seed: int = 0, sensitivity: Sensitivity | None = None, rows: int = 1_000_000) -> SequentialEvidence:
    """Evidence against a reference of its own."""
    return SequentialEvidence(LAYOUT, reference(seed, rows), sensitivity)


def alarms(seed: int = 0, clear_after: int = 3) -> Alarms:
    """Alarms by such evidence."""
    return Alarms(evidence(seed), reference(seed), clear_after)
