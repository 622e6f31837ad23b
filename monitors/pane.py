"""Panes: int64 counts of one slot of event time, which add and subtract exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.bins import Bins, bins_of
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.rules import Rule
from schemas.table import Column, TableSchema

MAX_EXAMPLES = 20
"""How many broken records a pane remembers for each rule."""

DELAY_EDGES_S: npt.NDArray[np.float64] = np.append(0.0, 1e-4 * 2 ** (np.arange(240) / 8))
"""Lower edges of the cells delays are counted in: all below 0.1 ms, then eight to an octave (9 % wide) up to a day."""

Examples = tuple[tuple[int, int], ...]
"""Records by partition and offset."""


class Span(NamedTuple):
    """What a pane holds of one partition: its first and last offset, and its latest event time in milliseconds."""

    first: int
    last: int
    latest_ms: int

    def union(self, other: Span) -> Span:
        """The span of both."""
        return Span(min(self.first, other.first), max(self.last, other.last), max(self.latest_ms, other.latest_ms))


class PaneLayout:
    """Which count lies where in a pane of a stream.

    Args:
        schema: the stream's columns.
        profile: the training data's profile, which gives every column its cells.
        rules: what records must satisfy.
        cells: about how many cells a numeric column gets.
        event_time: the column the stream's clock fills; it is not watched, since time alone moves it.

    Raises:
        InputError: two rules have one name.
    """

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        rules: Sequence[Rule] = (),
        cells: int = 128,
        event_time: str | None = None,
    ) -> None:
        self.columns: tuple[Column, ...] = tuple(c for c in schema if c.name != event_time)
        self.bins: dict[str, Bins] = {c.name: bins_of(c, profile[c.name], cells) for c in self.columns}
        self.present: dict[str, npt.NDArray[np.intp]] = {n: _present(bins) for n, bins in self.bins.items()}
        self.rules = tuple(rules)
        self.rule_names = tuple(rule.name for rule in self.rules)
        twice = sorted({n for n in self.rule_names if self.rule_names.count(n) > 1})
        if twice:
            raise InputError(*(f"rule={name}: is given twice; drop one" for name in twice))
        sizes = [
            1,
            *(bins.size for bins in self.bins.values()),
            len(self.rules),
            len(DELAY_EDGES_S),
            len(DELAY_EDGES_S),
        ]
        ends = np.cumsum(sizes).tolist()
        parts = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.cells: dict[str, slice] = dict(zip(self.bins, parts[1:-3], strict=True))
        self.violations, self.publish_delays, self.record_ages = parts[-3:]
        self.size: int = ends[-1]


def _present(bins: Bins) -> npt.NDArray[np.intp]:
    """The cells that hold known values: neither null nor unseen."""
    return np.array([i for i in range(bins.size) if i not in (bins.null, bins.unseen)], np.intp)


@dataclass(eq=False)
class Pane:
    """Counts of one slot of event time, or of several added up.

    Args:
        layout: which count lies where.
        counts: shape (layout.size,).
        spans: by partition, which records are counted.
        examples: by rule, up to `MAX_EXAMPLES` records that broke it.
    """

    layout: PaneLayout
    counts: npt.NDArray[np.int64]
    spans: dict[int, Span] = field(default_factory=dict)
    examples: dict[str, Examples] = field(default_factory=dict)

    @classmethod
    def empty(cls, layout: PaneLayout) -> Pane:
        """A pane without a record."""
        return cls(layout, np.zeros(layout.size, np.int64))

    @property
    def records(self) -> int:
        """How many records are counted."""
        return int(self.counts[0])

    def column(self, name: str) -> npt.NDArray[np.int64]:
        """How many records fell in each cell of a column, shape (cells,)."""
        return self.counts[self.layout.cells[name]]

    def violations(self, rule: str) -> int:
        """How many records broke a rule."""
        return int(self.counts[self.layout.violations][self.layout.rule_names.index(rule)])

    @property
    def publish_delays(self) -> npt.NDArray[np.int64]:
        """How many records were handed over how late, shape (delay cells,)."""
        return self.counts[self.layout.publish_delays]

    @property
    def record_ages(self) -> npt.NDArray[np.int64]:
        """How many records were how old when they were read, shape (delay cells,)."""
        return self.counts[self.layout.record_ages]

    def add(self, other: Pane) -> None:
        """Take another pane's counts, spans and examples in."""
        self.counts += other.counts
        self.note(other)

    def note(self, other: Pane) -> None:
        """Take another pane's spans and examples in, and not its counts."""
        for partition, span in other.spans.items():
            mine = self.spans.get(partition)
            self.spans[partition] = span if mine is None else mine.union(span)
        for rule, examples in other.examples.items():
            self.examples[rule] = (self.examples.get(rule, ()) + examples)[:MAX_EXAMPLES]

    def subtract(self, other: Pane) -> None:
        """Take another pane's counts out again; spans and examples stay, for they can not be taken apart."""
        self.counts -= other.counts


