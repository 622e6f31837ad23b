"""Generators tried on some rows of a table and held against rows that they did not see."""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import generators
from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.constraints.rows import ruled
from generators.fitting import artifact_from
from generators.selection import Suited
from generators.start import Start
from generators.task import silently
from schemas.errors import InputError
from schemas.rows import Rows
from schemas.rules import Rule
from schemas.table import TableSchema

if TYPE_CHECKING:
    from stream_app.tuning.objective import Loss

PART = 5
"""One row in so many is held back."""

MOST_ROWS = 20_000
"""So many rows are tried on at the most, those held back among them."""


@dataclass(frozen=True)
class Tried:
    """How a generator did.

    Args:
        name: which.
        seconds: how long it was trained.
        loss: how far off it was; None where it failed.
        failed: why it could not be tried.
        row_s: about how long a row of its own takes here, on all cores.
    """

    name: str
    seconds: float
    loss: Loss | None
    failed: str = ""
    row_s: float = 0.0

    @property
    def off(self) -> float | None:
        """How far off it was, 0 where its rows are as good as real ones; None where it failed."""
        return None if self.loss is None else self.loss.total(0.0)

    @property
    def text(self) -> str:
        """In words."""
        if self.loss is None:
            return f"{self.name} could not be judged ({self.failed})"
        named = {"told apart": self.loss.told_apart, "pairs": self.loss.pairs, "learning": self.loss.learning}
        said = ", ".join(f"{name} {value:.3f}" for name, value in named.items() if value is not None)
        return f"{self.name} was off by {self.off:.3f} ({said}) after {self.seconds:.0f} s"

    def to_json(self) -> dict[str, Any]:
        """A JSON form, for the manifest."""
        known = {} if self.loss is None else {"off": round(self.loss.total(0.0), 4), **self.loss.to_json()}
        return {
            **{"model": self.name, "seconds": round(self.seconds, 1)},
            **{name: value for name, value in known.items() if value is not None and name != "train_s"},
            **({"failed": self.failed} if self.failed else {}),
        }


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
        from stream_app.tuning.objective import Objective  # noqa: PLC0415 - what judges is for those who try

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
        judge = Objective(self.schema, self.taught, self.held, self.target, self.seed)
        return Tried(each.name, seconds, judge.of_artifact(artifact), row_s=_row_s(artifact))


def _row_s(artifact: Artifact) -> float:
    """About how long a row of its own takes here, on all cores."""
    source, began = Source(artifact, 0, 0, 0, 1), perf_counter()
    source.block(0)
    return (perf_counter() - began) / BLOCK_ROWS / (os.cpu_count() or 1)


def device_for(name: str, asked: str) -> str:
    """What a generator is trained on where a device was asked for that not all can use."""
    return asked if generators.load(name).ACCELERATES else "cpu"
