"""A page whose slots publish more or less than their own records, every mishap labelled.

A record that met with a mishap says so in a header. The labels topic says the same of all of them, and of those that
are missing. Both are worked out when records are handed over, since lateness is measured against the timestamp.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from connectors.kafka import Outbox, Records
from generators.blocks import BLOCK_ROWS
from schemas.blobs import Blobs
from stream_app import lineage, quarantine
from stream_app.disorder import Plan
from stream_app.pace.course import StreamClock
from stream_app.page import Page
from stream_app.recipe import Recipe

HEADER = "synthstream.disorder"
"""Name of the header that labels a record with its mishaps, as in `late_ms=1234,displaced=+17` or `copy=1`."""

Longs = npt.NDArray[np.int64]
Label = dict[str, int]
"""The mishaps of one record: `late_ms`, `displaced`, `copy`, `missing`."""

KINDS = {"late_ms": "late", "displaced": "displaced", "copy": "duplicates", "missing": "missing"}
"""What mishaps are counted as, by their names in labels."""


@dataclass(frozen=True)
class Slotted:
    """Encoded records by the slot they are published at.

    Args:
        slots: ascending, shape (records,).
        sequences: which record of the shard each is, shape (records,).
        records: the records.
    """

    slots: Longs
    sequences: Longs
    records: Records

    def __len__(self) -> int:
        return len(self.slots)

    def within(self, start: int, stop: int) -> slice:
        """Where the records of some slots are."""
        first, last = np.searchsorted(self.slots, [start, stop]).tolist()
        return slice(first, last)

    def part(self, where: slice) -> Slotted:
        """Some of the records."""
        return Slotted(self.slots[where], self.sequences[where], self.records.part(where))

    def without_values(self, gone: npt.NDArray[np.bool_]) -> Slotted:
        """The same with no value where it is gone, shape (records,)."""
        return replace(self, records=replace(self.records, values=self.records.values.without(gone)))

    def headed(self, name: str, heads: Sequence[bytes | None]) -> Slotted:
        """The same with one more header, where it is not None."""
        return replace(self, records=replace(self.records, heads=[*self.records.heads, (name, Blobs.of(heads))]))


@dataclass(frozen=True)
class Arranged:
    """Consecutive slots of a shard, ready to hand over.

    Args:
        start: the first slot.
        due_ms: when each is due, shape (slots,).
        records: what goes to the stream's topic.
        copies: which of them repeat an earlier one, shape (records,).
        event_ms: their event times, shape (records,); None without such a column.
        missing: what is published nowhere.
        kept_out: what goes to the quarantine.
        clock: the stream's clock.
        epoch: the stream's epoch.
        labels: the topic for labels, if any.
        aside: the topic for the quarantine, if any.
    """

    start: int
    due_ms: Longs
    records: Slotted
    copies: npt.NDArray[np.bool_]
    event_ms: Longs | None
    missing: Slotted
    kept_out: Slotted
    clock: StreamClock
    epoch: int
    labels: str | None
    aside: str | None

    @property
    def stop(self) -> int:
        """The slot after the last."""
        return self.start + len(self.due_ms)

    def send(
        self, outbox: Outbox, partition: int, start: int, stop: int, at_ms: int | None, tally: Counter[str]
    ) -> Longs:
        """Hand over some of the slots; see `Page.send`."""

        def times(sent: Slotted) -> Longs:
            due_ms: Longs = self.due_ms[sent.slots - self.start]
            return due_ms if at_ms is None else np.full(len(due_ms), at_ms)

        def hand_over(sent: Slotted, topic: str | None = None) -> None:
            outbox.send(sent.records, partition, times(sent), topic)

        where = self.records.within(start, stop)
        sent = self.records.part(where)
        missing, kept_out = (each.part(each.within(start, stop)) for each in (self.missing, self.kept_out))
        due_ms = times(sent)
        labels = self._labels(sent, where, due_ms)
        spelled = {i: _spelled(label) for i, label in labels.items()}
        hand_over(sent.headed(HEADER, [spelled.get(i) for i in range(len(sent))]) if labels else sent)
        if self.labels is not None and (labels or len(missing)):
            hand_over(self._written(sent, labels, missing, partition), self.labels)
        if self.aside is not None and len(kept_out):
            hand_over(kept_out, self.aside)
        tally.update(KINDS[kind] for label in labels.values() for kind in label)
        tally.update({"missing": len(missing), "quarantined": len(kept_out)})
        return due_ms

    def _labels(self, records: Slotted, where: slice, due_ms: Longs) -> dict[int, Label]:
        """The labels of the records that met with a mishap, by their place among them."""
        displaced, copies = records.slots - records.sequences, self.copies[where]
        late_ms = np.zeros(len(due_ms), np.int64)
        if self.event_ms is not None:
            late_ms = self.clock.event(due_ms) - self.event_ms[where]
        found: dict[int, Label] = {}
        for i in np.flatnonzero((displaced > 0) | copies | (late_ms > 0)).tolist():
            late = {"late_ms": int(late_ms[i])} if late_ms[i] > 0 else {}
            moved = {"displaced": int(displaced[i])} if displaced[i] > 0 else {}
            found[i] = late | ({"copy": 1} if copies[i] else moved)
        return found

    def _written(self, records: Slotted, labels: dict[int, Label], missing: Slotted, shard: int) -> Slotted:
        """Labels as records of their topic, by slot, each under its record's key and lineage."""
        both = Records.joined([records.records, missing.records])
        all_slots = np.concatenate([records.slots, missing.slots])
        sequences = np.concatenate([records.sequences, missing.sequences])
        said: dict[int, Label] = labels | {len(records) + i: {"missing": 1} for i in range(len(missing))}
        at = np.array([*said], np.int64)
        at = at[np.argsort(all_slots[at], kind="stable")]
        forms = (
            {"epoch": self.epoch, "shard": shard, "sequence": sequence, "slot": slot, **said[i]}
            for i, sequence, slot in zip(at.tolist(), sequences[at].tolist(), all_slots[at].tolist(), strict=True)
        )
        values = Blobs.of(json.dumps(form, separators=(",", ":")).encode() for form in forms)
        keys = None if both.keys is None else both.keys.take(at)
        marks = [(name, head.take(at)) for name, head in both.heads if name == lineage.HEADER]
        return Slotted(all_slots[at], sequences[at], Records(values, keys, marks))


