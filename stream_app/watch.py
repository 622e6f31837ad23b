"""Consume, decode, count, judge: an independent reader of what was really published."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.kafka import Inbox, Polled
from monitors.alarms import Alarms, Event
from monitors.measure import Measurement, measure
from monitors.pane import Deltas, PaneLayout
from monitors.prometheus import Exporter, Reading
from monitors.reference import Reference
from monitors.window import Window, Windows
from schemas.table import TableSchema
from stream_app.changes import Changes
from stream_app.decoding import Decoders
from stream_app.lineage import HEADER, Lineage, parse

logger = logging.getLogger(__name__)

MOST_RECORDS = 20_000
"""How many records one step reads at the most."""

POLL_S = 0.1
"""How long one step waits for records."""

KEPT = 600
"""How many windows, events and notes are remembered for the page."""

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
    """

    layout: PaneLayout
    deltas: Deltas
    windows: Windows
    references: tuple[Reference, ...]
    alarms: Alarms
    exporter: Exporter


@dataclass
class Memory:
    """What the page shows of the past."""

    records: int = 0
    foreign: int = 0
    deletes: int = 0
    tombstones: int = 0
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
        self.judges = judges
        self.memory = Memory()
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
            The alarms that opened or cleared.
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
        decoded = self._decoders.decode(polled.values, polled.headers)
        tombstones = deletes = 0
        if self._changes is not None:
            tombstones = sum(polled.values[i] is None for i in decoded.foreign.tolist())
        foreign = len(decoded.foreign) - tombstones
        counted: list[tuple[pa.RecordBatch, npt.NDArray[np.int64]]] = []
        for found, all_rows in zip(decoded.batches, decoded.rows, strict=True):
            batch, rows = self._rows_after(found, all_rows)
            deletes += len(all_rows) - len(rows)
            ours = _conformed(batch, self._schema)
            if ours is None:
                foreign += batch.num_rows
                continue
            times_ms = self._event_times(batch, polled.timestamps_ms[rows])
            panes = self.judges.deltas.count(ours, times_ms, polled.partitions[rows], polled.offsets[rows], now_ms)
            with self.lock:
                for slot, pane in panes.items():
                    self.judges.windows.add(slot, pane)
            counted.append((batch, rows))
        with self.lock:
            self._remember(counted, polled)
            self.memory.records += len(polled.values) - foreign
            self.memory.foreign += foreign
            self.memory.deletes += deletes
            self.memory.tombstones += tombstones

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

    def _remember(self, counted: list[tuple[pa.RecordBatch, npt.NDArray[np.int64]]], polled: Polled) -> None:
        """Keep the newest of the records that were counted, to be shown."""
        newest = [(batch, rows, i) for batch, rows in counted for i in range(len(rows))[-SHOWN_RECORDS:]]
        for batch, rows, i in newest[-SHOWN_RECORDS:]:
            row = int(rows[i])
            marks = dict(polled.headers[row] or [])
            mark = marks.get(HEADER)
            self.memory.seen.append(
                Seen(
                    int(polled.partitions[row]),
                    int(polled.offsets[row]),
                    int(polled.timestamps_ms[row]),
                    polled.keys[row],
                    batch.slice(i, 1).to_pylist()[0],
                    parse(mark) if isinstance(mark, bytes) else None,
                )
            )

    def _judge(self, window: Window) -> list[Event]:
        judges = self.judges
        measurements = measure(window, judges.references)
        events = judges.alarms.update(window)
        judges.exporter.update(window, measurements, events)
        with self.lock:
            self.memory.verdicts.append(Verdict(window, tuple(measurements)))
            self.memory.events.extend(events)
        for event in events:
            logger.warning("alarm %s", event.kind, extra={"column": event.column, "metric": event.metric})
        return events


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
