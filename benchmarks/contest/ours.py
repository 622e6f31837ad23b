"""The generators of this project with their own settings."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

import generators
from benchmarks.contest.conditions import measured
from benchmarks.contest.contender import Contender, Task, play
from connectors.files import read_table, write_table
from generators.artifact import Artifact, load_artifact, save
from generators.blocks import BLOCK_ROWS, Source
from generators.fitting import fit_artifact, reference_counts, reference_rows_of
from schemas.inference import Choices, conform, infer

WARM_ROWS = 1_000


class Ours(Contender):
    """A generator, by its name.

    Fitting is all that `synthstream train` does but for the reference that monitors need, which is timed apart.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("synthstream", "numpy", "numba", "pyarrow")

    def read(self, task: Task) -> pa.Table:
        """The raw cells."""
        return read_table(Path(task.table))

    def warm(self, task: Task) -> None:
        """Compile: train for a second on a few rows."""
        known = generators.load(task.model).SETTINGS
        trained(task, self.read(task).slice(0, WARM_ROWS), {"max_seconds": 1.0} if "max_seconds" in known else {})

    def fit(self, task: Task, table: Any) -> Artifact:
        """Find out what the columns are, and train."""
        return trained(task, table, {})

    def keep(self, task: Task, model: Any) -> None:
        """Save the artifact."""
        save(model, Path(task.folder))

    def after_fit(self, model: Any) -> dict[str, float]:
        """How long the reference takes."""
        began = time.perf_counter()
        reference_counts(model, reference_rows_of(generators.load(model.model), len(model.schema.names)), silent)
        return {"reference_s": time.perf_counter() - began}

    def load(self, task: Task) -> Artifact:
        """Load the artifact."""
        return load_artifact(Path(task.folder))

    def batches(self, task: Task, model: Any, rows: int) -> Iterator[pa.RecordBatch]:
        """Whole blocks, by as many threads as there are."""
        source, blocks = Source(model, task.seed, 0, 0, 1), range(-(-rows // BLOCK_ROWS))
        if task.threads == 1:
            yield from map(source.block, blocks)
            return
        with ThreadPoolExecutor(task.threads) as threads:
            yield from threads.map(source.block, blocks)

    def write(self, task: Task, model: Any) -> None:
        """Write rows, spelled as the training file spells them."""
        write_table(Source(model, task.seed, 0, 0, 1).rows(0, task.rows), model.schema, Path(task.out))

    def conditions(self, task: Task, model: Any) -> dict[str, float]:
        """See `conditions.measured`."""
        return measured(model, conform(self.read(task), model.schema), task.seed)


def trained(task: Task, table: pa.Table, settings: Mapping[str, Any]) -> Artifact:
    """A generator of raw cells."""
    schema = infer(table, "table", choices=Choices(task.target or None, frozenset(task.public)))
    rows = conform(table, schema)
    return fit_artifact(rows, schema, task.model, settings, task.seed, silent, reference_rows=BLOCK_ROWS)


def silent(done: float, doing: str) -> None:
    """Progress that nobody looks at."""


if __name__ == "__main__":
    play(Ours(), sys.argv[1:])
