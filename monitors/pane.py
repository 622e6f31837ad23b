"""Panes: int64 counts of one slot of event time, which add and subtract exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitors.arrivals import Arrived
from monitors.delays import DELAY_EDGES_S, delay_codes
from monitors.pane_kernels import note_spans
from monitors.pane_parts import Sequences, Span, Told
from monitors.samples import Keys, Sample, Sampler, hashes_of
from monitors.sketches import REGISTERS, Registers, note
from monitors.slots import pane_milliseconds, slots_of
from schemas.bins import DEFAULT_CELLS, Bins
from schemas.cell_kernels import tally
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.row_counts import Moments, Pair, RowLayout
from schemas.rules import Rule
from schemas.table import Column, Role, TableSchema

MAX_EXAMPLES = 20
"""How many broken records a pane remembers for each rule."""

AT_ONCE_BYTES = 64 << 20
"""How much memory the panes of rows that are counted together may take."""

Examples = tuple[tuple[int, int], ...]
"""Records by partition and offset."""


class PaneLayout:
    """Which count lies where in a pane of a stream.

    Args:
        schema: the stream's columns.
        profile: the training data's profile, which gives every column its cells.
        rules: what records must satisfy.
        cells: about how many cells a numeric column gets.
        event_time: the column the stream's clock fills; it is not watched, since time alone moves it.
        pairs: which pairs of columns to count; those of columns that are not watched are left out.
        intended_per_s: how many records a second of event time are meant to come; None where no number says so.

    Raises:
        InputError: two rules have one name.
    """

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        rules: Sequence[Rule] = (),
        cells: int = DEFAULT_CELLS,
        event_time: str | None = None,
        pairs: Sequence[Pair] = (),
        intended_per_s: float | None = None,
    ) -> None:
        self.columns: tuple[Column, ...] = tuple(c for c in schema if c.name != event_time)
        self.intended_per_s = intended_per_s
        watched = {c.name for c in self.columns}
        self.rows = RowLayout(self.columns, profile, [pair for pair in pairs if watched.issuperset(pair)], cells)
        self.bins: dict[str, Bins] = self.rows.bins
        self.cells: dict[str, slice] = self.rows.cells
        self.pairs: tuple[Pair, ...] = tuple(self.rows.pairs)
        self.present: dict[str, npt.NDArray[np.intp]] = {n: _present(bins) for n, bins in self.bins.items()}
        self.keys = tuple(c.name for c in self.columns if c.role in (Role.KEY, Role.IDENTIFIER))
        self.rules = tuple(rules)
        self.rule_names = tuple(rule.name for rule in self.rules)
        twice = sorted({n for n in self.rule_names if self.rule_names.count(n) > 1})
        if twice:
            raise InputError(*(f"rule={name}: is given twice; drop one" for name in twice))
        delays = len(DELAY_EDGES_S)
        sizes = [self.rows.size, len(self.rules), *[delays] * 3, len(Sequences._fields), len(Told._fields)]
        ends = np.cumsum(sizes).tolist()
        places = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.violations, self.publish_delays, self.record_ages, self.lateness, self.sequences, self.told = places[1:]
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
        sketches: by key or identifier, the registers of `monitors.sketches`; joined and never taken apart.
        numbers: by partition, the first and the last sequence of its records, of those that have one.
        sample: some of its records, until a classifier has looked at them; alike.
    """

    layout: PaneLayout
    counts: npt.NDArray[np.int64]
    spans: dict[int, Span] = field(default_factory=dict)
    examples: dict[str, Examples] = field(default_factory=dict)
    sketches: dict[str, Registers] = field(default_factory=dict)
    numbers: dict[int, tuple[int, int]] = field(default_factory=dict)
    sample: Sample | None = None

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

    def pair(self, pair: Pair) -> npt.NDArray[np.int64]:
        """How many records fell in each pair of two columns' coarse cells, shape (cells of one, of the other)."""
        return self.layout.rows.pair_of(self.counts, pair)

    @property
    def moments(self) -> Moments:
        """The sums of products of the columns' scores."""
        return self.layout.rows.moments_of(self.counts)

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

    @property
    def lateness(self) -> npt.NDArray[np.int64]:
        """How many records lay how far behind the newest event time of their partition, shape (delay cells,)."""
        return self.counts[self.layout.lateness]

    @property
    def sequences(self) -> Sequences:
        """What its records show of the numbers they have in their shards."""
        return Sequences(*self.counts[self.layout.sequences].tolist())

    @property
    def told(self) -> Told:
        """What a classifier made of its sample."""
        return Told(*self.counts[self.layout.told].tolist())

    def gather(self, other: Pane) -> None:
        """Take in a pane of the same slot: as `add` does, and its numbers and sample too."""
        self.add(other)
        for partition, (first, last) in other.numbers.items():
            mine = self.numbers.get(partition, (first, last))
            self.numbers[partition] = min(mine[0], first), max(mine[1], last)
        self.sample = other.sample if self.sample is None else self.sample.joined(other.sample)

    def add(self, other: Pane) -> None:
        """Take another pane's counts, spans and examples in."""
        self.counts += other.counts
        self.note(other)

    def note(self, other: Pane) -> None:
        """Take another pane's spans, examples and sketches in, and not its counts."""
        for name, registers in other.sketches.items():
            mine_of = self.sketches.get(name)
            self.sketches[name] = registers if mine_of is None else np.maximum(mine_of, registers)
        for partition, span in other.spans.items():
            mine = self.spans.get(partition)
            self.spans[partition] = span if mine is None else mine.union(span)
        for rule, examples in other.examples.items():
            self.examples[rule] = (self.examples.get(rule, ()) + examples)[:MAX_EXAMPLES]

    def subtract(self, other: Pane) -> None:
        """Take another pane's counts out again; spans, examples and sketches stay: they can not be taken apart."""
        self.counts -= other.counts


