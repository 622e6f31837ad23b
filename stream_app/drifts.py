"""Scripted drifts as they happen to the records of a shard: a function of its key, its sequence and its logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.blocks import BLOCK_ROWS, Source
from generators.randomness import Purpose, stream_key, uniforms
from schemas.blobs import Blobs
from schemas.drift_kinds import AnyDrift, drifts_of, form_of
from schemas.drifts import Drift, Floats, Hits, Known
from schemas.errors import InputError

States = npt.NDArray[np.int64]

OUTSIDE, WITHIN, DRIFTED = range(3)
"""What a record is to a drift: before or after it, spared by it, part of it."""


@dataclass(frozen=True)
class Running:
    """A drift in a content log.

    Args:
        drift: as it was scripted.
        sequence: the record of the shard that its records are counted from.
        at_ms: what the stream's clock showed when its seconds began; None for when the stream did.
    """

    drift: AnyDrift
    sequence: int = 0
    at_ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back."""
        return {"drift": form_of(self.drift), "sequence": self.sequence, "at_ms": self.at_ms}

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Running:
        """Read what `to_json` wrote."""
        return cls(drifts_of([form["drift"]])[0], form["sequence"], form["at_ms"])


def running(
    drifts: Sequence[AnyDrift], before: Sequence[Running], sequence: int, at_ms: float | None
) -> tuple[Running, ...]:
    """What goes on where some drifts are wanted: those that go on already do so, others begin now.

    Args:
        drifts: what is wanted.
        before: what goes on already.
        sequence: the next record.
        at_ms: what the stream's clock shows; None for when the stream begins.
    """
    going = {form_text(each.drift): each for each in before}
    return tuple(going.get(form_text(drift), Running(drift, sequence, at_ms)) for drift in drifts)


def form_text(drift: Drift) -> str:
    """All that a drift says."""
    return drift.model_dump_json()


@dataclass(frozen=True, eq=False)
class Moments:
    """When consecutive records of one block are due.

    Args:
        start: the first record.
        event_ms: what the stream's clock shows when each is due, shape (records,).
        begun_ms: what it showed when the stream began.
        fraction: the shard's part of the stream's records.
    """

    start: int
    event_ms: npt.NDArray[np.int64]
    begun_ms: float
    fraction: float

    def elapsed(self, going: Running) -> Floats:
        """Seconds or records of the stream since a drift began, negative before, shape (records,)."""
        drift = going.drift
        if drift.counts_records:
            sequences = np.arange(self.start, self.start + len(self.event_ms))
            return (sequences - going.sequence) / self.fraction - drift.start
        origin_ms = self.begun_ms if going.at_ms is None else going.at_ms
        since: Floats = (self.event_ms - origin_ms) / 1_000 - drift.start
        return since


def drifted(
    source: Source, batch: pa.RecordBatch, drifts: Sequence[Running], moments: Moments
) -> tuple[pa.RecordBatch, Blobs | None]:
    """Let records of a block drift.

    Args:
        source: what drew it.
        batch: the whole block.
        drifts: what goes on, in the order it is applied.
        moments: when the records that are wanted are due.

    Returns:
        The block, of which only those records are drifted, and their labels: for every drift that goes on its name,
        kind and course, and 1 for a record that is part of it or 0; none where no drift goes on.
    """
    block, within = divmod(moments.start, BLOCK_ROWS)
    here = slice(within, within + len(moments.event_ms))
    states = np.zeros((len(drifts), len(moments.event_ms)), np.int64)
    for state, going in zip(states, drifts, strict=True):
        drift, elapsed = going.drift, moments.elapsed(going)
        goes_on = drift.within(elapsed)
        if not goes_on.any():
            continue
        rows, size, chance = np.zeros(BLOCK_ROWS, np.bool_), np.zeros(BLOCK_ROWS), drift.chance(elapsed)
        chosen = goes_on if chance.min() == 1 else goes_on & (_uniforms(source, drift, "", block)[here] < chance)
        rows[here], size[here] = chosen, drift.size(elapsed)
        state[goes_on], state[chosen] = WITHIN, DRIFTED
        if chosen.any():
            batch = _changed(source, batch, drift, Hits(rows, size, partial(_uniforms, source, drift, " own", block)))
    return batch, _labels(drifts, states) if states.any() else None


def _uniforms(source: Source, drift: Drift, use: str, block: int) -> Floats:
    """Uniforms of a drift for a whole block, shape (BLOCK_ROWS,); each use has its own."""
    numbers = f"{source.artifact.identity} {drift.name}{use}"
    key = stream_key(numbers, source.seed, source.epoch, source.shard, Purpose.DRIFT)
    return uniforms(key, block, BLOCK_ROWS, 1)[:, 0]


def _changed(source: Source, batch: pa.RecordBatch, drift: Drift, hits: Hits) -> pa.RecordBatch:
    schema, profile = source.artifact.schema, source.artifact.profile
    name = drift.target(schema)
    at = schema.names.index(name)
    column = drift.changed(Known(schema[name], profile[name]), batch.column(at), hits)
    return batch.set_column(at, batch.schema.field(at), column)


def _labels(drifts: Sequence[Running], states: States) -> Blobs:
    """A header for every record, shape (records,)."""
    codes = (3 ** np.arange(len(drifts))) @ states
    met = np.bincount(codes) > 0
    which, texts = np.cumsum(met) - 1, []
    for code in np.flatnonzero(met).tolist():
        digits = [code // 3**i % 3 for i in range(len(drifts))]
        said = [
            f"{each.drift.name}:{each.drift.kind}:{each.drift.course}:{int(digit == DRIFTED)}"
            for each, digit in zip(drifts, digits, strict=True)
            if digit != OUTSIDE
        ]
        texts.append(",".join(said).encode() or None)
    return Blobs.of(texts).take(which[codes])


def check_pace(drifts: Sequence[Drift], unpaced: bool) -> None:
    """Refuse drifts that go by a clock where records are published as fast as it goes.

    Raises:
        InputError: names them.
    """
    timed = [drift.name for drift in drifts if not drift.counts_records]
    if unpaced and timed:
        raise InputError(
            f"drift {timed[0]}: counts seconds, and at the rate max the stream's clock stands; "
            "say start_records and duration_records, or give a rate in numbers"
        )
