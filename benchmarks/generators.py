"""Generators of this project beside mostlyai-engine and SDV: how long they fit, how fast they draw, and how true it is.

    python -m benchmarks.generators --data FOLDER --judge fidelity.py [--seeds 5] [--json FILE] [--plot FILE.png]
    python -m benchmarks.generators --table FILE --target COLUMN [--conditions]
    python -m benchmarks.generators --wide

Each table is split 80/20 by seed 0; one without a target, which nobody scores, is not. With each training seed every
model is fitted, draws, and writes as many rows as it was trained on for the judge; one after the other, each in a
process of its own with the same threads and processors for everybody, without an accelerator and without the network.
Before, not measured, every library is loaded once, and ours train on a few rows, so that kernels are compiled.

fit          from rows in memory (raw cells for ours, a data frame for the others) to a model that can draw; importing
             and reading the file are left out, as is the million rows that ours draw for monitors (`reference_s`).
rows/s       the further rows of a large draw over its further time beside one of 8,192 rows (of three the fastest),
             into RecordBatches, after a first draw: loading and what any call costs are left out. Ours also by one
             thread.
memory       the most that the process and its children hold, libraries included: its own high-water mark or, where
             that is more, the sum over all of them as seen ten times a second.
scores       what the judge says (`python JUDGE TRAIN.csv TEST.csv TARGET SYNTHETIC.csv` prints one JSON object). Its
             environment, like those of the other libraries, is made in --cache the first time.

The exit code is 1 when a model failed; a bar that is missed is only said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import tables
from benchmarks.contest.bars import Summary, bars, short
from benchmarks.contest.environments import default_cache, python_of
from benchmarks.contest.processes import cpus, environment, watched
from benchmarks.contest.rounds import OTHERS, OURS, USUAL_OURS, Rounds
from benchmarks.contest.tables import Table
from schemas.errors import InputError, Problem

USUAL_MODELS = (*USUAL_OURS, "mostlyai-engine", "sdv.gaussian_copula")
"""Models that make whole rows, SDV's and ours, take longer than all others together; name them to have them."""

SHOWN = ("fit_s", "rows_per_s", "fit_mib", "draw_mib", "shapes", "pairs", "c2st_auc", "tstr_gap", "copies")


def main() -> None:
    """Run what was asked for."""
    asked = parsed(sys.argv[1:])
    try:
        contested = chosen(asked)
        with tempfile.TemporaryDirectory() as folder:
            summaries = rounds(asked, Path(folder)).run(contested)
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(problem.exit_code)
    report(summaries, asked)
    sys.exit(any(summary.failed for summary in summaries))


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that has the files of the usual tables")
    parser.add_argument(
        "--tables", nargs="+", choices=list(tables.USUAL), help="which of the usual tables; all of them"
    )
    parser.add_argument("--table", type=Path, help="a table of your own, in place of the usual ones")
    parser.add_argument("--target", help="with --table: the column that users will learn to predict")
    parser.add_argument("--public", nargs="+", default=[], help="with --table: columns whose values may be copied")
    parser.add_argument(
        "--wide", action="store_true", help="a made-up table of 100 columns, ours alone, without scores"
    )
    parser.add_argument("--models", nargs="+", choices=[*OURS, *OTHERS], help=f"by default {' '.join(USUAL_MODELS)}")
    parser.add_argument("--seeds", type=int, default=5, help="how many training seeds")
    parser.add_argument("--rows", type=int, help="cut tables to so many rows, for a quick look")
    parser.add_argument("--draw", type=int, default=200_000, help="rows drawn to measure speed")
    parser.add_argument("--threads", type=int, default=2, help="threads and processors for everybody")
    parser.add_argument("--conditions", action="store_true", help="measure ours under conditions too")
    parser.add_argument("--judge", type=Path, help="the program that scores; none without it")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for environments")
    parser.add_argument("--json", type=Path, help="also write the result here")
    parser.add_argument("--plot", type=Path, help="also draw it here, as PNG")
    return parser.parse_args(arguments)


