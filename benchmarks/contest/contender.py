"""What every contender does, in a process of its own: fit and keep a model, draw from one, write what it draws.

The libraries of others live in environments of their own, so this file needs the standard library and pyarrow alone.
A process is told what to do by one JSON argument, and the last line it prints is one JSON object.
"""

from __future__ import annotations

import json
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

SMALL = 8_192
"""Rows of the small draw beside the one that counts."""

LOOPBACK = re.compile(r"127\.|::1$|localhost$")


@dataclass(frozen=True)
class Task:
    """What a process is to do.

    Args:
        verb: load libraries and compile; fit a model; draw and say how fast; write rows; or draw under conditions.
        model: the model's name.
        table: the training rows, CSV.
        target: the column that users will learn to predict; empty for none.
        public: columns whose values may be copied.
        seed: seeds training, or drawing.
        folder: where the model is kept.
        rows: how many rows are drawn.
        out: where rows are written.
        threads: how many threads there are for everybody.
    """

    verb: Literal["warm", "fit", "draw", "write", "conditions"]
    model: str
    table: str
    target: str
    public: tuple[str, ...]
    seed: int
    folder: str
    rows: int
    out: str
    threads: int


class Contender(ABC):
    """A model of some library."""

    PACKAGES: ClassVar[tuple[str, ...]]
    """What its figures depend on."""

    @abstractmethod
    def read(self, task: Task) -> Any:
        """The training rows as the library takes them; not timed."""

    @abstractmethod
    def fit(self, task: Task, table: Any) -> Any:
        """A model of the rows, from finding out what their columns are to the end of training; timed."""

    @abstractmethod
    def keep(self, task: Task, model: Any) -> None:
        """Save the model, where fitting has not; not timed."""

    @abstractmethod
    def load(self, task: Task) -> Any:
        """The model as it was kept; not timed."""

    @abstractmethod
    def batches(self, task: Task, model: Any, rows: int) -> Iterator[pa.RecordBatch]:
        """Draw so many rows or a few more; timed."""

    @abstractmethod
    def write(self, task: Task, model: Any) -> None:
        """Write rows as the training file has them; not timed."""

    def warm(self, task: Task) -> None:
        """Do once what later processes are then spared; by itself, importing the library and reading the table."""
        self.read(task)

    def after_fit(self, model: Any) -> dict[str, float]:
        """Figures that are taken apart from fitting."""
        return {}

    def conditions(self, task: Task, model: Any) -> dict[str, float]:
        """What is drawn under conditions, and how fast."""
        raise NotImplementedError(f"{task.model} is not measured under conditions")


def play(contender: Contender, arguments: Sequence[str]) -> None:
    """Do what one argument says, and print one JSON object."""
    sys.addaudithook(offline)
    form = json.loads(arguments[0])
    task = Task(**{**form, "public": tuple(form["public"])})
    found = STEPS[task.verb](contender, task)
    versions = {name: version(name) for name in contender.PACKAGES}
    sys.stdout.write(json.dumps({**found, "versions": versions}) + "\n")


def offline(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse whatever would leave this machine.

    Raises:
        ConnectionRefusedError: something looks a host up or connects to one.
    """
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if name and not LOOPBACK.match(name):
        raise ConnectionRefusedError(f"{name}: a contender stays on this machine")


def peak_mib() -> float:
    """The most memory this process ever held."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1_024 if found is not None else 0.0


def _warm(contender: Contender, task: Task) -> dict[str, Any]:
    contender.warm(task)
    return {}


def _fit(contender: Contender, task: Task) -> dict[str, Any]:
    table = contender.read(task)
    began = time.perf_counter()
    model = contender.fit(task, table)
    found = {"fit_s": time.perf_counter() - began, "peak_mib": peak_mib()}
    contender.keep(task, model)
    return {**found, **contender.after_fit(model)}


def _draw(contender: Contender, task: Task) -> dict[str, Any]:
    """The further rows of a large draw over its further time beside a small one: what any call costs is left out.

    Of several small draws the fastest counts, so that a pause of the machine does not make it the longer one.
    """
    model = contender.load(task)
    _timed(contender, task, model, SMALL)
    small, small_s = min((_timed(contender, task, model, SMALL) for _ in range(3)), key=itemgetter(1))
    large, large_s = _timed(contender, task, model, task.rows)
    return {"rows_per_s": (large - small) / (large_s - small_s), "peak_mib": peak_mib()}


def _timed(contender: Contender, task: Task, model: Any, rows: int) -> tuple[int, float]:
    """How many rows came, and how long they took in seconds."""
    began = time.perf_counter()
    drawn = sum(batch.num_rows for batch in contender.batches(task, model, rows))
    return drawn, time.perf_counter() - began


def _write(contender: Contender, task: Task) -> dict[str, Any]:
    contender.write(task, contender.load(task))
    return {}


def _conditions(contender: Contender, task: Task) -> dict[str, Any]:
    return contender.conditions(task, contender.load(task))


STEPS = {"warm": _warm, "fit": _fit, "draw": _draw, "write": _write, "conditions": _conditions}
