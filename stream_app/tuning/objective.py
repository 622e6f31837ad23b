"""How far a model's rows are from real ones that it did not learn from: what a search makes small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.util import find_spec

import numpy as np
import pyarrow as pa

from generators.artifact import Artifact
from generators.blocks import Source
from schemas.errors import InputError
from schemas.inference import conform
from schemas.table import TableSchema
from stream_app.assessment.assessed import assess
from stream_app.assessment.score import TABLE, Score
from stream_app.assessment.scores.association import SCORE as PAIRS
from stream_app.assessment.scores.c2st import SCORE as TWO_SAMPLES
from stream_app.assessment.scores.tstr import FEWEST_ROWS
from stream_app.assessment.scores.tstr import SCORE as LEARNING
from stream_app.assessment.tables import Ground, Tables, ground_of

HELD_BACK = 0.2
"""The share of the rows that a search holds back, where no holdout is given."""

MOST_HELD, MOST_DRAWN = 10_000, 20_000
"""So many rows tell enough, held back and drawn."""


@dataclass(frozen=True)
class Loss:
    """How far rows are from real ones, in shares: 0 each where they are as good as those.

    Args:
        told_apart: of a classifier, twice what its area under the curve is above one half; None where there is none.
        pairs: the mean difference of what two columns say of each other.
        learning: what learners of the target lose; None without a target.
        train_s: seconds of training.
    """

    told_apart: float | None
    pairs: float
    learning: float | None
    train_s: float

    def total(self, minute_costs: float) -> float:
        """What a search makes small.

        Args:
            minute_costs: what a minute of training has to gain to be worth it.

        >>> Loss(0.25, 0.03125, None, 120.0).total(0.01)
        0.30125
        """
        return (self.told_apart or 0.0) + self.pairs + (self.learning or 0.0) + minute_costs * self.train_s / 60

    def to_json(self) -> dict[str, float | None]:
        """A JSON form."""
        return {name: None if value is None else round(value, 6) for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Objective:
    """Judges rows by those held back.

    Args:
        schema: what the columns are.
        learned: the real rows that models learn from.
        held: real rows that they do not.
        target: the column that learners predict; None for none.
        seed: seeds which rows are drawn and looked at.
    """

    schema: TableSchema
    learned: pa.Table
    held: pa.Table
    target: str | None = None
    seed: int = 0

    def check(self) -> None:
        """Refuse to tell settings apart by too few rows, or where nothing is learned.

        Raises:
            InputError: they are too few, or no column is learned.
        """
        if all(column.is_surrogate for column in self.schema):
            raise InputError("table: no column is learned, so no settings suit it better than others; keep one")
        few = min(self.learned.num_rows, self.held.num_rows)
        if few < FEWEST_ROWS:
            raise InputError(
                f"table: {self.learned.num_rows:,} rows to learn from and {self.held.num_rows:,} held back are too few "
                f"to tell settings apart; expected {FEWEST_ROWS} of each or more"
            )

    def of_artifact(self, artifact: Artifact) -> Loss:
        """How far its rows are; it is drawn from as a stream would be."""
        rows = min(max(self.learned.num_rows, self.held.num_rows), MOST_DRAWN)
        batches = list(Source(artifact, self.seed, 0, 0, 1).rows(0, rows))
        drawn = pa.Table.from_batches(batches, artifact.schema.arrow_schema)
        return self.of_rows(drawn, artifact.manifest["train_s"])

    def of_rows(self, rows: pa.Table, train_s: float = 0.0) -> Loss:
        """How far rows of the same columns are; the learned ones say what real rows have.

        Args:
            rows: under the schema's types.
            train_s: seconds of training that they cost.
        """
        free = replace(self.schema, columns=tuple(replace(column, nullable=True) for column in self.schema))
        real, held, drawn = (conform(each, free) for each in (self.learned, self.held, rows))
        fewest = min(each.num_rows for each in (real, held, drawn))
        beside = Tables.of(self._ground(held, free, fewest), (held, drawn, None))
        pairs, learners = _value(PAIRS, beside), find_spec("sklearn") is not None
        apart = _value(TWO_SAMPLES, beside) if learners else None
        taught = None
        if learners and self.target is not None:
            taught = _value(LEARNING, Tables.of(self._ground(real, free, fewest), (real, drawn, held)))
        return Loss(
            None if apart is None else max(2 * apart - 1, 0.0),
            0.0 if pairs is None else 1 - pairs,
            None if taught is None else max(taught, 0.0),
            train_s,
        )

    def _ground(self, real: pa.Table, schema: TableSchema, fewest: int) -> Ground:
        return ground_of(real, schema, fewest, self.target, (), self.seed)


def _value(score: Score, tables: Tables) -> float | None:
    found = assess(tables, lambda done, doing: None, [score]).value(score.NAME, TABLE)
    return None if found is None else found.value


def parted(table: pa.Table, most_learned: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Rows to learn from, and rows held back; both in the table's order.

    Args:
        table: the real rows.
        most_learned: so many are learned from at the most.
        seed: seeds which.
    """
    order = np.random.Generator(np.random.PCG64(seed)).permutation(table.num_rows)
    held = min(round(HELD_BACK * table.num_rows), MOST_HELD)
    learned, aside = np.sort(order[held : held + most_learned]), np.sort(order[:held])
    return table.take(learned).combine_chunks(), table.take(aside).combine_chunks()


def some(table: pa.Table, most: int, seed: int) -> pa.Table:
    """So many rows of a table at the most, drawn evenly, in its order."""
    if table.num_rows <= most:
        return table
    order = np.random.Generator(np.random.PCG64(seed)).permutation(table.num_rows)
    return table.take(np.sort(order[:most])).combine_chunks()


def digest(table: pa.Table) -> str:
    """A hash of a table's columns and rows, as 16 hexadecimal digits."""
    found = sha256()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found.update(sink.getvalue())
    return found.hexdigest()[:16]


Judge = Callable[[Artifact], Loss]