def chosen(asked: argparse.Namespace) -> list[Table]:
    """The tables that were asked for.

    Raises:
        InputError: flags that make no sense, or files that are missing; all at once.
    """
    least = {"seeds": 1, "rows": 100, "draw": 20_000, "threads": 1}
    given = {name: getattr(asked, name) for name in least}
    faults = [
        f"--{name} {value}: must be at least {least[name]}"
        for name, value in given.items()
        if value is not None and value < least[name]
    ]
    if asked.table is not None and asked.target is None:
        faults.append(f"--table {asked.table}: name its target too, by --target COLUMN")
    if asked.table is None and (asked.target is not None or asked.public):
        faults.append("--target and --public: need --table FILE; the usual tables have theirs")
    if [asked.table, asked.tables].count(None) + (not asked.wide) < 2:
        faults.append("--table, --tables and --wide: give one of them")
    if asked.judge is not None and not asked.judge.is_file():
        faults.append(f"--judge {asked.judge}: is not a file")
    faults += [
        f"--{name} {path}: there is no folder {path.parent}; make it first"
        for name, path in (("json", asked.json), ("plot", asked.plot))
        if path is not None and not path.absolute().parent.is_dir()
    ]
    found: list[Table] = []
    try:
        if asked.wide:
            found = [tables.wide(asked.rows or tables.WIDE_ROWS)]
        elif asked.table is None:
            found = tables.usual(asked.tables or list(tables.USUAL), asked.data)
        elif asked.target is not None:
            found = [tables.of_file(asked.table, asked.target, asked.public)]
    except InputError as error:
        faults += error.faults
    if faults:
        raise InputError(*faults)
    return found


def rounds(asked: argparse.Namespace, folder: Path) -> Rounds:
    """What was asked for, with every environment made."""
    models = tuple(asked.models or (USUAL_OURS if asked.wide else USUAL_MODELS))
    python = {m: Path(sys.executable) if m in OURS else python_of(OTHERS[m][0], asked.cache) for m in models}
    if asked.judge is None:
        sys.stderr.write("no --judge: nothing is scored\n")
    return Rounds(
        folder=folder,
        pythons=python,
        judge=None if asked.judge is None else (python_of("judge", asked.cache), asked.judge.absolute()),
        seeds=asked.seeds,
        rows=asked.rows,
        draw=asked.draw,
        threads=asked.threads,
        conditions=asked.conditions,
    )


def report(summaries: list[Summary], asked: argparse.Namespace) -> None:
    """Show a table, then what was met and missed; write the result and the plot where that was asked for."""
    reached = bars(summaries)
    sys.stdout.write("\n".join([*lines(summaries), "", *(bar.line() for bar in reached)]) + "\n")
    machine = {"platform": platform.platform(), "processors": os.cpu_count(), "threads": asked.threads}
    result: dict[str, Any] = {
        "machine": machine,
        "seeds": asked.seeds,
        "rows": [summary.to_json() for summary in summaries],
        "bars": [bar.to_json() for bar in reached],
    }
    text = json.dumps(result, indent=2) + "\n"
    if asked.json is not None:
        asked.json.write_text(text, encoding="utf-8")
    if asked.plot is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text)
            file.flush()
            program = Path(__file__).with_name("contest") / "plot.py"
            command = [str(python_of("plot", asked.cache)), str(program), file.name, str(asked.plot.absolute())]
            watched(command, environment(asked.threads), cpus(asked.threads))


def lines(summaries: list[Summary]) -> list[str]:
    """The means, with two standard errors where there are several seeds, in columns."""
    shown = [name for name in SHOWN if any(name in summary.figures for summary in summaries)]
    cells = [["table", "model", *shown]]
    cells += [[s.table, s.model, *(cell(s, name) for name in shown)] for s in summaries]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def cell(summary: Summary, name: str) -> str:
    """A mean, and how sure it is."""
    mean, error = summary.mean(name), summary.error(name)
    if mean is None:
        return "failed" if summary.failed else "-"
    return short(mean) + ("" if error is None else f" ±{short(2 * error)}")


if __name__ == "__main__":
    main()