class Deltas:
    """Turns batches into panes.

    Args:
        layout: which count lies where.
        pane_s: the length of a slot of event time, in seconds; whole milliseconds.
        sampler: chooses the records that panes keep as they are; None to keep none.

    Raises:
        InputError: a slot shorter than a millisecond.
    """

    def __init__(self, layout: PaneLayout, pane_s: float = 1.0, sampler: Sampler | None = None) -> None:
        self.layout = layout
        self.pane_ms = pane_milliseconds(pane_s)
        self._sampler = sampler

    @property
    def words(self) -> int:
        """How many words of 8 bytes a pane takes at the most."""
        return self.layout.size + (0 if self._sampler is None else self._sampler.words)

    def parts(self, event_time_ms: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.intp]]:
        """Rows that are to be counted together: of so few slots that their panes take no more than `AT_ONCE_BYTES`.

        Args:
            event_time_ms: when each happened, milliseconds since the epoch, shape (n,).

        Returns:
            Which rows, in turn; all rows at once, unless a stream's clock runs fast or event times are scattered.
        """
        if len(event_time_ms) == 0:
            return
        slots, row_slot = slots_of(event_time_ms, self.pane_ms)
        most = max(AT_ONCE_BYTES // (8 * self.layout.size), 1)
        if len(slots) <= most:
            yield np.arange(len(event_time_ms))
            return
        for start in range(0, len(slots), most):
            yield np.flatnonzero((row_slot >= start) & (row_slot < start + most))

    def count(
        self,
        batch: pa.RecordBatch,
        event_time_ms: npt.NDArray[np.int64],
        partitions: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64],
        seen_ms: float,
        arrived: Arrived | None = None,
    ) -> dict[int, Pane]:
        """Count a batch.

        Args:
            batch: the decoded records, shape (n,).
            event_time_ms: when each happened, milliseconds since the epoch, shape (n,).
            partitions: where each lies, shape (n,).
            offsets: where in its partition, shape (n,).
            seen_ms: when they were read, milliseconds since the epoch.
            arrived: what each shows by when it came; None where nobody follows that.

        Returns:
            By slot (event time divided by the slot's length), the pane to add to it.
        """
        if batch.num_rows == 0:
            return {}
        slots, row_slot = slots_of(event_time_ms, self.pane_ms)
        panes = _Table(self.layout, slots, row_slot)
        codes = self.layout.rows.codes(batch)
        self.layout.rows.add_codes(codes, row_slot, panes.counts)
        if self._sampler is not None:
            panes.sample(self._sampler, codes, hashes_of(partitions, offsets))
        panes.tally(self.layout.record_ages, delay_codes((seen_ms - event_time_ms) / 1_000))
        for name in self.layout.keys:
            panes.sketch(name, batch.column(name))
        if arrived is not None:
            panes.tally(self.layout.lateness, delay_codes(arrived.late_ms / 1_000))
            panes.follow(self.layout.sequences, arrived)
            panes.number(partitions, arrived.numbers)
        self._check(panes, batch, partitions, offsets)
        return panes.spanned(partitions, offsets, event_time_ms)

    def unseen(self, event_time_ms: npt.NDArray[np.int64], arrived: Arrived) -> dict[int, Pane]:
        """Count what records show by their numbers that hold no row to be counted, as deletes do.

        Args:
            event_time_ms: when each happened, milliseconds since the epoch, shape (n,).
            arrived: what each shows.

        Returns:
            By slot, a pane that holds this and no records.
        """
        if len(event_time_ms) == 0:
            return {}
        panes = _Table(self.layout, *slots_of(event_time_ms, self.pane_ms))
        panes.follow(self.layout.sequences, arrived)
        return panes.done()

    def delays(self, due_ms: npt.NDArray[np.int64], late_s: npt.NDArray[np.float64]) -> dict[int, Pane]:
        """Count how late records were handed to the producer; only the publisher can know.

        Args:
            due_ms: when each was due, milliseconds since the epoch, shape (n,).
            late_s: how late it was, in seconds, shape (n,).

        Returns:
            By slot, a pane that holds delays and no records.
        """
        if len(due_ms) == 0:
            return {}
        panes = _Table(self.layout, *slots_of(due_ms, self.pane_ms))
        panes.tally(self.layout.publish_delays, delay_codes(late_s))
        return panes.done()

    def _check(
        self,
        panes: _Table,
        batch: pa.RecordBatch,
        partitions: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64],
    ) -> None:
        for i, rule in enumerate(self.layout.rules):
            broken = np.flatnonzero(rule.violations(batch))
            for pane, rows in panes.apart(broken):
                pane.counts[self.layout.violations][i] += len(rows)
                shown = rows[:MAX_EXAMPLES]
                pane.examples[rule.name] = tuple(zip(partitions[shown].tolist(), offsets[shown].tolist(), strict=True))


