"""mostlyai-engine with its own settings, run in an environment that has it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from mostlyai import engine

from benchmarks.contest.contender import Contender, Task, play


class MostlyAI(Contender):
    """TabularARGN, by the steps of its own examples. It keeps everything in its workspace, drawn rows included."""

    PACKAGES: ClassVar[tuple[str, ...]] = ("mostlyai-engine", "torch")

    def read(self, task: Task) -> pd.DataFrame:
        """The rows, as pandas reads them."""
        return pd.read_csv(task.table)

    def fit(self, task: Task, table: Any) -> None:
        """Split, analyze, encode, train."""
        engine.set_random_state(task.seed)
        engine.split(tgt_data=table, model_type="TABULAR", workspace_dir=task.folder)
        engine.analyze(workspace_dir=task.folder)
        engine.encode(workspace_dir=task.folder)
        engine.train(workspace_dir=task.folder, device="cpu")

    def keep(self, task: Task, model: Any) -> None:
        """Fitting has."""

    def load(self, task: Task) -> None:
        """Every draw loads it."""
        engine.set_random_state(task.seed)

    def batches(self, task: Task, model: Any, rows: int) -> Iterator[pa.RecordBatch]:
        """Draw to the workspace, and read what is there."""
        engine.generate(sample_size=rows, workspace_dir=task.folder, device="cpu")
        for path in drawn(task):
            yield from pq.ParquetFile(path).iter_batches()

    def write(self, task: Task, model: Any) -> None:
        """Write rows."""
        engine.generate(sample_size=task.rows, workspace_dir=task.folder, device="cpu")
        pd.concat([pd.read_parquet(path) for path in drawn(task)]).to_csv(task.out, index=False)


def drawn(task: Task) -> list[Path]:
    """The files of the newest draw."""
    return sorted(Path(task.folder, "SyntheticData").glob("*.parquet"))


if __name__ == "__main__":
    play(MostlyAI(), sys.argv[1:])