class Deltas:
    """Turns batches into panes.

    Args:
        layout: which count lies where.
        pane_s: the length of a slot of event time, in seconds; whole milliseconds.

    Raises:
        InputError: a slot shorter than a millisecond.
    """

    def __init__(self, layout: PaneLayout, pane_s: float = 1.0) -> None:
        self.layout = layout
        self.pane_ms = pane_milliseconds(pane_s)

    def count(
        self,
        batch: pa.RecordBatch,
        event_time_ms: npt.NDArray[np.int64],
        partitions: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64],
        seen_ms: float,
    ) -> dict[int, Pane]:
        """Count a batch.

        Args:
            batch: the decoded records, shape (n,).
            event_time_ms: when each happened, milliseconds since the epoch, shape (n,).
            partitions: where each lies, shape (n,).
            offsets: where in its partition, shape (n,).
            seen_ms: when they were read, milliseconds since the epoch.

        Returns:
            By slot (event time divided by the slot's length), the pane to add to it.
        """
        if batch.num_rows == 0:
            return {}
        slots, row_slot = np.unique(event_time_ms // self.pane_ms, return_inverse=True)
        panes = [Pane.empty(self.layout) for _ in slots]
        self._tally(panes, slice(0, 1), row_slot, np.zeros(len(row_slot), np.int64))
        for column in self.layout.columns:
            codes = self.layout.bins[column.name].codes(batch.column(column.name))
            self._tally(panes, self.layout.cells[column.name], row_slot, codes)
        self._tally(panes, self.layout.record_ages, row_slot, delay_codes((seen_ms - event_time_ms) / 1_000))
        self._check(panes, batch, row_slot, partitions, offsets)
        _note_spans(panes, row_slot, event_time_ms, partitions, offsets)
        return dict(zip(slots.tolist(), panes, strict=True))

    def delays(self, due_ms: npt.NDArray[np.int64], late_s: npt.NDArray[np.float64]) -> dict[int, Pane]:
        """Count how late records were handed to the producer; only the publisher can know.

        Args:
            due_ms: when each was due, milliseconds since the epoch, shape (n,).
            late_s: how late it was, in seconds, shape (n,).

        Returns:
            By slot, a pane that holds delays and no records.
        """
        slots, row_slot = np.unique(due_ms // self.pane_ms, return_inverse=True)
        panes = [Pane.empty(self.layout) for _ in slots]
        self._tally(panes, self.layout.publish_delays, row_slot, delay_codes(late_s))
        return dict(zip(slots.tolist(), panes, strict=True))

    def _tally(
        self,
        panes: Sequence[Pane],
        where: slice,
        row_slot: npt.NDArray[np.intp],
        codes: npt.NDArray[np.signedinteger],
    ) -> None:
        size = where.stop - where.start
        cells = codes if len(panes) == 1 else row_slot * size + codes
        table = np.bincount(cells, minlength=size * len(panes)).reshape(len(panes), size)
        for pane, counts in zip(panes, table, strict=True):
            pane.counts[where] += counts

    def _check(
        self,
        panes: Sequence[Pane],
        batch: pa.RecordBatch,
        row_slot: npt.NDArray[np.intp],
        partitions: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64],
    ) -> None:
        for i, rule in enumerate(self.layout.rules):
            broken = np.flatnonzero(rule.violations(batch))
            for s in np.unique(row_slot[broken]).tolist():
                rows = broken[row_slot[broken] == s]
                panes[s].counts[self.layout.violations][i] += len(rows)
                shown = rows[:MAX_EXAMPLES]
                panes[s].examples[rule.name] = tuple(
                    zip(partitions[shown].tolist(), offsets[shown].tolist(), strict=True)
                )


def _note_spans(
    panes: Sequence[Pane],
    row_slot: npt.NDArray[np.intp],
    event_time_ms: npt.NDArray[np.int64],
    partitions: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
) -> None:
    present, row_partition = np.unique(partitions, return_inverse=True)
    group = row_slot * len(present) + row_partition
    order = np.argsort(group, kind="stable")
    groups, starts = np.unique(group[order], return_index=True)
    firsts = np.minimum.reduceat(offsets[order], starts).tolist()
    lasts = np.maximum.reduceat(offsets[order], starts).tolist()
    latest = np.maximum.reduceat(event_time_ms[order], starts).tolist()
    for group_id, first, last, latest_ms in zip(groups.tolist(), firsts, lasts, latest, strict=True):
        slot, partition = divmod(group_id, len(present))
        panes[slot].spans[int(present[partition])] = Span(first, last, latest_ms)


def delay_codes(delays_s: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Which cell of `DELAY_EDGES_S` each delay falls in; what lies below zero counts as zero.

    >>> delay_codes(np.array([-1.0, 0.0, 0.00011, 1e9])).tolist()
    [0, 0, 2, 240]
    """
    return np.maximum(np.searchsorted(DELAY_EDGES_S, delays_s, side="right") - 1, 0)


def pane_milliseconds(pane_s: float) -> int:
    """The length of a slot in whole milliseconds.

    Raises:
        InputError: it is shorter than one, or not whole.
    """
    pane_ms = round(pane_s * 1_000)
    if pane_ms < 1 or abs(pane_ms - pane_s * 1_000) > 1e-6:
        raise InputError(f"pane_s={pane_s}: must be at least 0.001 and whole milliseconds")
    return pane_ms
