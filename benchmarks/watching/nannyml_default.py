"""NannyML's univariate drift calculator with its own settings, run in an environment that has it."""

from __future__ import annotations

import sys

import nannyml
import pandas as pd

from benchmarks.watching.windows import Verdict, play


def judge(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> list[Verdict]:
    """Chunks as long as a window; thresholds are three standard deviations of the reference's chunks."""
    size = len(windows[0])
    fitted = nannyml.UnivariateDriftCalculator(column_names=list(reference.columns), chunk_size=size).fit(reference)
    found = []
    for window in windows:
        table = fitted.calculate(window).filter(period="analysis").to_df()
        alerts = [bool(table[key].iloc[0]) for key in table.columns if key[-1] == "alert"]
        found.append(Verdict(sum(alerts) >= len(alerts) / 2, any(alerts)))
    return found


if __name__ == "__main__":
    play(judge, sys.argv[1])
