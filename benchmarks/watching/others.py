"""Detectors beside ours: the same windows as files, judged by each in an environment of its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest.environments import python_of
from benchmarks.contest.processes import cpus, environment, watched
from benchmarks.watching import stream
from schemas.errors import ServiceError

OTHERS = {"evidently": "benchmarks.watching.evidently_default", "nannyml": "benchmarks.watching.nannyml_default"}
"""Detectors by their environment, and the module that asks each."""

WINDOW_ROWS, REFERENCE_ROWS = 10_000, 100_000
"""Rows of a window and of the reference: with more of them the slowest takes minutes a window."""

QUIET = {"NML_DISABLE_USAGE_LOGGING": "1"}


def beside(cache: Path, seed: int, laws: Mapping[str, stream.Law], calm: int, each: int) -> dict[str, dict[str, Any]]:
    """What the others say of calm windows and of those that hold a change.

    Args:
        cache: the folder of environments.
        seed: what windows are drawn by.
        laws: what records of each change are drawn from.
        calm: how many windows without a change.
        each: how many windows of each change.

    Returns:
        By detector, once with its verdict on the table and once on any column: false alarms in 10,000 windows and the
        share of changes detected; or why there are no figures.
    """
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        names = _written(Path(folder), seed, laws, calm, each)
        for detector, module in OTHERS.items():
            try:
                command = [str(python_of(detector, cache)), "-W", "ignore", "-m", module, folder]
                said, _ = watched(command, environment(1) | QUIET, cpus(1))
            except ServiceError as error:
                found[detector] = {"failed": str(error)}
                continue
            verdicts = json.loads(said.splitlines()[-1])
            for which, words in (("table", "table"), ("column", "any column")):
                found[f"{detector}, {words}"] = _figures(names, [bool(v[which]) for v in verdicts])
    return found


def _written(folder: Path, seed: int, laws: Mapping[str, stream.Law], calm: int, each: int) -> list[str]:
    """Write reference and windows; which change each window holds, in the order of their files."""
    rng = np.random.default_rng([seed, 2])
    names = ["calm"] * calm + [name for name in laws for _ in range(each)]
    _write(folder / "reference.npz", rng, stream.calm(), REFERENCE_ROWS)
    for i, name in enumerate(names):
        _write(folder / f"window{i:06d}.npz", rng, laws.get(name, stream.calm()), WINDOW_ROWS)
    return names


def _write(path: Path, rng: np.random.Generator, law: stream.Law, rows: int) -> None:
    columns: dict[str, Any] = {}
    for name, values in stream.records_of(rng, stream.pane_of(rng, law, rows)).to_pydict().items():
        if name in stream.NUMBERS:
            columns[name] = np.array(values, float)
        else:
            columns[name] = np.array(["none" if value is None else value for value in values])
    np.savez(path, **columns)


def _figures(names: Sequence[str], alarms: Sequence[bool]) -> dict[str, Any]:
    sounded: dict[str, list[bool]] = {}
    for name, alarm in zip(names, alarms, strict=True):
        sounded.setdefault(name, []).append(alarm)
    false = sounded.pop("calm", [])
    return {
        "false_alarms_per_10000": sum(false) * 10_000 / max(len(false), 1),
        "detected_share": {name: sum(some) / len(some) for name, some in sounded.items()},
        "windows": len(alarms),
    }
