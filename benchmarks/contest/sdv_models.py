"""Models of SDV with its own settings, but fewer epochs, run in an environment that has it.

SDV is under the Business Source Licence: it is run here to be measured and nothing of it is copied.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer
from sdv.utils import load_synthesizer

from benchmarks.contest.contender import Contender, Task, play

TABLE = "table"
EPOCHS = 100
"""Of the neural ones, a third of what they do by themselves: they take by far the longest."""

SYNTHESIZERS = {
    "sdv.gaussian_copula": (GaussianCopulaSynthesizer, {}),
    "sdv.ctgan": (CTGANSynthesizer, {"epochs": EPOCHS}),
    "sdv.tvae": (TVAESynthesizer, {"epochs": EPOCHS}),
}


class SDV(Contender):
    """One of its synthesizers of single tables."""

    PACKAGES: ClassVar[tuple[str, ...]] = ("sdv", "torch")

    def read(self, task: Task) -> dict[str, pd.DataFrame]:
        """The rows, as pandas reads them."""
        return {TABLE: pd.read_csv(task.table)}

    def fit(self, task: Task, table: Any) -> Any:
        """Find out what the columns are, and train."""
        seed_all(task.seed)
        synthesizer, settings = SYNTHESIZERS[task.model]
        model = synthesizer(Metadata.detect_from_dataframes(table), **settings)
        model.fit(table)
        return model

    def keep(self, task: Task, model: Any) -> None:
        """Save it."""
        Path(task.folder).mkdir(parents=True, exist_ok=True)
        model.save(f"{task.folder}/model.pkl")

    def load(self, task: Task) -> Any:
        """Load it."""
        model = load_synthesizer(f"{task.folder}/model.pkl")
        seed_all(task.seed)
        return model

    def batches(self, task: Task, model: Any, rows: int) -> Iterator[pa.RecordBatch]:
        """Draw."""
        yield from pa.Table.from_pandas(model.sample(rows)[TABLE], preserve_index=False).to_batches()

    def write(self, task: Task, model: Any) -> None:
        """Write rows."""
        model.sample(task.rows)[TABLE].to_csv(task.out, index=False)


def seed_all(seed: int) -> None:
    """Seed what it draws from; it takes no seed itself."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (what it uses)
    torch.manual_seed(seed)


if __name__ == "__main__":
    play(SDV(), sys.argv[1:])
