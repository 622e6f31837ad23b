"""What one reader counted between two commits, as a value that can be sent, and merged exactly once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from monitors.pane import Pane, PaneLayout
from monitors.pane_parts import Span
from monitors.samples import Sample
from schemas.errors import InputError

FORMAT = 2
"""Version of the bytes that `Delta.to_bytes` writes."""


class Range(NamedTuple):
    """What was read of one partition: from an offset on, up to another that was not."""

    start: int
    end: int


@dataclass(eq=False)
class Delta:
    """Counts to add, and of which records they are.

    Args:
        ranges: by partition, which offsets were read; records that are no records of the stream are among them.
        panes: by slot of event time, the counts.
        read_ms: when the newest of them were read, milliseconds since the epoch.
        tallies: what is counted beside panes, by name, such as foreign records.
    """

    ranges: dict[int, Range] = field(default_factory=dict)
    panes: dict[int, Pane] = field(default_factory=dict)
    read_ms: float = 0.0
    tallies: dict[str, int] = field(default_factory=dict)

    def add(self, other: Delta) -> None:
        """Take in what was counted next; the other is not kept, nor changed."""
        for slot, pane in other.panes.items():
            self.panes.setdefault(slot, Pane.empty(pane.layout)).gather(pane)
        for partition, (start, end) in other.ranges.items():
            self.ranges[partition] = Range(self.ranges.get(partition, Range(start, end)).start, end)
        for name, count in other.tallies.items():
            self.tallies[name] = self.tallies.get(name, 0) + count
        self.read_ms = max(self.read_ms, other.read_ms)

    def to_bytes(self, layout: PaneLayout) -> bytes:
        """An Arrow stream of one row a pane, which `from_bytes` reads back; zeros take next to no room."""
        about: dict[str, Any] = {
            "format": FORMAT,
            "layout": fingerprint(layout),
            "ranges": {str(p): list(r) for p, r in self.ranges.items()},
            "read_ms": self.read_ms,
            "tallies": dict(self.tallies),
            "notes": {
                str(slot): {
                    "spans": {str(p): list(s) for p, s in pane.spans.items()},
                    "numbers": {str(p): list(n) for p, n in pane.numbers.items()},
                    "examples": pane.examples,
                }
                for slot, pane in self.panes.items()
            },
        }
        rows = np.array([pane.counts for pane in self.panes.values()], np.int64).reshape(-1)
        counts = pa.FixedSizeListArray.from_arrays(pa.array(rows), layout.size)
        samples = [pane.sample for pane in self.panes.values()]
        about["sampled"] = max((each.codes.shape[1] for each in samples if each is not None), default=0)
        kept = pa.array([None if each is None else each.to_bytes() for each in samples], pa.binary())
        columns = {"slot": pa.array(list(self.panes), pa.int64()), "counts": counts, "sample": kept}
        batch = pa.record_batch(columns).replace_schema_metadata({"delta": json.dumps(about)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_batch(batch)
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_bytes(cls, data: bytes, layout: PaneLayout) -> Delta:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: it is no delta, of a newer format, or of another layout.
        """
        try:
            with pa.ipc.open_stream(data) as reader:
                batch = reader.read_all()
            about = json.loads((batch.schema.metadata or {})[b"delta"])
        except (pa.ArrowInvalid, KeyError, ValueError, OSError):
            raise InputError(
                "a record on the panes topic is no delta; only readers that count may write there"
            ) from None
        if about["format"] > FORMAT:
            raise InputError(f"delta format={about['format']}: this program reads up to {FORMAT}; upgrade it")
        if about["layout"] != fingerprint(layout):
            raise InputError("a delta was counted under another artifact or other rules; let all readers have the same")
        counts: Any = batch["counts"].combine_chunks()
        rows = counts.flatten().to_numpy().reshape(-1, layout.size)
        slots = batch["slot"].to_numpy().tolist()
        panes = {
            slot: _noted(Pane(layout, row.copy(), sample=_sample(kept, about["sampled"])), about["notes"][str(slot)])
            for slot, row, kept in zip(slots, rows, batch["sample"].to_pylist(), strict=True)
        }
        ranges = {int(p): Range(*both) for p, both in about["ranges"].items()}
        return cls(ranges, panes, about["read_ms"], about["tallies"])


def _sample(data: bytes | None, columns: int) -> Sample | None:
    return None if data is None else Sample.from_bytes(data, columns)


def _noted(pane: Pane, notes: Mapping[str, Any]) -> Pane:
    spans = {int(p): Span(*span) for p, span in notes["spans"].items()}
    numbers = {int(p): (first, last) for p, (first, last) in notes["numbers"].items()}
    examples = {rule: tuple((p, o) for p, o in each) for rule, each in notes["examples"].items()}
    return replace(pane, spans=spans, numbers=numbers, examples=examples)


def fingerprint(layout: PaneLayout) -> str:
    """Tells layouts apart that counts must not be added across."""
    cells = {name: [each.start, each.stop, list(layout.bins[name].labels)] for name, each in layout.cells.items()}
    form = json.dumps([layout.size, cells, layout.rule_names], sort_keys=True)
    return hashlib.blake2b(form.encode(), digest_size=16).hexdigest()


class Ledger:
    """Which offsets have been counted, so that none counts twice, however often it is read.

    A range counts only where the last one of its partition ended. One that begins before is a repetition; one that
    begins behind leaves a gap, which is counted: nobody counted those records.
    """

    def __init__(self) -> None:
        self.ends: dict[int, int] = {}
        self.repeated, self.lost, self.gaps = 0, 0, 0

    def takes(self, ranges: Mapping[int, Range]) -> bool:
        """Whether ranges that were read together count; they are noted then.

        Raises:
            InputError: some of them were counted already and others were not, so that nobody can tell.
        """
        again = {p for p, (start, _) in ranges.items() if start < self.ends.get(p, start)}
        if again:
            whole = all(end <= self.ends.get(p, 0) for p, (_, end) in ranges.items())
            if not whole:
                names = ", ".join(
                    f"partition {p} from {ranges[p].start}, counted to {self.ends[p]}" for p in sorted(again)
                )
                raise InputError(f"a delta overlaps what was counted ({names}); remove the panes topic to begin anew")
            self.repeated += sum(end - start for start, end in ranges.values())
            return False
        missing = [start - self.ends.get(p, start) for p, (start, _) in ranges.items()]
        self.lost, self.gaps = self.lost + sum(missing), self.gaps + sum(count > 0 for count in missing)
        self.ends |= {p: end for p, (_, end) in ranges.items()}
        return True
