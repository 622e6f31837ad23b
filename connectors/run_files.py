"""Runs in a folder: one folder a run, with JSON lines that programs read, under the names that MLflow has for them.

params.jsonl   {"name", "value"}                      what it was told
metrics.jsonl  {"name", "value", "step", "time_ms"}   numbers; the step is null where they are of the run as a whole
tags.jsonl     {"name", "value"}                      what else is known; the last one of a name counts
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import InputError, ServiceError

STATUS = "status"
"""The tag that says how a run ended; RUNNING while it has not."""


@dataclass(frozen=True)
class FileRun:
    """A run in a folder of its own.

    Args:
        folder: which.
    """

    folder: Path

    @classmethod
    def begin(cls, within: Path, name: str) -> FileRun:
        """Begin a run in a new folder: the name, with the next number behind it.

        Args:
            within: the folder of the runs; made where there is none.
            name: what the run is called.

        Raises:
            InputError: there is something else in the way.
            ServiceError: the disk does not take it.
        """
        plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
        try:
            within.mkdir(parents=True, exist_ok=True)
            number = 1 + max((int(f.name[-4:]) for f in within.glob(f"{plain}-[0-9][0-9][0-9][0-9]")), default=0)
            while True:
                folder = within / f"{plain}-{number:04d}"
                try:
                    folder.mkdir()
                    break
                except FileExistsError:  # somebody else was quicker
                    number += 1
            run = cls(folder)
            run.tags({"name": name, STATUS: "RUNNING"})
        except (FileExistsError, NotADirectoryError):
            raise InputError(f"track={within}: is not a folder; name one for runs") from None
        except OSError as error:
            raise ServiceError(f"track={within}: can not be written ({error.strerror})") from None
        return run

    def params(self, values: Mapping[str, Any]) -> None:
        """See `Run.params`."""
        self._add("params", ({"name": name, "value": value} for name, value in values.items()))

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """See `Run.metrics`; what is no number is null."""
        now = round(time.time() * 1_000)
        told = ((name, value if math.isfinite(value) else None) for name, value in values.items())
        self._add("metrics", ({"name": n, "value": v, "step": step, "time_ms": now} for n, v in told))

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Run.tags`."""
        self._add("tags", ({"name": name, "value": value} for name, value in values.items()))

    def child(self, name: str) -> FileRun:
        """See `Run.child`; it is in a folder within."""
        return FileRun.begin(self.folder / "runs", name)

    def end(self, status: str) -> None:
        """See `Run.end`."""
        self.tags({STATUS: status})

    def _add(self, kind: str, lines: Iterable[Mapping[str, Any]]) -> None:
        with (self.folder / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line, default=str, ensure_ascii=False) + "\n" for line in lines)
