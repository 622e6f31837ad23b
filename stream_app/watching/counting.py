"""From records as they were read to panes: decode, tell what is ours and new, count."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.kafka import Polled
from monitors.arrivals import Arrivals, Arrived, nothing_known
from monitors.kept import State
from monitors.pane import Deltas, Pane
from schemas.table import TableSchema
from stream_app.changes import Changes
from stream_app.decoding import Decoders
from stream_app.lineage import HEADER, Lineage, numbers, parse

logger = logging.getLogger(__name__)

NAMED = 5
"""How many records that are not ours the log names."""

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


@dataclass(frozen=True, eq=False)
class Counted:
    """What some records come to.

    Args:
        panes: slots and what to add to them; a slot may be there more than once.
        tallies: by name, how many were records, foreign, deletes, tombstones, or redelivered.
        newest: some of the newest, to be shown.
        strange: partition and offset of the first records that are not ours, `NAMED` at the most.
    """

    panes: list[tuple[int, Pane]]
    tallies: dict[str, int]
    newest: list[Seen]
    strange: list[tuple[int, int]]


class Strangers:
    """Says in the log where the first records are that are not ours."""

    def __init__(self) -> None:
        self._left = NAMED

    def see(self, counted: Counted) -> None:
        """Name those of some records, unless as many were named already."""
        named = counted.strange[: self._left]
        self._left -= len(named)
        for partition, offset in named:
            logger.warning(
                "a record is not of this stream and is skipped", extra={"partition": partition, "offset": offset}
            )
        if named and not self._left:
            logger.warning("further records that are not of this stream are counted and not named")


class Counter:
    """Counts records of a topic, in the order they are read.

    Args:
        decoders: decode them.
        schema: the stream's columns.
        deltas: turns batches into panes.
        event_time: the timestamp column that carries event time; None for the Kafka timestamp.
        changes: how records are changes, if they are; the rows after are what is counted.
        follows: whether records are followed by their lineage, so that duplicates and gaps are found.
        epoch: the epoch whose records tell panes which they hold.
    """

    def __init__(
        self,
        decoders: Decoders,
        schema: TableSchema,
        deltas: Deltas,
        event_time: str | None,
        changes: Changes | None = None,
        follows: bool = True,
        epoch: int = 0,
    ) -> None:
        self.decoders, self._deltas, self._event_time = decoders, deltas, event_time
        self._changes, self._follows, self._epoch, self._arrivals = changes, follows, epoch, Arrivals()
        counted = {column.name for column in deltas.layout.columns}
        read = counted.union(*(rule.columns for rule in deltas.layout.rules))
        self._schema = pa.schema([pa.field(c.name, c.arrow_type) for c in schema if c.name in read])

    @property
    def state(self) -> State:
        """What it knows of the records before; `restore` takes it back."""
        return self._arrivals.state

    def restore(self, state: State) -> None:
        """Go on from a state, as if nothing had happened in between."""
        self._arrivals.restore(state)

    @property
    def words(self) -> int:
        """See `Deltas.words`."""
        return self._deltas.words

    def begin_anew(self) -> None:
        """Take any offset for a new one: the reader was sent to another place of the topic."""
        self._arrivals.begin_anew()

    def forget(self, notes: Mapping[int, str]) -> None:
        """Forget every record: others will read on, or the same ones again.

        Args:
            notes: by partition, what `noted` said at the record from which is read on.
        """
        self._arrivals = Arrivals()
        for partition, note in notes.items():
            self._arrivals.learn(partition, note)

    def noted(self, partition: int, most: int) -> str:
        """What whoever reads on in a partition is to know, in so many characters at the most."""
        return self._arrivals.noted(partition, most)

    def count(self, polled: Polled, now_ms: float) -> Counted:
        """Count records.

        Args:
            polled: the records.
            now_ms: the time now, milliseconds since the epoch.
        """
        fresh = self._arrivals.fresh(polled.partitions, polled.offsets)
        # No record is from after it was read: a clock that is ahead must not close the panes of all the others.
        timed = replace(polled, timestamps_ms=np.minimum(polled.timestamps_ms, int(now_ms)))
        decoded = self.decoders.decode(polled.values, polled.headers)
        foreign = decoded.foreign[fresh[decoded.foreign]]
        strange = foreign if self._changes is None else foreign[polled.values.sizes[foreign] >= 0]
        tombstones, deletes = len(foreign) - len(strange), 0
        ours: list[_Rows] = []
        for found, all_rows in zip(decoded.batches, decoded.rows, strict=True):
            whole, wanted = _kept(found, all_rows, fresh)
            batch, rows = self._rows_after(whole, wanted)
            deletes += len(wanted) - len(rows)
            counted = _conformed(batch, self._schema)
            if counted is None:
                strange = np.concatenate([strange, rows])
                continue
            ours.append(_Rows(batch, counted, rows, self._event_times(batch, timed.timestamps_ms[rows])))
        tallies = {
            "records": int(fresh.sum()) - len(strange),
            "foreign": len(strange),
            "deletes": deletes,
            "tombstones": tombstones,
            "redelivered": int((~fresh).sum()),
        }
        first = np.sort(strange)[:NAMED]
        where = list(zip(polled.partitions[first].tolist(), polled.offsets[first].tolist(), strict=True))
        return Counted(list(self._panes(ours, timed, fresh, now_ms)), tallies, list(_newest(ours, polled)), where)

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
        if self._follows:
            lineages = numbers(polled.headers.named(HEADER), polled.partitions).of(fresh & self._own_number(polled))
        numbered = np.where(lineages.epochs == self._epoch, lineages.sequences, -1)
        arrived = Arrived(late_ms, *self._arrivals.shown(polled.partitions, lineages), numbered)
        for each in ours:
            for part in self._deltas.parts(each.times_ms):
                rows = each.rows[part]
                batch = each.counted if len(rows) == len(each.rows) else each.counted.take(part)
                where = (polled.partitions[rows], polled.offsets[rows], now_ms, arrived.take(rows))
                yield from self._deltas.count(batch, each.times_ms[part], *where).items()
        rest = np.flatnonzero(arrived.followed & ~counted)
        yield from self._deltas.unseen(times_ms[rest], arrived.take(rest)).items()

    def _own_number(self, polled: Polled) -> npt.NDArray[np.bool_]:
        """Which records have a number of their own: a tombstone behind a delete has its delete's."""
        if self._changes is None or self._changes.envelope is None:
            return np.ones(len(polled.values), np.bool_)
        return np.asarray(polled.values.sizes >= 0)

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


def _newest(ours: Sequence[_Rows], polled: Polled) -> Iterator[Seen]:
    """The newest of the records that were counted, to be shown."""
    newest = [(each, i) for each in ours for i in range(len(each.rows))[-SHOWN_RECORDS:]]
    for each, i in newest[-SHOWN_RECORDS:]:
        row = int(each.rows[i])
        marks = dict(polled.headers[row] or [])
        mark = marks.get(HEADER)
        yield Seen(
            int(polled.partitions[row]),
            int(polled.offsets[row]),
            int(polled.timestamps_ms[row]),
            polled.keys[row],
            each.batch.slice(i, 1).to_pylist()[0],
            parse(mark) if isinstance(mark, bytes) else None,
        )


def _kept(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], fresh: npt.NDArray[np.bool_]
) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
    """Those rows that are read for the first time, and which records they are."""
    new = fresh[rows]
    return (batch, rows) if new.all() else (batch.filter(pa.array(new)), rows[new])


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
