"""Where the real rows are that a command reads: in a file, or on a topic."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from generators.task import Progress as Told
from schemas.errors import InputError
from schemas.rows import Rows
from stream_app import training
from stream_app.assemble import Outside, reached
from stream_app.options import where
from stream_app.settings import place
from stream_app.topic_rows import newest_rows


@dataclass(frozen=True, eq=False)
class Real:
    """The raw rows a command reads.

    Args:
        rows: the rows.
        read: which they are, in words; None for all of a file.
    """

    rows: Rows
    read: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        """Which rows they are, as a command's output says."""
        return {} if self.read is None else {"read": self.read}


@dataclass(frozen=True)
class AskedRows:
    """What the argument TABLE and the options of `rows_options` say.

    Raises:
        InputError: neither a file nor a topic is named, or both.
    """

    table: Path | None
    from_topic: str | None
    rows: int
    bootstrap: str | None
    registry: str | None

    def __post_init__(self) -> None:
        if (self.table is None) == (self.from_topic is None):
            raise InputError("table: name either a file, or a topic by --from-topic")

    @contextmanager
    def outside(self, anyway: bool = False) -> Iterator[Outside | None]:
        """Broker and registry while rows are read; None where these are in a file, unless wanted anyway."""
        if self.from_topic is None and not anyway:
            yield None
            return
        with reached(place(self.bootstrap, self.registry, None, os.environ)) as outside:
            yield outside

    def read(self, outside: Outside | None, told: Told) -> Real:
        """The raw rows.

        Args:
            outside: as `outside` gives it.
            told: told how far reading has come.
        """
        if self.from_topic is not None:
            assert outside is not None
            found = newest_rows(outside, self.from_topic, self.rows, told)
            return Real(found.rows, found.words)
        assert self.table is not None
        told(0.0, "reading the table")
        return Real(training.rows_of_file(self.table))


def rows_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --from-topic and --rows, and where the topic is."""
    topic = click.option(
        "--from-topic", metavar="TOPIC", help="Train on the newest records of a topic, not on a table."
    )
    many = click.IntRange(2)
    told = "How many records to read from the topic, the newest."
    rows = click.option("--rows", default=100_000, show_default=True, type=many, help=told)
    return topic(rows(where(command)))
