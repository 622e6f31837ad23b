"""A small stream that the monitors' tests look at: numbers, a category, a flag, dates, a key, and nulls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitors.pane import Deltas, Pane, PaneLayout
from monitors.reference import Reference, change_reference
from monitors.window import Window
from schemas.profile import Profile, profile_table
from schemas.rules import Range
from schemas.table import Column, Kind, Role, TableSchema

SCHEMA = TableSchema(
    "parcels",
    (
        Column("id", Kind.INTEGER, role=Role.KEY),
        Column("weight", Kind.NUMBER, nullable=True, decimals=2),
        Column("pieces", Kind.INTEGER),
        Column("size", Kind.CATEGORY, nullable=True),
        Column("fragile", Kind.BOOLEAN, role=Role.TARGET),
        Column("sent", Kind.DATE),
        Column("note", Kind.TEXT, nullable=True),
    ),
)
RULES = (Range("pieces", 0, 6), Range("weight", -100.0, 100.0))
PAIRS = (("size", "fragile"), ("weight", "pieces"))
SEEN_S = 0.02
SIZES = ("S", "M", "L", "XL")


@dataclass(frozen=True)
class Drift:
    """What is wrong with a batch: how far weights moved, which share lost its weight, which size is new."""

    shift: float = 0.0
    nulls: float = 0.1
    new_size: str | None = None
    swapped: float = 0.0
    pieces: int | None = None


def batch(rng: np.random.Generator, rows: int, drift: Drift | None = None) -> pa.RecordBatch:
    """Rows of the stream; weights are standard normal."""
    drift = Drift() if drift is None else drift
    weight = np.round(rng.normal(drift.shift, 1, rows), 2)
    size = rng.choice(len(SIZES), rows, p=[0.1 + drift.swapped, 0.4 - drift.swapped, 0.3, 0.2])
    words = [*SIZES, "" if drift.new_size is None else drift.new_size]
    if drift.new_size is not None:
        size[: max(rows // 20, 1)] = len(SIZES)
    pieces = rng.poisson(2, rows).clip(0, 6)
    if drift.pieces is not None:
        pieces[:2] = drift.pieces
    sizes: pa.Array[Any] = pa.array(size.astype(np.int32), mask=rng.random(rows) < 0.02)
    columns = [
        pa.array(np.arange(rows)),
        pa.array(weight, mask=rng.random(rows) < drift.nulls),
        pa.array(pieces),
        pa.DictionaryArray.from_arrays(sizes, pa.array(words)),
        pa.array(rng.random(rows) < 0.3),
        pa.array(rng.integers(19_000, 19_365, rows).astype(np.int32)).cast(pa.date32()),
        pa.array([f"note {i}" for i in range(rows)], mask=rng.random(rows) < 0.5),
    ]
    return pa.record_batch(columns, schema=SCHEMA.arrow_schema)


def profile(rows: int = 20_000) -> Profile:
    """The profile of rows without drift."""
    return profile_table(pa.Table.from_batches([batch(np.random.default_rng(1), rows)]), SCHEMA)


def layout() -> PaneLayout:
    """The cells and rules of the stream."""
    return PaneLayout(SCHEMA, profile(), RULES, pairs=PAIRS, intended_per_s=1_000.0)


def pane_of(cells: PaneLayout, rows: pa.RecordBatch) -> Pane:
    """All rows of a batch in one pane."""
    n = rows.num_rows
    zeros = np.zeros(n, np.int64)
    panes = Deltas(cells).count(rows, zeros, zeros.astype(np.int32), np.arange(n), SEEN_S * 1_000)
    return panes[0] if panes else Pane.empty(cells)


def pane_with(cells: PaneLayout, column: str, counts: dict[str, int]) -> Pane:
    """A pane in which one column holds what is given by the cells' labels, and every other its first cell alone."""
    made = Pane.empty(cells)
    made.counts[0] = sum(counts.values())
    for name in cells.bins:
        made.column(name)[0] = made.records
    made.column(column)[:] = [counts.get(label, 0) for label in cells.bins[column].labels]
    return made


def pane(cells: PaneLayout, rows: int, drift: Drift | None = None, seed: int = 0) -> Pane:
    """Fresh rows in one pane."""
    return pane_of(cells, batch(np.random.default_rng(seed), rows, drift))


def window_of(pane: Pane, seconds: float = 1.0) -> Window:
    """A window of one pane."""
    return Window(0.0, seconds, pane, pane, seconds)


def reference_of(cells: PaneLayout, pane: Pane) -> Reference:
    """A change reference with the counts of a pane."""
    return change_reference(cells, cells.rows.read(pane.counts))


def drawn(rng: np.random.Generator, cells: PaneLayout, shares: dict[str, npt.NDArray[np.float64]], rows: int) -> Pane:
    """A pane whose columns' counts are multinomial draws."""
    pane = Pane.empty(cells)
    pane.counts[0] = rows
    for name, share in shares.items():
        pane.counts[cells.cells[name]] = rng.multinomial(rows, share)
    return pane