class _Table:
    """The panes of a batch side by side.

    Args:
        layout: which count lies where.
        slots: the slots there are, ascending.
        row_slot: by row, which of them it is in, shape (rows,); shape (0,) when there is only one.
    """

    def __init__(self, layout: PaneLayout, slots: list[int], row_slot: npt.NDArray[np.int64]) -> None:
        self.counts = np.zeros((len(slots), layout.size), np.int64)
        self._slots, self._row_slot = slots, row_slot
        self._panes = [Pane(layout, counts) for counts in self.counts]

    def tally(self, where: slice, codes: npt.NDArray[np.int32]) -> None:
        """Count codes, shape (rows,), in a stretch of the panes' counts."""
        tally(codes.reshape(1, -1), self._row_slot, np.array([where.start]), self.counts)

    def follow(self, where: slice, arrived: Arrived) -> None:
        """Count what records show of sequences, in a stretch of the panes' counts."""
        shown = np.column_stack([arrived.followed, arrived.shown])
        if len(self._panes) == 1:
            self.counts[0, where] += shown.sum(axis=0)
        else:
            np.add.at(self.counts[:, where], self._row_slot, shown)

    def sample(self, sampler: Sampler, codes: npt.NDArray[np.int32], keys: Keys) -> None:
        """Keep some of the records in the panes: their cells are of shape (columns, rows), their hashes (rows,)."""
        for pane, rows in self.apart(np.arange(len(keys))):
            pane.sample = sampler.chosen(codes, rows, keys)

    def sketch(self, name: str, array: pa.Array[Any]) -> None:
        """Note the values of a key, shape (rows,), in the panes' sketches."""
        registers = np.zeros((len(self._panes), REGISTERS), np.uint8)
        note(array, self._row_slot, registers)
        for pane, own in zip(self._panes, registers, strict=True):
            pane.sketches[name] = own

    def apart(self, rows: npt.NDArray[np.intp]) -> Iterator[tuple[Pane, npt.NDArray[np.intp]]]:
        """Some of the rows, pane by pane."""
        if len(self._panes) == 1:
            if len(rows):
                yield self._panes[0], rows
            return
        for slot in np.unique(self._row_slot[rows]).tolist():
            yield self._panes[slot], rows[self._row_slot[rows] == slot]

    def number(self, partitions: npt.NDArray[np.int32], numbers: npt.NDArray[np.int64]) -> None:
        """Note the first and the last sequence of every partition; both of shape (rows,), -1 for none."""
        known = np.flatnonzero(numbers >= 0)
        if len(known) == 0:
            return
        slots = self._row_slot if len(self._row_slot) == 0 else self._row_slot[known]
        found = np.zeros((len(self._slots), int(partitions.max()) + 1, 4), np.int64)
        note_spans(slots, partitions[known], numbers[known], numbers[known], found)
        for slot, partition in np.argwhere(found[:, :, 0]).tolist():
            first, last = found[slot, partition, 1:3].tolist()
            self._panes[slot].numbers[partition] = first, last

    def spanned(
        self,
        partitions: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64],
        event_time_ms: npt.NDArray[np.int64],
    ) -> dict[int, Pane]:
        """The panes by slot, with the spans of their rows."""
        spans = np.zeros((len(self._slots), int(partitions.max()) + 1, 4), np.int64)
        note_spans(self._row_slot, partitions, offsets, event_time_ms, spans)
        for slot, partition in np.argwhere(spans[:, :, 0]).tolist():
            first, last, latest_ms = spans[slot, partition, 1:].tolist()
            self._panes[slot].spans[partition] = Span(first, last, latest_ms)
        return self.done()

    def done(self) -> dict[int, Pane]:
        """The panes by slot."""
        return dict(zip(self._slots, self._panes, strict=True))
