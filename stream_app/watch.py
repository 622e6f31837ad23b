"""Consume, decode, count, judge: an independent reader of what was really published."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.kafka import Inbox, Polled
from monitors.alarms import Alarms, Event
from monitors.arrivals import Arrivals, Arrived, nothing_known
from monitors.measure import Measurement, measure
from monitors.pane import Deltas, Pane, PaneLayout
from monitors.prometheus import Exporter, Reading
from monitors.reference import Reference
from monitors.window import Window, Windows
from schemas.table import TableSchema
from stream_app.changes import Changes
from stream_app.decoding import Decoders
from stream_app.lineage import HEADER, Lineage, numbers, parse

logger = logging.getLogger(__name__)

MOST_RECORDS = 20_000
"""How many records one step reads at the most."""

POLL_S = 0.1
"""How long one step waits for records."""

KEPT = 600
"""How many windows, events and notes are remembered for the page, if they fit."""

KEPT_BYTES = 64 << 20
"""How much memory remembered windows may take."""

LEAST_KEPT = 60
"""How many windows are remembered however wide the table is."""

SHOWN_RECORDS = 12
"""How many of the newest records are kept to be shown."""


@dataclass(frozen=True)
class Seen:
    """One record as people look at it."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: dict[str, object]
    lineage: Lineage | None


