"""What a command shares with the terminal it runs in: Ctrl-C that ends in good order, and progress on long work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from generators.task import Progress as Told


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that a loop can end in its own time."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Told]:
    """A progress bar on standard error, where that is a terminal; its value is told how far the work has come."""
    columns = (
        TextColumn("{task.description:32}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda done, doing: bar.update(task, completed=done, description=doing)


@contextmanager
def interruptible(told: Told) -> Iterator[Told]:
    """Progress that Ctrl-C ends when it is told next, never in the middle of compiled code, which can not take it.

    Raises:
        KeyboardInterrupt: from the value, once Ctrl-C or SIGTERM came.
    """
    with until_interrupted() as stop:

        def telling(share: float, what: str) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            told(share, what)

        yield telling
