"""Whether a synthetic feed still represents a real one, in words: no number of the real one is in a verdict.

A band gets worse when the lower bound of a difference passes a boundary of practical size, and better only when the
difference itself lies within the boundary for some windows in a row. So it takes half an interval to flap, and chance
alone moves no further than that. With A windows asked for between two that judge falsely, every bound of one window
misses with chance 1 / (A * bounds) at the most: by adding up, whatever depends on what, of A windows in which no column
differs by more than the boundary one shows worse on average, or none. (Bounds hold for records that do not depend on
each other; those of correlations are Fisher's approximation.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from monitors.pane import Pane, PaneLayout
from monitors.two_samples import Change, Gap, Subject, TwoSamples, subjects
from schemas.errors import InputError


class Band(IntEnum):
    """How well one feed stands for another; larger is worse."""

    UNKNOWN = -1
    REPRESENTS = 0
    DRIFTING = 1
    LOST = 2

    @property
    def words(self) -> str:
        """The band as people read it."""
        return WORDS[self]


WORDS: Mapping[Band, str] = {
    Band.UNKNOWN: "unknown",
    Band.REPRESENTS: "represents",
    Band.DRIFTING: "drifting",
    Band.LOST: "no longer represents",
}
"""What each band is called."""


@dataclass(frozen=True)
class Tolerance:
    """From where on a difference matters.

    Args:
        drifting: a column surely further apart than so is drifting.
        lost: one surely further apart than so no longer represents.
        windows_per_false_band: of so many windows one at the most judges a column falsely, on average.
        clear_after: how many windows in a row must lie within a boundary before the band gets better.

    Raises:
        InputError: a value out of range.
    """

    drifting: float = 0.05
    lost: float = 0.1
    windows_per_false_band: float = 10_000.0
    clear_after: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.drifting < self.lost < 1:
            raise InputError(
                f"drifting={self.drifting:g} lost={self.lost:g}: expected distances with 0 < drifting < lost < 1"
            )
        if not self.windows_per_false_band > 1:
            raise InputError(f"windows_per_false_band={self.windows_per_false_band:g}: must be above 1")
        if self.clear_after < 1:
            raise InputError(f"clear_after={self.clear_after}: must be at least 1")

    def band(self, size: float) -> Band:
        """The band of a size."""
        return Band((size > self.drifting) + (size > self.lost))


@dataclass(frozen=True)
class ColumnVerdict:
    """What is said of one column: how well it is represented, and what changed where it is not."""

    band: Band
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What is said of a table, column by column."""

    columns: Mapping[str, ColumnVerdict]

    @property
    def band(self) -> Band:
        """The table's band: that of its worst column; where none is worse, unknown while that of any column is."""
        return _together([column.band for column in self.columns.values()])

    def worst(self) -> dict[str, ColumnVerdict]:
        """The columns that are not represented, the worst first."""
        found = {name: column for name, column in self.columns.items() if column.band > Band.REPRESENTS}
        return dict(sorted(found.items(), key=lambda item: -item[1].band))


@dataclass
class _Latch:
    """What is known of one subject, and how its last windows within a better band lay."""

    band: Band = Band.UNKNOWN
    within: int = 0
    highest: Band = Band.REPRESENTS

    def see(self, found: Gap, tolerance: Tolerance) -> None:
        """Take in what the next window says."""
        shown, lies = tolerance.band(found.low), tolerance.band(found.size)
        if shown > max(self.band, Band.REPRESENTS):
            self.band, self.within = shown, 0
        elif found.reach > tolerance.lost:
            return  # too few records to tell that it is better
        elif self.band is Band.UNKNOWN:
            self.band = Band.REPRESENTS
        elif lies < self.band:
            self.highest = max(self.highest, lies) if self.within else lies
            self.within += 1
            if self.within >= tolerance.clear_after:
                self.band, self.within = self.highest, 0
        else:
            self.within = 0


class Bands:
    """Judges one window of the real feed after the other, and remembers.

    A column is unknown until each of its bounds is as fine as the boundary of `lost`, or one shows a difference.

    Args:
        layout: the cells both feeds are counted in.
        tolerance: from where on a difference matters.
    """

    def __init__(self, layout: PaneLayout, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.subjects = subjects(layout)
        self._miss = 1.0 / (tolerance.windows_per_false_band * max(len(self.subjects), 1))
        self._latches = {subject: _Latch() for subject in self.subjects}

    def judge(self, real: Pane, synthetic: Pane) -> Verdict:
        """What is known once two windows are counted.

        Args:
            real: the counts of the real feed's newest window; synthetic: of the other's.
        """
        samples = TwoSamples(real, synthetic, self._miss)
        for subject, latch in self._latches.items():
            found = samples.gap(subject)
            if found is not None:
                latch.see(found, self.tolerance)
        return self.verdict()

    def verdict(self) -> Verdict:
        """What is known by now."""
        columns: dict[str, list[tuple[Subject, _Latch]]] = {}
        for subject, latch in self._latches.items():
            columns.setdefault(subject.column, []).append((subject, latch))
        return Verdict({name: _column(parts) for name, parts in columns.items()})


def _column(parts: list[tuple[Subject, _Latch]]) -> ColumnVerdict:
    worst = _together([latch.band for _, latch in parts])
    if worst <= Band.REPRESENTS:
        return ColumnVerdict(worst)
    changes = tuple(subject.change for subject, latch in parts if latch.band > Band.REPRESENTS)
    return ColumnVerdict(worst, changes)


def _together(parts: list[Band]) -> Band:
    """The worst band; where nothing is worse than it should be, unknown while anything is."""
    worst = max(parts, default=Band.UNKNOWN)
    return worst if worst > Band.REPRESENTS else min(parts, default=Band.UNKNOWN)
