"""What befalls records on their way: a plan for every block of slots, drawn by counter like the records themselves.

A shard's sequence numbers are slots. Slot s is due when the schedule says so, and progress counts slots, whatever a
slot publishes: nothing, its own record, one that was displaced, one that is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generators.blocks import BLOCK_ROWS
from generators.latent.gaussian import normal_quantile
from generators.randomness import Key, uniforms
from schemas import disorder as forms
from schemas.parts import one_line

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DRAWS = 7
"""Uniforms a record takes: a chance of each mishap, and how far where that is a question."""


@dataclass(frozen=True)
class Plan:
    """What the slots of a block publish, in order; slots and rows count from the block's first.

    Args:
        slots: the slot of every emission, ascending, shape (emissions,).
        rows: the row it publishes, shape (emissions,).
        copies: whether it repeats the row, shape (emissions,).
        late_ms: by row, how long its event time lies before its slot, 0 for not at all, shape (BLOCK_ROWS,).
        missing: the rows that no slot publishes, ascending, shape (missing,).
    """

    slots: Longs
    rows: Longs
    copies: Mask
    late_ms: Longs
    missing: Longs

    def first_row(self, slot: int) -> int:
        """The first row that a slot or a later one publishes, or would."""
        return min(slot, int(self.rows[np.searchsorted(self.slots, slot) :].min(initial=slot)))


def undisturbed() -> Plan:
    """The plan of a block that nothing befalls."""
    rows = np.arange(BLOCK_ROWS)
    nothing = np.zeros(BLOCK_ROWS, np.int64)
    return Plan(rows, rows, nothing.astype(np.bool_), nothing, nothing[:0])


@dataclass(frozen=True)
class Disorder:
    """A stream's disorder.

    Args:
        form: as the stream's file has it.
        labels: the topic where every mishap is written down; None to write none down.
        count: how many slots the whole stream has; None for no end. Its last slots leave nothing on its way.
    """

    form: forms.Disorder
    labels: str | None = None
    count: int | None = None

    @property
    def spelled(self) -> str:
        """What settles the plans, in one line."""
        return one_line({**self.form.model_dump(exclude_none=True), "count": self.count})

    def plan(self, key: Key, block: int, end: int | None = None) -> Plan:
        """Draw what the slots of a block publish.

        Args:
            key: selects the numbers: those of the shard, for the purpose of disorder.
            block: which block of the shard.
            end: the slot after the shard's last; None for no end.
        """
        size = BLOCK_ROWS if end is None else max(min(BLOCK_ROWS, end - block * BLOCK_ROWS), 0)
        u = uniforms(key, block, BLOCK_ROWS, DRAWS)[:size]
        form, rows = self.form, np.arange(size)
        gone = u[:, 0] < (0.0 if form.missing is None else form.missing.share)
        slots = rows.copy()
        if form.out_of_order is not None:
            chosen = np.flatnonzero(u[:, 1] < form.out_of_order.share)
            slots[chosen] += _after(u[chosen, 2], form.out_of_order.max_slots, size - 1 - chosen)
        late_ms = np.zeros(BLOCK_ROWS, np.int64)
        if form.late is not None:
            chosen = np.flatnonzero(u[:, 5] < form.late.share)
            late_ms[chosen] = _lateness_ms(form.late, u[chosen, 6])
        first, again, second = np.flatnonzero(~gone), np.zeros(0, np.int64), np.zeros(0, np.int64)
        if form.duplicates is not None:
            again = np.flatnonzero(~gone & (u[:, 3] < form.duplicates.share))
            second = slots[again] + _after(u[again, 4], form.duplicates.max_slots, size - 1 - slots[again])
        every_slot, every_row = np.concatenate([slots[first], second]), np.concatenate([first, again])
        copies = np.arange(len(every_row)) >= len(first)
        order = np.lexsort((-every_row, copies, every_slot))  # a slot's own record first, what came late behind it
        return Plan(every_slot[order], every_row[order], copies[order], late_ms, np.flatnonzero(gone))


def _after(u: Floats, most: int, room: Longs) -> Longs:
    """A number of slots from 1 to `most`, all equally likely, or fewer where the block ends; 0 at its last slot."""
    bound = np.minimum(room, most)
    return np.minimum(1 + np.floor(u * bound).astype(np.int64), bound)


def _lateness_ms(late: forms.Late, u: Floats) -> Longs:
    """How late records are, whole milliseconds from 1 up to the cap."""
    seconds = np.full(len(u), late.mean_s)
    if late.distribution == "exponential":
        seconds *= -np.log1p(-u)
    elif late.distribution == "lognormal":
        seconds *= np.exp(np.array([normal_quantile(each) for each in u.tolist()]) - 0.5)
    milliseconds: Longs = np.maximum(np.ceil(np.minimum(seconds, late.max_s) * 1_000), 1).astype(np.int64)
    return milliseconds
