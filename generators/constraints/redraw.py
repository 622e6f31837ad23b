"""Rows that break a rule, drawn again: bounded rejection, each row from numbers of its own.

A row's further tries are addressed by two of its uniforms and the number of the try. So what it becomes depends on
nothing but its uniforms: not on the rows beside it, nor on how many are tried at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.constraints.asked import Asked
from generators.philox import addressed
from generators.randomness import Key, Purpose, stream_key
from schemas.errors import InputError

Mask = npt.NDArray[np.bool_]

TRIES = 8_192
"""How often a row is drawn again, at most: where one in a hundred rows will do, all fail with probability e^-82."""

AT_ONCE = 4_096
"""How many rows are tried together, about."""

FIRST = 2
"""How often a row is tried at first before anybody looks; then as often again as it was tried."""

HOPELESS = 200_000
"""After so many rows it is judged whether going on makes sense."""

LEAST = 0.001
"""It does not where a smaller part of the rows will do."""

KEY: Key = stream_key("rows drawn again", 0, 0, 0, Purpose.DATA)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows, and why they will not do.

    Args:
        batch: n rows.
        missed: by what is asked of them, where it is not met, shape (n,) each.
    """

    batch: pa.RecordBatch
    missed: Mapping[str, Mask]

    @cached_property
    def off(self) -> Mask:
        """Which rows will not do, shape (n,)."""
        found: Mask = np.logical_or.reduce([np.zeros(self.batch.num_rows, bool), *self.missed.values()])
        return found

    @property
    def worst(self) -> tuple[str, float]:
        """What most rows miss, and the share of those that do not."""
        name = max(self.missed, key=lambda each: int(self.missed[each].sum()))
        return name, 1.0 - float(self.missed[name].mean())


Draw = Callable[[npt.NDArray[np.float64], Asked], Drawn]
"""Draws rows once from uniforms, shape (n, width), held at what is asked for each."""


def redrawn(first: Drawn, seeds: npt.NDArray[np.float64], asked: Asked, draw: Draw, width: int) -> pa.RecordBatch:
    """Draw rows again until they will do.

    What has not done after `TRIES` is a copy of a row of the same batch that did, where all rows have one distribution.

    Args:
        first: the rows as drawn at first.
        seeds: two uniforms in [0, 1) a row, shape (n, 2).
        asked: what columns are held at.
        draw: draws them.
        width: how many uniforms it takes for a row.

    Raises:
        InputError: hardly any row will do; names what is missed, and how many rows do not.
    """
    n = first.batch.num_rows
    pieces, size = [first.batch], n
    at = np.arange(n)
    pending = np.flatnonzero(first.off)
    drawn, tries, latest = n, 0, first
    while len(pending) and tries < TRIES:
        if drawn >= HOPELESS and n - len(pending) < LEAST * drawn:
            break
        k = min(max(1, AT_ONCE // len(pending)), FIRST + tries, TRIES - tries)
        rows = np.repeat(pending, k)
        latest = draw(
            _uniforms(seeds[rows], np.tile(np.arange(tries, tries + k), len(pending)), width), asked.take(rows)
        )
        good = ~latest.off.reshape(len(pending), k)
        hit = good.any(axis=1)
        taken = np.flatnonzero(hit) * k + good[hit].argmax(axis=1)
        pieces.append(latest.batch.take(taken))
        at[pending[hit]] = size + np.arange(len(taken))
        size += len(taken)
        pending, tries, drawn = pending[~hit], tries + k, drawn + len(rows)
    if len(pending):
        at[pending] = at[_stand_ins(pending, seeds, drawn, latest, asked)]
    return _together(pieces, at)


def _uniforms(seeds: npt.NDArray[np.float64], number: npt.NDArray[np.int64], width: int) -> Any:
    first = (seeds[:, 0] * 2.0**53).astype(np.int64)
    second = (seeds[:, 1] * 2.0**50).astype(np.int64) * TRIES + number
    return addressed(KEY, (first, second), width)


def _stand_ins(
    pending: npt.NDArray[np.int64], seeds: npt.NDArray[np.float64], drawn: int, latest: Drawn, asked: Asked
) -> npt.NDArray[np.int64]:
    """Rows of the batch that will do, for those that do not."""
    done = np.setdiff1d(np.arange(len(seeds)), pending)
    if not asked.alike or len(done) < LEAST * drawn or not len(done):
        name, share = latest.worst
        held = (
            ", ".join(f"{column}={values[0].as_py()}" for column, values in asked.values.items()) if asked.alike else ""
        )
        raise InputError(
            f"{f'given {held}: ' if held else ''}{name}: met by {100 * share:.2g} % of the rows drawn, and {len(done)} "
            f"of {drawn} met all that is asked; that is nearly impossible: {'hold other values, or ' if held else ''}"
            "loosen the rule"
        )
    chosen: npt.NDArray[np.int64] = done[(seeds[pending, 0] * len(done)).astype(np.int64)]
    return chosen


def _together(pieces: list[pa.RecordBatch], at: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """Rows of several batches, by where they stand in all of them."""
    table = pa.Table.from_batches(pieces).unify_dictionaries().combine_chunks()
    return table.take(at).combine_chunks().to_batches()[0]
