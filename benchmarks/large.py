"""Whether a table that is longer than memory can be learned, and a stream without end drawn.

    python -m benchmarks.large [--json FILE] [--rows 10000000] [--drawn 100000000] [--model tabular.nade]

Makes up a Parquet file of 15 columns that hang together, then runs one after the other, as users do:

1. `synthstream train` on it, how long it takes and the most memory it ever holds (files that are mapped included);
2. `synthstream sample` of many rows to Parquet, its rate, and the most memory it holds in the first tenth of its time
   and in all of it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from connectors.files import write_table
from schemas.inference import conform, infer

COLUMNS = 15
AT_ONCE = 500_000
"""So many rows are made up, and lie in a row group, at once."""

LOOK_S = 0.2
"""Seconds between two looks at how much memory a process holds."""


@dataclass(frozen=True)
class Ran:
    """A command that ended well.

    Args:
        seconds: how long it ran.
        mib: how much memory it held at each look, in MiB.
    """

    seconds: float
    mib: tuple[float, ...]


def made_up(rows: int, seed: int) -> pa.Table:
    """Rows of 15 columns that one hidden number ties together: integers, numbers, categories, some missing."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=rows)
    columns: dict[str, Any] = {}
    for i in range(5):
        columns[f"count{i}"] = pa.array(rng.poisson(np.exp(hidden / (i + 2) + 2)))
    for i in range(3):
        numbers = np.round(hidden * (i + 1) + rng.normal(size=rows), 2)
        columns[f"number{i}"] = pa.array(numbers, mask=rng.random(rows) < 0.1 * i)
    for i in range(7):
        words = np.array([f"{'abcdefg'[i]}{k}" for k in range(4 + 5 * i)])
        place = (hidden + rng.normal(size=rows) + 3) / 6 * len(words)
        codes = np.clip(place, 0, len(words) - 1).astype(np.int32)
        columns[f"word{i}"] = pa.DictionaryArray.from_arrays(codes, words.tolist())
    return pa.table(columns)


def write(path: Path, rows: int) -> None:
    """Write so many rows to a Parquet file."""
    schema = infer(made_up(50_000, 0), "long")

    def batches() -> Iterator[pa.RecordBatch]:
        for seed, start in enumerate(range(0, rows, AT_ONCE)):
            yield from conform(made_up(min(AT_ONCE, rows - start), seed), schema).to_batches()

    write_table(batches(), schema, path)


def watched(arguments: Sequence[str]) -> Ran:
    """Run the command as users do, and watch how much memory it holds.

    Raises:
        subprocess.CalledProcessError: it ended badly.
    """
    command = [sys.executable, "-m", "stream_app", *arguments, "--json"]
    began, mib = time.perf_counter(), []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            held = re.search(r"VmRSS:\s+(\d+) kB", status)
            if held is not None:
                mib.append(int(held[1]) / 1_024)
            time.sleep(LOOK_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Ran(time.perf_counter() - began, tuple(mib))


def measured(folder: Path, rows: int, drawn: int, model: str, settings: Sequence[str]) -> dict[str, Any]:
    """Make the table up, learn it and draw from it."""
    table, artifact, out = folder / "long.parquet", folder / "artifact", folder / "drawn.parquet"
    write(table, rows)
    train = watched(["train", str(table), "--out", str(artifact), "--model", model, *settings])
    sample = watched(["sample", str(artifact), "--rows", str(drawn), "--out", str(out)])
    return {
        "model": model,
        "rows": rows,
        "columns": COLUMNS,
        "file_mib": table.stat().st_size / 2**20,
        "train_s": train.seconds,
        "train_peak_mib": max(train.mib),
        "drawn": drawn,
        "rows_per_s": drawn / sample.seconds,
        "sample_peak_mib_first_tenth": max(sample.mib[: len(sample.mib) // 10 + 1]),
        "sample_peak_mib": max(sample.mib),
    }


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the result here")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--drawn", type=int, default=100_000_000)
    parser.add_argument("--model", default="tabular.nade")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting; repeatable")
    asked = parser.parse_args()
    settings = [word for pair in asked.set for word in ("--set", pair)]
    with tempfile.TemporaryDirectory() as name:
        result = measured(Path(name), asked.rows, asked.drawn, asked.model, settings)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
