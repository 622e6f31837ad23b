"""How windows go to a detector in an environment of its own, and its verdicts come back: as files, and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Verdict:
    """What a detector says of a window.

    Args:
        table: the table as a whole drifts.
        column: any column does.
    """

    table: bool
    column: bool


def read(path: Path) -> pd.DataFrame:
    """Rows as they were written: numbers with gaps, categories by name."""
    columns: dict[str, Any] = {}
    with np.load(path) as kept:
        for name in kept.files:
            columns[name] = kept[name]
    return pd.DataFrame(columns)


def play(judge: Callable[[pd.DataFrame, list[pd.DataFrame]], list[Verdict]], folder: str) -> None:
    """Judge the windows of a folder against its reference, and print the verdicts in the order of their names."""
    paths = sorted(Path(folder).glob("window*.npz"))
    verdicts = judge(read(Path(folder, "reference.npz")), [read(path) for path in paths])
    sys.stdout.write(json.dumps([asdict(verdict) for verdict in verdicts]) + "\n")
