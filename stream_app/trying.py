"""Generators tried on some rows of a table and held against rows that they did not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa

import generators
from generators.artifact import Artifact
from generators.blocks import Source
from generators.constraints.rows import ruled
from generators.fitting import artifact_from
from generators.selection import Suited
from generators.start import Start
from generators.task import silently
from schemas.errors import InputError
from schemas.rows import Rows
from schemas.rules import Rule
from schemas.table import Kind, TableSchema
from stream_app.assessment.score import TABLE
from stream_app.assessment.scores.c2st import FEWEST_ROWS, TwoSamples
from stream_app.assessment.scores.tstr import TrainSynthetic
from stream_app.assessment.tables import Ground, Longs, Tables, ground_of

PART = 5
"""One row in so many is held back."""

MOST_ROWS = 20_000
"""So many rows are tried on at the most, those held back among them."""

WORST_LOSS = 0.2
"""A learner that loses so much by synthetic rows counts as much as rows that are always told apart."""


@dataclass(frozen=True)
class Tried:
    """How a generator did.

    Args:
        name: which.
        seconds: how long it was trained.
        off: how far off it was, from 0 to 1: the mean of what there is of the others; None where it failed.
        told_apart: how well a classifier tells its rows from those held back, 0 by chance and 1 always.
        loss: what learners of the target lose by its rows, as a part of `WORST_LOSS`.
        pairs: how far pairs of columns are off in total variation, where nothing else can be had.
        failed: why it could not be tried.
    """

    name: str
    seconds: float
    off: float | None
    told_apart: float | None = None
    loss: float | None = None
    pairs: float | None = None
    failed: str = ""

    @property
    def text(self) -> str:
        """In words."""
        if self.off is None:
            return f"{self.name} could not be judged ({self.failed})"
        named = {"told apart": self.told_apart, "loss in learning": self.loss, "pairs off": self.pairs}
        said = ", ".join(f"{name} {value:.3f}" for name, value in named.items() if value is not None)
        return f"{self.name} was off by {self.off:.3f} ({said}) after {self.seconds:.0f} s"

    def to_json(self) -> dict[str, Any]:
        """A JSON form, for the manifest."""
        named = {"off": self.off, "told_apart": self.told_apart, "loss": self.loss, "pairs": self.pairs}
        known = {name: round(value, 4) for name, value in named.items() if value is not None}
        return {"model": self.name, "seconds": round(self.seconds, 1), **known,
                **({"failed": self.failed} if self.failed else {})}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trial:
    """Rows to try on.

    Args:
        taught: rows to train on, under the schema; held: rows that are held back, alike.
        schema: what the columns are.
        rules: what every row is to meet.
        target: the column that learners predict, if any.
        seed: seeds training.
    """

    taught: pa.Table
    held: pa.Table
    schema: TableSchema
    rules: tuple[Rule, ...] = ()
    target: str | None = None
    seed: int = 0

    @classmethod
    def of(cls, rows: Rows, schema: TableSchema, rules: tuple[Rule, ...], target: str | None, seed: int) -> Trial:
        """Of a table some rows, of which one in `PART` is held back."""
        table = rows.table
        order = np.random.Generator(np.random.PCG64(seed)).permutation(table.num_rows)[:MOST_ROWS]
        held = len(order) // PART
        parts = [table.take(np.sort(some)).combine_chunks() for some in (order[held:], order[:held])]
        return cls(parts[0], parts[1], schema, rules, target, seed)

    def run(self, each: Suited, budget_s: float, device: str) -> Tried:
        """Train a generator and hold its rows against those held back.

        Args:
            each: the generator.
            budget_s: about how long it may take.
            device: what it is trained on.
        """
        began = perf_counter()
        settings = {name: min(value, budget_s) for name, value in each.settings.items()}
        try:
            rows = Rows.of(self.taught)
            given = ruled(rows, self.schema, self.rules) if self.rules else rows
            start = Start(each.name, device=device_for(each.name, device))
            artifact = artifact_from(given, self.schema, start, settings, self.seed, silently, reference_rows=1)
        except InputError as error:
            return Tried(each.name, perf_counter() - began, None, failed=error.faults[0])
        seconds = perf_counter() - began
        return replace(self._judged(each.name, _drawn(artifact, self.taught.num_rows)), seconds=seconds)

    def _judged(self, name: str, drawn: pa.Table) -> Tried:
        fewest = min(self.held.num_rows, drawn.num_rows)
        free = replace(self.schema, columns=tuple(replace(c, nullable=True) for c in self.schema))
        taught, held, own = (table.cast(free.arrow_schema) for table in (self.taught, self.held, drawn))
        ground = ground_of(taught, free, fewest, self.target, (), self.seed)
        parts: dict[str, float] = {}
        if find_spec("sklearn") is not None:
            parts = _learned(ground, taught, own, held)
        if not parts:
            parts = {"pairs": pairs_off(Tables.of(ground, [taught, own, held]))}
        off = float(np.mean(list(parts.values())))
        return Tried(name, 0.0, off, parts.get("told_apart"), parts.get("loss"), parts.get("pairs"))


def device_for(name: str, asked: str) -> str:
    """What a generator is trained on where a device was asked for that not all can use."""
    return asked if generators.load(name).ACCELERATES else "cpu"


def _drawn(artifact: Artifact, rows: int) -> pa.Table:
    return pa.Table.from_batches(list(Source(artifact, 0, 0, 0, 1).rows(0, rows)), artifact.schema.arrow_schema)


def _learned(ground: Ground, taught: pa.Table, own: pa.Table, held: pa.Table) -> dict[str, float]:
    """By what name it is kept: how well rows are told from those held back, and what learners lose; 0 best, 1 worst."""
    found: dict[str, float] = {}
    apart = Tables.of(ground, [held, own, None])
    if apart.real.rows >= FEWEST_ROWS:
        areas: Mapping[tuple[str, ...], Any] = TwoSamples().of(apart, apart.synthetic)
        if TABLE in areas:
            found["told_apart"] = float(np.clip(2 * (areas[TABLE].value - 0.5), 0, 1))
    if ground.target is not None and ground.schema[ground.target].kind is not Kind.TEXT:
        losses = TrainSynthetic().measure(Tables.of(ground, [taught, own, held]))
        whole = next((each.of.value for each in losses if each.subject == TABLE), None)
        if whole is not None:
            found["loss"] = float(np.clip(whole / WORST_LOSS, 0, 1))
    return found


def pairs_off(tables: Tables) -> float:
    """How much farther the synthetic pairs of columns are from those held back than the taught ones: 0 best, 1 worst.

    The mean total variation over pairs in coarse cells.
    """
    held = tables.holdout
    assert held is not None
    gaps = [
        _apart(tables.synthetic.pairs[pair], counts) - _apart(tables.real.pairs[pair], counts)
        for pair, counts in held.pairs.items()
    ]
    gaps += [
        _apart(tables.synthetic.counts.columns[name], counts) - _apart(tables.real.counts.columns[name], counts)
        for name, counts in (held.counts.columns.items() if not gaps else ())
    ]
    return float(np.clip(np.mean(gaps), 0, 1)) if gaps else 0.0


def _apart(some: Longs, others: Longs) -> float:
    a, b = some / max(int(some.sum()), 1), others / max(int(others.sum()), 1)
    return float(np.abs(a - b).sum() / 2)
