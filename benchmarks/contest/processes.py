"""Processes of their own: how many threads they have, what they print, and the most memory they hold."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.contest.contender import Task
from benchmarks.faults import resident_mib
from schemas.errors import ServiceError

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.1
"""How often memory is looked at."""


def carried_out(python: Path, module: str, task: Task) -> dict[str, Any]:
    """What a contender says of a task.

    Args:
        python: the Python of its environment.
        module: its module.
        task: what to do.

    Returns:
        What it printed, and as `peak_mib` the most memory that it and its children held.

    Raises:
        ServiceError: it failed; its last words.
    """
    command = [str(python), "-m", module, json.dumps(asdict(task))]
    said, most_mib = watched(command, environment(task.threads), cpus(task.threads))
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {**found, "peak_mib": max(most_mib, found["peak_mib"])} if "peak_mib" in found else found


def environment(threads: int) -> dict[str, str]:
    """A process's environment: so many threads for whoever counts them, no accelerator, no telemetry."""
    counted = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in counted}, **quiet}


def cpus(threads: int) -> set[int]:
    """The processors that a process and its children may run on."""
    return set(sorted(os.sched_getaffinity(0))[:threads])


def watched(command: list[str], env: dict[str, str], on: set[int]) -> tuple[str, float]:
    """Run a command to its end.

    Args:
        command: what to run, in the project's folder.
        env: its environment.
        on: the processors it may use.

    Returns:
        What it printed, and the most memory that it and its children were seen to hold together, in MiB.

    Raises:
        ServiceError: it failed; its last words.
    """
    most_mib = 0.0
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
        with process:
            os.sched_setaffinity(process.pid, on)
            while True:
                with suppress(subprocess.TimeoutExpired):
                    said, _ = process.communicate(timeout=LOOK_S)
                    break
                most_mib = max(most_mib, sum(map(resident_mib, family(process.pid))))
        if process.returncode != 0:
            complaints.seek(0)
            last = [line for line in complaints.read().splitlines() if line.strip()][-1:]
            raise ServiceError(f"{' '.join(command[:3])}: {last[0] if last else f'exit code {process.returncode}'}")
    return said, most_mib


def family(pid: int) -> Iterator[int]:
    """A process and all that came of it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from family(int(child))