def _spelled(label: Label) -> bytes:
    """A label as a header has it."""
    return ",".join(f"{kind}={n:+}" if kind == "displaced" else f"{kind}={n}" for kind, n in label.items()).encode()


def arranged(recipe: Recipe, plan: Plan, pages: Sequence[Page], start: int, clock: StreamClock) -> Arranged:
    """Arrange records by a plan.

    Args:
        recipe: what the shards share.
        plan: what the slots of the block publish.
        pages: the block's records, from the first that is needed to the last slot.
        start: the first slot wanted.
        clock: the stream's clock at those slots.
    """
    rows = _Rows.of(pages)
    base = start // BLOCK_ROWS * BLOCK_ROWS
    slots, sequences = plan.slots + base, plan.rows + base
    barred = np.array(sorted(rows.kept_out), np.int64)
    here = (start <= slots) & (slots < rows.stop) & ~np.isin(sequences, barred)
    gone = plan.missing + base
    own = ~np.isin(barred, gone)
    gone, barred = (each[(start <= each) & (each < rows.stop)] for each in (gone, barred[own]))
    event_ms = rows.event_ms
    records, which = rows.with_tombstones(slots[here], sequences[here])
    return Arranged(
        start,
        np.concatenate([page.due_ms for page in pages])[start - rows.start :],
        records,
        plan.copies[here][which],
        None if event_ms is None else event_ms[records.sequences - rows.start],
        rows.slotted(gone, gone),
        rows.kept(barred),
        clock,
        recipe.epoch,
        None if recipe.disorder is None else recipe.disorder.labels,
        recipe.gate.topic,
    )


@dataclass(frozen=True)
class _Rows:
    """The records of consecutive pages, one after another."""

    start: int
    stop: int
    records: Records
    event_ms: Longs | None
    kept_out: dict[int, quarantine.Kept]
    tombstones: Longs

    @classmethod
    def of(cls, pages: Sequence[Page]) -> _Rows:
        """Put pages together."""
        times = [page.event_ms for page in pages if page.event_ms is not None]
        return cls(
            pages[0].start,
            pages[-1].stop,
            Records.joined([page.records for page in pages]),
            np.concatenate(times) if times else None,
            {page.start + row: kept for page in pages for row, kept in page.kept_out.items()},
            np.concatenate([page.start + page.tombstones for page in pages]),
        )

    def with_tombstones(self, slots: Longs, sequences: Longs) -> tuple[Slotted, Longs]:
        """Some records, each at a slot, its tombstone behind it; and which of them each is or follows."""
        times = 1 + np.isin(sequences, self.tombstones)
        which = np.repeat(np.arange(len(slots)), times)
        found = self.slotted(slots[which], sequences[which])
        return found.without_values(np.diff(which, prepend=-1) == 0), which

    def slotted(self, slots: Longs, sequences: Longs) -> Slotted:
        """Some records, each at a slot."""
        return Slotted(slots, sequences, self.records.take(sequences - self.start))

    def kept(self, sequences: Longs) -> Slotted:
        """Records for the quarantine, each at its own slot, saying why."""
        why = [self.kept_out[i] for i in sequences.tolist()]
        found = self.slotted(sequences, sequences).without_values(np.array([kept.withheld for kept in why], bool))
        return found.headed(quarantine.HEADER, [kept.reason.encode() for kept in why])
