"""A picture of a result, made in an environment that has matplotlib: each model's C2ST and TSTR gap by its rows/s.

python plot.py RESULT.json OUT.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

SCORES = {"c2st_auc": "C2ST AUC (0.5 is best)", "tstr_gap": "TSTR gap (0 is best)", "fit_s": "fit, s"}


def main() -> None:
    """Draw a row of charts a table."""
    mpl.use("Agg")
    rows: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())["rows"]
    tables = list(dict.fromkeys(row["table"] for row in rows))
    size = (5 * len(SCORES), 4 * len(tables))
    figure, axes = plt.subplots(len(tables), len(SCORES), squeeze=False, figsize=size, layout="constrained")
    for table, line in zip(tables, axes, strict=True):
        for (score, words), axis in zip(SCORES.items(), line, strict=True):
            chart(axis, [row for row in rows if row["table"] == table], score)
            scale = "log" if score == "fit_s" else "linear"
            axis.set(title=table, xscale="log", yscale=scale, xlabel="rows/s", ylabel=words)
            axis.margins(x=0.3, y=0.15)
    figure.savefig(sys.argv[2], dpi=120)


def chart(axis: Any, rows: list[dict[str, Any]], score: str) -> None:
    """A point a model, with two standard errors."""
    for row in rows:
        if score in row and "rows_per_s" in row:
            at, height = row["rows_per_s"]["mean"], row[score]["mean"]
            axis.errorbar(at, height, yerr=2 * (row[score]["standard_error"] or 0.0), fmt="o", capsize=3)
            axis.annotate(row["model"], (at, height), textcoords="offset points", xytext=(0, 7), ha="center")


if __name__ == "__main__":
    main()