@dataclass(frozen=True)
class Verdict:
    """What one window said."""

    window: Window
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a decoded batch that are counted.

    Args:
        batch: the rows, all columns; counted: those that are counted, as the layout has them.
        rows: which of the records that were read they are, shape (rows,).
        times_ms: event times, milliseconds since the epoch, shape (rows,).
    """

    batch: pa.RecordBatch
    counted: pa.RecordBatch
    rows: npt.NDArray[np.int64]
    times_ms: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Judges:
    """What turns counts into numbers and alarms.

    Args:
        layout: the stream's cells.
        deltas: turns batches into panes.
        windows: slides over the panes.
        references: what windows are compared with, the one for alarms first.
        alarms: the latches.
        exporter: shows it all to Prometheus.
        tolerated: by rule, the share of records that may break it; the others are facts.
        follows: whether records are followed by their lineage, so that duplicates and gaps are found.
    """

    layout: PaneLayout
    deltas: Deltas
    windows: Windows
    references: tuple[Reference, ...]
    alarms: Alarms
    exporter: Exporter
    tolerated: Mapping[str, float] = field(default_factory=dict)
    follows: bool = True


@dataclass
class Memory:
    """What the page shows of the past."""

    records: int = 0
    foreign: int = 0
    deletes: int = 0
    tombstones: int = 0
    redelivered: int = 0
    verdicts: deque[Verdict] = field(default_factory=lambda: deque(maxlen=KEPT))
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=SHOWN_RECORDS))


class Watch:
    """Reads a topic and judges it, window by window.

    Args:
        inbox: the records.
        decoders: decode them.
        schema: the stream's columns.
        judges: count, measure and judge them.
        event_time: the timestamp column that carries event time; None for the Kafka timestamp.
        now_ms: the time now, milliseconds since the epoch.
        changes: how records are changes, if they are; the rows after are what is judged.
    """

    def __init__(
        self,
        inbox: Inbox,
        decoders: Decoders,
        schema: TableSchema,
        judges: Judges,
        event_time: str | None,
        now_ms: Callable[[], float],
        changes: Changes | None = None,
    ) -> None:
        self._changes = changes
        self._arrivals, self._resets = Arrivals(), inbox.resets
        self.judges = judges
        self.memory = Memory(verdicts=deque(maxlen=_kept_windows(judges.layout)))
        self.lock = threading.Lock()
        self._inbox, self._decoders, self._event_time, self._now_ms = inbox, decoders, event_time, now_ms
        counted = {column.name for column in judges.layout.columns}
        read = counted.union(*(rule.columns for rule in judges.layout.rules))
        self._schema = pa.schema([pa.field(c.name, c.arrow_type) for c in schema if c.name in read])

    def run(self, stopped: Callable[[], bool]) -> None:
        """Read and judge until told to stop."""
        while not stopped():
            self.step()

    def step(self) -> list[Event]:
        """Read what has come, count it, and judge every window that is complete.

        Returns:
            The alarms that opened, were raised or cleared.
        """
        polled = self._inbox.poll(MOST_RECORDS, POLL_S)
        now_ms = self._now_ms()
        if polled.values:
            self._count(polled, now_ms)
        with self.lock:
            self.judges.windows.expect(self._inbox.assignment, now_ms / 1_000)
            closed = list(self.judges.windows.closed(now_ms / 1_000))
            memory = self.memory
            reading = Reading(
                self.judges.windows.late_records,
                memory.foreign,
                self._inbox.resets,
                memory.deletes,
                memory.tombstones,
                memory.redelivered,
            )
        self.judges.exporter.read(reading)
        return [event for window in closed for event in self._judge(window)]

    def delays(self, due_ms: npt.NDArray[np.int64], late_s: npt.NDArray[np.float64]) -> None:
        """Take in how late records were handed over, where the publisher lives in this process.

        Args:
            due_ms: when each was due, milliseconds since the epoch, shape (n,).
            late_s: how late it was, in seconds, shape (n,).
        """
        with self.lock:
            for slot, pane in self.judges.deltas.delays(due_ms, late_s).items():
                self.judges.windows.add(slot, pane)

    @property
    def resets(self) -> int:
        """How often the broker had dropped records before they were read."""
        return self._inbox.resets

    def _count(self, polled: Polled, now_ms: float) -> None:
        fresh = self._fresh(polled)
        decoded = self._decoders.decode(polled.values, polled.headers)
        foreign = decoded.foreign[fresh[decoded.foreign]].tolist()
        tombstones = 0 if self._changes is None else sum(polled.values[i] is None for i in foreign)
        strange, deletes = len(foreign) - tombstones, 0
        ours: list[_Rows] = []
        for found, all_rows in zip(decoded.batches, decoded.rows, strict=True):
            whole, wanted = _kept(found, all_rows, fresh)
            batch, rows = self._rows_after(whole, wanted)
            deletes += len(wanted) - len(rows)
            counted = _conformed(batch, self._schema)
            if counted is None:
                strange += batch.num_rows
                continue
            ours.append(_Rows(batch, counted, rows, self._event_times(batch, polled.timestamps_ms[rows])))
        for slot, pane in self._panes(ours, polled, fresh, now_ms):
            with self.lock:
                self.judges.windows.add(slot, pane)
        with self.lock:
            self._remember(ours, polled)
            self.memory.records += int(fresh.sum()) - strange
            self.memory.foreign += strange
            self.memory.deletes += deletes
            self.memory.tombstones += tombstones
            self.memory.redelivered += int((~fresh).sum())

    def _fresh(self, polled: Polled) -> npt.NDArray[np.bool_]:
        """Which records are read for the first time; where the reader was moved, all are."""
        if self._inbox.resets != self._resets:
            self._resets = self._inbox.resets
            self._arrivals.begin_anew()
        return self._arrivals.fresh(polled.partitions, polled.offsets)

    def _panes(
        self, ours: Sequence[_Rows], polled: Polled, fresh: npt.NDArray[np.bool_], now_ms: float
    ) -> Iterator[tuple[int, Pane]]:
        """Count the rows, and what records show by when they come."""
        times_ms = polled.timestamps_ms.copy()
        counted = np.zeros(len(times_ms), np.bool_)
        for each in ours:
            times_ms[each.rows], counted[each.rows] = each.times_ms, True
        late_ms = self._arrivals.lateness(polled.partitions, times_ms, counted)
        lineages = nothing_known(len(times_ms))
        if self.judges.follows:
            lineages = numbers(polled.headers, polled.partitions).of(fresh & self._own_number(polled))
        arrived = Arrived(late_ms, *self._arrivals.shown(polled.partitions, lineages))
        for each in ours:
            for part in self.judges.deltas.parts(each.times_ms):
                rows = each.rows[part]
                batch = each.counted if len(rows) == len(each.rows) else each.counted.take(part)
                where = (polled.partitions[rows], polled.offsets[rows], now_ms, arrived.take(rows))
                yield from self.judges.deltas.count(batch, each.times_ms[part], *where).items()
        rest = np.flatnonzero(arrived.followed & ~counted)
        yield from self.judges.deltas.unseen(times_ms[rest], arrived.take(rest)).items()

    def _own_number(self, polled: Polled) -> npt.NDArray[np.bool_]:
        """Which records have a number of their own: a tombstone behind a delete has its delete's."""
        if self._changes is None or self._changes.envelope is None:
            return np.ones(len(polled.values), np.bool_)
        return np.array([value is not None for value in polled.values], np.bool_)

    def _rows_after(
        self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]
    ) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
        """The rows that records hold, and which of the records do: envelopes that delete hold none."""
        envelope = None if self._changes is None else self._changes.envelope
        found = None if envelope is None else envelope.unwrapped(batch)
        return (batch, rows) if found is None else (found[0], rows[found[1]])

    def _event_times(self, batch: pa.RecordBatch, kafka_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        if self._event_time is None:
            return kafka_ms
        column = batch.column(batch.schema.get_field_index(self._event_time))
        instants = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
        filled = pc.if_else(instants.is_null(), pa.array(kafka_ms), instants)
        return np.asarray(filled, np.int64)

    def _remember(self, ours: Sequence[_Rows], polled: Polled) -> None:
        """Keep the newest of the records that were counted, to be shown."""
        newest = [(each, i) for each in ours for i in range(len(each.rows))[-SHOWN_RECORDS:]]
        for each, i in newest[-SHOWN_RECORDS:]:
            row = int(each.rows[i])
            marks = dict(polled.headers[row] or [])
            mark = marks.get(HEADER)
            self.memory.seen.append(
                Seen(
                    int(polled.partitions[row]),
                    int(polled.offsets[row]),
                    int(polled.timestamps_ms[row]),
                    polled.keys[row],
                    each.batch.slice(i, 1).to_pylist()[0],
                    parse(mark) if isinstance(mark, bytes) else None,
                )
            )

    def _judge(self, window: Window) -> list[Event]:
        judges = self.judges
        measurements = measure(window, judges.references)
        if window.asked_s != judges.windows.window_s:
            judges.exporter.update_longer(window, measurements)
            return []
        events = judges.alarms.update(window)
        judges.exporter.update(window, measurements, events)
        judges.exporter.weigh(judges.alarms.evidence.level, judges.alarms.evidence.threshold)
        with self.lock:
            self.memory.verdicts.append(Verdict(window, tuple(measurements)))
            self.memory.events.extend(events)
        for event in events:
            said = {"column": event.column, "metric": event.metric, "severity": str(event.severity)}
            logger.warning("alarm %s", event.kind, extra=said)
        return events


def _kept(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], fresh: npt.NDArray[np.bool_]
) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
    """Those rows that are read for the first time, and which records they are."""
    new = fresh[rows]
    return (batch, rows) if new.all() else (batch.filter(pa.array(new)), rows[new])


def _kept_windows(layout: PaneLayout) -> int:
    """How many windows are remembered: each has the counts of its own and of its newest pane."""
    return max(LEAST_KEPT, min(KEPT, KEPT_BYTES // (2 * 8 * layout.size)))


def _conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch | None:
    """The batch with the columns that are counted, typed as the layout expects; None when they are not there."""
    if not set(schema.names) <= set(batch.schema.names):
        return None
    try:
        return pa.RecordBatch.from_arrays(
            [batch.column(batch.schema.get_field_index(f.name)).cast(f.type, safe=False) for f in schema], schema=schema
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
