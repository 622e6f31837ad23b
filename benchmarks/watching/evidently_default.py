"""Evidently's drift preset with its own settings, run in an environment that has it."""

from __future__ import annotations

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

from benchmarks.watching.windows import Verdict, play


def judge(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> list[Verdict]:
    """The preset on each window: the table drifts when half of its columns do."""
    found = []
    for window in windows:
        said = Report([DataDriftPreset()]).run(window, reference).dict()["metrics"]
        table = next(m for m in said if m["metric_name"].startswith("DriftedColumnsCount"))
        found.append(Verdict(bool(table["value"]["share"] >= 0.5), bool(table["value"]["count"] > 0)))
    return found


if __name__ == "__main__":
    play(judge, sys.argv[1])
